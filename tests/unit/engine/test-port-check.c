/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port-check.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine-error.h"

static InnMachineDescription *
describe (void)
{
  static const char text[]
      = "<domain><name>web</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11</uuid>"
        "<memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><kernel>/k</kernel></os><devices>"
        "<interface type='user'><portForward proto='tcp'><range start='8000' end='8009'/>"
        "</portForward><portForward proto='udp' address='127.0.0.1'><range start='53'/>"
        "</portForward></interface></devices></domain>";

  return inn_machine_description_parse (text, strlen (text), NULL);
}

static void
test_description (void)
{
  static const struct
  {
    const char *forward;
    gboolean free;
  } cases[] = {
    { "tcp:7999:80", TRUE },         { "tcp:8000:80", FALSE },
    { "tcp:8009:80", FALSE },        { "tcp:8010:80", TRUE },
    { "udp:8000:80", TRUE },         { "tcp:127.0.0.1/8000:80", FALSE },
    { "udp:53:53", FALSE },          { "udp:127.0.0.1/53:53", FALSE },
    { "udp:127.0.0.2/53:53", TRUE }, { "tcp:7000-8100:80", FALSE },
  };
  g_autoptr (InnMachineDescription) description = describe ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (inn_port_check_description (cases[i].forward, description, &error), ==,
                       cases[i].free);
      if (cases[i].free)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
      g_assert_nonnull (strstr (error->message, "“web”"));
    }
}

static void
test_nonsense (void)
{
  static const char *const nonsense[] = { "", "8080", "tcp:0:80", "tcp:80", "sctp:1:2" };
  g_autoptr (InnMachineDescription) description = describe ();

  for (guint i = 0; i < G_N_ELEMENTS (nonsense); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) other = NULL;

      g_assert_false (inn_port_check_description (nonsense[i], description, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
      g_assert_false (inn_port_check_host (nonsense[i], &other));
      g_assert_error (other, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
    }
}

/* A port that somebody listens at is named; free again, it can be had. */
static void
test_host (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autofree char *anywhere = NULL;
  g_autofree char *here = NULL;
  g_autofree char *port = NULL;
  g_autoptr (GError) error = NULL;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 1), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &size), ==, 0);
  port = g_strdup_printf ("%u", ntohs (address.sin_port));
  anywhere = g_strdup_printf ("tcp:%s:80", port);
  here = g_strdup_printf ("tcp:127.0.0.1/%s:80", port);

  g_assert_false (inn_port_check_host (anywhere, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, port));
  g_assert_false (inn_port_check_host (here, NULL));
  close (fd);
  g_assert_true (inn_port_check_host (here, NULL));
  g_assert_true (inn_port_check_host (anywhere, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/port-check/description", test_description);
  g_test_add_func ("/port-check/nonsense", test_nonsense);
  g_test_add_func ("/port-check/host", test_host);

  return g_test_run ();
}

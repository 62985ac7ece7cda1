/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl console: the serial line or a console port on this terminal, or between pipes.
 */
#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "innctl.h"

enum
{
  DETACH_KEY = 0x1d, /* Ctrl+] */
  BUFFER_SIZE = 4096,
};

typedef struct
{
  int line; /* the guest's serial line, non-blocking */
  gboolean input_is_terminal;
  gboolean input_open;
  struct termios saved;
  char pending[BUFFER_SIZE]; /* input the guest has not taken yet */
  gsize pending_length;
} Console;

static char *port;

static volatile sig_atomic_t stop_signal;

static void
on_signal (int number)
{
  stop_signal = number;
}

/* Keys go to the guest as they are; the terminal is put back at the end whatever ends us. */
static void
enter_raw_mode (Console *console)
{
  struct termios raw;

  console->input_is_terminal = tcgetattr (STDIN_FILENO, &console->saved) == 0;
  if (!console->input_is_terminal)
    return;

  raw = console->saved;
  cfmakeraw (&raw);
  raw.c_oflag |= OPOST; /* the guest sends CR LF itself; our own messages do not */
  tcsetattr (STDIN_FILENO, TCSADRAIN, &raw);
}

static void
leave_raw_mode (const Console *console)
{
  if (console->input_is_terminal)
    tcsetattr (STDIN_FILENO, TCSADRAIN, &console->saved);
}

/* Blocks until all is written; FALSE when nobody takes it any more. */
static gboolean
write_output (const char *bytes, gsize length)
{
  while (length > 0)
    {
      const ssize_t written = write (STDOUT_FILENO, bytes, length);

      if (written < 0 && errno != EINTR)
        return FALSE;
      if (written > 0)
        {
          bytes += written;
          length -= (gsize)written;
        }
    }

  return TRUE;
}

/* FALSE when the line has ended or nobody takes the output. */
static gboolean
take_from_guest (Console *console)
{
  char bytes[BUFFER_SIZE];
  const ssize_t length = read (console->line, bytes, sizeof (bytes));

  if (length < 0)
    return errno == EAGAIN || errno == EINTR;

  return length > 0 && write_output (bytes, (gsize)length);
}

/* FALSE when the user wants to leave. */
static gboolean
take_input (Console *console)
{
  const ssize_t length = read (STDIN_FILENO, console->pending, sizeof (console->pending));
  const char *key;

  if (length < 0 && errno == EINTR)
    return TRUE;
  if (length <= 0)
    {
      /* A pipe that ends does not end the watching. */
      console->input_open = FALSE;
      return !console->input_is_terminal;
    }

  key = memchr (console->pending, DETACH_KEY, (gsize)length);
  console->pending_length = key != NULL ? (gsize)(key - console->pending) : (gsize)length;
  return key == NULL;
}

static gboolean
give_to_guest (Console *console)
{
  const ssize_t written = write (console->line, console->pending, console->pending_length);

  if (written < 0)
    return errno == EAGAIN || errno == EINTR;

  console->pending_length -= (gsize)written;
  memmove (console->pending, console->pending + written, console->pending_length);
  return TRUE;
}

static void
relay (Console *console)
{
  gboolean go_on = TRUE;

  while (go_on && stop_signal == 0)
    {
      struct pollfd fds[2] = {
        { .fd = console->line, .events = POLLIN },
        { .fd = -1, .events = POLLIN },
      };

      if (console->pending_length > 0)
        fds[0].events |= POLLOUT;
      else if (console->input_open)
        fds[1].fd = STDIN_FILENO;

      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        continue; /* a signal */
      if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        go_on = take_from_guest (console);
      if (go_on && (fds[0].revents & POLLOUT))
        go_on = give_to_guest (console);
      if (go_on && fds[1].revents != 0 && !take_input (console))
        {
          if (console->pending_length > 0)
            give_to_guest (console);
          go_on = FALSE;
        }
    }
}

static int
open_line (const InnctlTarget *target, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (target->guest != NULL && port != NULL)
    inn_guest_open_port_async (target->guest, port, NULL, innctl_take_result, &result);
  else if (target->guest != NULL)
    inn_guest_open_serial_async (target->guest, NULL, innctl_take_result, &result);
  else if (port != NULL)
    inn_control_channel_open_port_async (target->channel, port, NULL, innctl_take_result, &result);
  else
    inn_control_channel_open_serial_async (target->channel, NULL, innctl_take_result, &result);
  innctl_await (&result);

  return target->guest != NULL
             ? inn_guest_open_serial_finish (target->guest, result, error)
             : inn_control_channel_open_serial_finish (target->channel, result, error);
}

static void
catch_signals (void)
{
  /* Without SA_RESTART: poll() is to return. */
  const struct sigaction action = { .sa_handler = on_signal };

  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGHUP, &action, NULL);
  signal (SIGPIPE, SIG_IGN);
}

static InnctlStatus
run_console (Innctl *self, char **arguments)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autoptr (GError) error = NULL;
  Console console = { .line = -1, .input_open = TRUE };
  InnctlStatus status = innctl_target_init (&target, self, arguments);

  if (status != INNCTL_DONE)
    return status;
  if (port != NULL && *port == '\0')
    return innctl_fail_with (_ ("The name of the console port is empty."));
  console.line = open_line (&target, &error);
  if (console.line < 0)
    return innctl_fail (error);

  catch_signals ();
  if (isatty (STDIN_FILENO))
    g_printerr (_ ("This is “%s”. Ctrl+] leaves it.\n"), innctl_target_get_name (&target, self));
  enter_raw_mode (&console);
  relay (&console);
  leave_raw_mode (&console);
  fd_close (&console.line);

  return INNCTL_DONE;
}

static const GOptionEntry console_options[] = {
  { "port", 0, 0, G_OPTION_ARG_STRING, &port,
    N_ ("Use this console port in place of the serial line, such as org.qemu.guest_agent.0"),
    N_ ("PORT") },
  { NULL },
};

const InnctlVerb innctl_console_verb = {
  .name = "console",
  .arguments = "NAME",
  .summary = N_ ("use its serial line on this terminal (Ctrl+] leaves)"),
  .details = N_ ("What it printed last comes first. With pipes, the end of the input does not end "
                 "it: it goes on printing until the guest ends."),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .options = console_options,
  .run = run_console,
};

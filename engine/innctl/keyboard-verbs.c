/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs that press keys of a running machine: send-key, type.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <linux/input-event-codes.h>

#include "innctl.h"
#include "json-writer.h"
#include "key-names.h"

enum
{
  /* Between any two changes: firmware looks at the keyboard 50 times a second and remembers few. */
  STEP_MS = 10,
  HOLD_MS = 50,  /* of a combination */
  END_MS = 1000, /* until the end of a machine that does not answer is known */
};

typedef struct
{
  InnctlTarget target;
  gboolean closed; /* the VMM behind the target's channel has ended */
} Keyboard;

static void
on_closed (InnControlChannel *channel, const GError *error, gpointer user_data)
{
  gboolean *closed = user_data;

  *closed = TRUE;
}

static gboolean
is_gone (gpointer data)
{
  const Keyboard *keyboard = data;

  return keyboard->target.guest != NULL ? !inn_guest_is_active (keyboard->target.guest)
                                        : keyboard->closed;
}

/* Whether the machine is there and has taken what was sent to it before. */
static gboolean
ping (const InnctlTarget *target, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (target->guest != NULL)
    {
      inn_guest_call_async (target->guest, INN_CONTROL_PING, NULL, innctl_take_result, &result);
      innctl_await (&result);
      return inn_guest_call_finish (target->guest, result, error);
    }

  inn_control_channel_call_async (target->channel, INN_CONTROL_PING, NULL, innctl_take_result,
                                  &result);
  innctl_await (&result);
  return inn_control_channel_call_finish (target->channel, result, error);
}

static gboolean
is_paused (const InnctlTarget *target)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  if (target->guest != NULL ? !inn_guest_read_statistics (target->guest, page)
                            : !inn_control_channel_read_statistics (target->channel, page))
    return FALSE;

  return page->status.state == VMM_STATE_PAUSED || page->status.state == VMM_STATE_STORAGE_ERROR;
}

static gboolean
has_keyboard (InnGuest *guest)
{
  const InnMachineDescription *description = inn_guest_get_description (guest);

  return description == NULL || inn_guest_has_screen (guest)
         || inn_machine_description_get_firmware (description) != INN_FIRMWARE_NONE;
}

static InnctlStatus
keyboard_open (Keyboard *self, Innctl *innctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_target_init (&self->target, innctl, arguments);
  const char *name;

  if (status != INNCTL_DONE)
    return status;

  self->closed = FALSE;
  if (self->target.channel != NULL)
    g_signal_connect (self->target.channel, "closed", G_CALLBACK (on_closed), &self->closed);
  name = innctl_target_get_name (&self->target, innctl);
  if (!ping (&self->target, &error))
    return innctl_fail (error);
  if (self->target.guest != NULL && !has_keyboard (self->target.guest))
    return innctl_fail_with (_ ("“%s” has neither firmware nor a screen, and so no keyboard. Use "
                                "“innctl console”."),
                             name);
  if (is_paused (&self->target))
    return innctl_fail_with (_ ("“%s” is paused and would not notice keys. Resume it first."),
                             name);

  return INNCTL_DONE;
}

static void
keyboard_close (Keyboard *self)
{
  if (self->target.channel != NULL)
    g_signal_handlers_disconnect_by_data (self->target.channel, &self->closed);
  innctl_target_clear (&self->target);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Keyboard, keyboard_close)

static void
press (Keyboard *self, guint16 key, gboolean down)
{
  const struct input_event event = { .type = INPUT_KEY, .code = key, .x = down ? 1 : 0 };

  if (self->target.guest != NULL)
    inn_guest_send_input (self->target.guest, &event);
  else
    inn_control_channel_send_input (self->target.channel, &event);
  innctl_wait (STEP_MS, is_gone, self);
}

/* All together, in that order, and back. Whether it was there when the last went down. */
static gboolean
press_together (Keyboard *self, const GArray *keys, guint hold_ms)
{
  gboolean there = TRUE;

  for (guint i = 0; i < keys->len; i++)
    {
      there = !is_gone (self);
      press (self, g_array_index (keys, guint16, i), TRUE);
    }
  innctl_wait (hold_ms, is_gone, self);
  for (guint i = keys->len; i > 0; i--)
    press (self, g_array_index (keys, guint16, i - 1), FALSE);
  return there;
}

/* Waits until the keys have been taken. A machine that the last of them ended has @pressed them
 * all and cannot say so. */
static gboolean
are_taken (Keyboard *self, gboolean pressed, GError **error)
{
  g_autoptr (GError) unanswered = NULL;

  if (ping (&self->target, &unanswered))
    return TRUE;
  if (pressed && innctl_wait (END_MS, is_gone, self))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&unanswered));
  return FALSE;
}

/* ---- send-key ---- */

static InnctlStatus
read_keys (char **words, GArray *keys)
{
  for (guint i = 0; words[i] != NULL; i++)
    {
      const guint16 key = inn_key_from_name (words[i]);

      if (key == KEY_RESERVED)
        return innctl_fail_usage (
            _ ("There is no key “%s”. Write KEY_A, a, ctrl, f1, enter, … with "
               "a space between keys."),
            words[i]);
      for (guint j = 0; j < keys->len; j++)
        {
          if (g_array_index (keys, guint16, j) == key)
            return innctl_fail_usage (_ ("The key “%s” is there twice, and cannot be pressed while "
                                         "it is down."),
                                      words[i]);
        }
      g_array_append_val (keys, key);
    }

  return INNCTL_DONE;
}

static void
print_keys (const GArray *keys)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_begin_array (&json, "keys");
  for (guint i = 0; i < keys->len; i++)
    innctl_json_add_string (&json, NULL, inn_key_to_name (g_array_index (keys, guint16, i)));
  innctl_json_end_array (&json);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static InnctlStatus
run_send_key (Innctl *self, char **arguments)
{
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (guint16));
  g_auto (Keyboard) keyboard = { { NULL, NULL }, FALSE };
  g_autoptr (GError) error = NULL;
  InnctlStatus status = read_keys (arguments + (self->control_path == NULL ? 1 : 0), keys);
  gboolean pressed;

  if (status == INNCTL_DONE)
    status = keyboard_open (&keyboard, self, arguments);
  if (status != INNCTL_DONE)
    return status;

  pressed = press_together (&keyboard, keys, HOLD_MS);
  if (!are_taken (&keyboard, pressed, &error))
    return innctl_fail (error);
  if (self->json)
    print_keys (keys);
  return INNCTL_DONE;
}

/* ---- type ---- */

static InnctlStatus
check_text (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return innctl_fail_usage (_ ("The text is not valid UTF-8."));

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      const gunichar character = g_utf8_get_char (at);
      gboolean shift;
      guint16 key;

      if (inn_key_from_character (character, &key, &shift))
        continue;
      if (g_unichar_isprint (character))
        return innctl_fail_usage (_ ("A US keyboard has no key for “%.*s”; nothing was typed."),
                                  (int)(g_utf8_next_char (at) - at), at);
      return innctl_fail_usage (_ ("A US keyboard has no key for the character U+%04X; nothing was "
                                   "typed."),
                                character);
    }

  return INNCTL_DONE;
}

/* Whether the machine was there when its key went down. */
static gboolean
type_character (Keyboard *self, gunichar character)
{
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (guint16));
  static const guint16 shift_key = KEY_LEFTSHIFT;
  gboolean shift;
  guint16 key;

  if (!inn_key_from_character (character, &key, &shift))
    return FALSE;
  if (shift)
    g_array_append_val (keys, shift_key);
  g_array_append_val (keys, key);
  return press_together (self, keys, 0);
}

static void
print_typed (const char *text)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_integer (&json, "characters", g_utf8_strlen (text, -1));
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static InnctlStatus
run_type (Innctl *self, char **arguments)
{
  const char *text = arguments[self->control_path == NULL ? 1 : 0];
  g_auto (Keyboard) keyboard = { { NULL, NULL }, FALSE };
  g_autoptr (GError) error = NULL;
  InnctlStatus status = check_text (text);
  gboolean typed = TRUE;

  if (status == INNCTL_DONE)
    status = keyboard_open (&keyboard, self, arguments);
  if (status != INNCTL_DONE)
    return status;

  for (const char *at = text; *at != '\0' && typed; at = g_utf8_next_char (at))
    typed = type_character (&keyboard, g_utf8_get_char (at));
  if (!are_taken (&keyboard, typed, &error))
    return innctl_fail (error);
  if (self->json)
    print_typed (text);
  return INNCTL_DONE;
}

const InnctlVerb innctl_send_key_verb = {
  .name = "send-key",
  .arguments = "NAME KEY...",
  .summary = N_ ("press keys of a running machine, all together"),
  .details = N_ ("Keys go down in the order they are written in and up the other way round, as in "
                 "“innctl send-key NAME ctrl alt delete”. They have Linux' names, like KEY_A or "
                 "just a; some have short ones: ctrl, shift, alt, altgr, super, esc, del, ins, "
                 "pgup, pgdn, print."),
  .min_arguments = 2,
  .max_arguments = G_MAXINT,
  .takes_control = TRUE,
  .run = run_send_key,
};

const InnctlVerb innctl_type_verb = {
  .name = "type",
  .arguments = "NAME TEXT",
  .summary = N_ ("type a text on a running machine's keyboard"),
  .details = N_ ("As on a US keyboard, which is what the guest must expect, and not faster than "
                 "any guest can take it. A newline is the enter key. Write “--” before a text that "
                 "begins with a dash."),
  .min_arguments = 2,
  .max_arguments = 2,
  .takes_control = TRUE,
  .run = run_type,
};

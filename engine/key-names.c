/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "key-names.h"

#include <linux/input-event-codes.h>
#include <string.h>

#define PREFIX "KEY_"

typedef struct
{
  const char *name;
  guint16 key;
} KeyName;

#define KEY(name)                                                                                  \
  {                                                                                                \
    PREFIX #name, KEY_##name                                                                       \
  }

/* clang-format off */
static const KeyName names[] = {
  KEY (ESC), KEY (1), KEY (2), KEY (3), KEY (4), KEY (5), KEY (6), KEY (7), KEY (8), KEY (9),
  KEY (0), KEY (MINUS), KEY (EQUAL), KEY (BACKSPACE), KEY (TAB), KEY (Q), KEY (W), KEY (E),
  KEY (R), KEY (T), KEY (Y), KEY (U), KEY (I), KEY (O), KEY (P), KEY (LEFTBRACE), KEY (RIGHTBRACE),
  KEY (ENTER), KEY (LEFTCTRL), KEY (A), KEY (S), KEY (D), KEY (F), KEY (G), KEY (H), KEY (J),
  KEY (K), KEY (L), KEY (SEMICOLON), KEY (APOSTROPHE), KEY (GRAVE), KEY (LEFTSHIFT),
  KEY (BACKSLASH), KEY (Z), KEY (X), KEY (C), KEY (V), KEY (B), KEY (N), KEY (M), KEY (COMMA),
  KEY (DOT), KEY (SLASH), KEY (RIGHTSHIFT), KEY (KPASTERISK), KEY (LEFTALT), KEY (SPACE),
  KEY (CAPSLOCK), KEY (F1), KEY (F2), KEY (F3), KEY (F4), KEY (F5), KEY (F6), KEY (F7), KEY (F8),
  KEY (F9), KEY (F10), KEY (NUMLOCK), KEY (SCROLLLOCK), KEY (KP7), KEY (KP8), KEY (KP9),
  KEY (KPMINUS), KEY (KP4), KEY (KP5), KEY (KP6), KEY (KPPLUS), KEY (KP1), KEY (KP2), KEY (KP3),
  KEY (KP0), KEY (KPDOT), KEY (ZENKAKUHANKAKU), KEY (102ND), KEY (F11), KEY (F12), KEY (RO),
  KEY (KATAKANA), KEY (HIRAGANA), KEY (HENKAN), KEY (KATAKANAHIRAGANA), KEY (MUHENKAN),
  KEY (KPJPCOMMA), KEY (KPENTER), KEY (RIGHTCTRL), KEY (KPSLASH), KEY (SYSRQ), KEY (RIGHTALT),
  KEY (LINEFEED), KEY (HOME), KEY (UP), KEY (PAGEUP), KEY (LEFT), KEY (RIGHT), KEY (END),
  KEY (DOWN), KEY (PAGEDOWN), KEY (INSERT), KEY (DELETE), KEY (MACRO), KEY (MUTE),
  KEY (VOLUMEDOWN), KEY (VOLUMEUP), KEY (POWER), KEY (KPEQUAL), KEY (KPPLUSMINUS), KEY (PAUSE),
  KEY (SCALE), KEY (KPCOMMA), KEY (HANGEUL), KEY (HANJA), KEY (YEN), KEY (LEFTMETA),
  KEY (RIGHTMETA), KEY (COMPOSE), KEY (STOP), KEY (AGAIN), KEY (PROPS), KEY (UNDO), KEY (FRONT),
  KEY (COPY), KEY (OPEN), KEY (PASTE), KEY (FIND), KEY (CUT), KEY (HELP), KEY (MENU), KEY (CALC),
  KEY (SETUP), KEY (SLEEP), KEY (WAKEUP), KEY (FILE), KEY (SENDFILE), KEY (DELETEFILE), KEY (XFER),
  KEY (PROG1), KEY (PROG2), KEY (WWW), KEY (MSDOS), KEY (COFFEE), KEY (ROTATE_DISPLAY),
  KEY (CYCLEWINDOWS), KEY (MAIL), KEY (BOOKMARKS), KEY (COMPUTER), KEY (BACK), KEY (FORWARD),
  KEY (CLOSECD), KEY (EJECTCD), KEY (EJECTCLOSECD), KEY (NEXTSONG), KEY (PLAYPAUSE),
  KEY (PREVIOUSSONG), KEY (STOPCD), KEY (RECORD), KEY (REWIND), KEY (PHONE), KEY (ISO),
  KEY (CONFIG), KEY (HOMEPAGE), KEY (REFRESH), KEY (EXIT), KEY (MOVE), KEY (EDIT), KEY (SCROLLUP),
  KEY (SCROLLDOWN), KEY (KPLEFTPAREN), KEY (KPRIGHTPAREN), KEY (NEW), KEY (REDO), KEY (F13),
  KEY (F14), KEY (F15), KEY (F16), KEY (F17), KEY (F18), KEY (F19), KEY (F20), KEY (F21),
  KEY (F22), KEY (F23), KEY (F24), KEY (PLAYCD), KEY (PAUSECD), KEY (PROG3), KEY (PROG4),
  KEY (ALL_APPLICATIONS), KEY (SUSPEND), KEY (CLOSE), KEY (PLAY), KEY (FASTFORWARD),
  KEY (BASSBOOST), KEY (PRINT), KEY (HP), KEY (CAMERA), KEY (SOUND), KEY (QUESTION), KEY (EMAIL),
  KEY (CHAT), KEY (SEARCH), KEY (CONNECT), KEY (FINANCE), KEY (SPORT), KEY (SHOP), KEY (ALTERASE),
  KEY (CANCEL), KEY (BRIGHTNESSDOWN), KEY (BRIGHTNESSUP), KEY (MEDIA), KEY (SWITCHVIDEOMODE),
  KEY (KBDILLUMTOGGLE), KEY (KBDILLUMDOWN), KEY (KBDILLUMUP), KEY (SEND), KEY (REPLY),
  KEY (FORWARDMAIL), KEY (SAVE), KEY (DOCUMENTS), KEY (BATTERY), KEY (BLUETOOTH), KEY (WLAN),
  KEY (UWB), KEY (VIDEO_NEXT), KEY (VIDEO_PREV), KEY (BRIGHTNESS_CYCLE), KEY (BRIGHTNESS_AUTO),
  KEY (DISPLAY_OFF), KEY (WWAN), KEY (RFKILL), KEY (MICMUTE),
};

/* What people call some of them. */
static const KeyName short_names[] = {
  { "ctrl", KEY_LEFTCTRL },     { "control", KEY_LEFTCTRL },  { "shift", KEY_LEFTSHIFT },
  { "alt", KEY_LEFTALT },       { "altgr", KEY_RIGHTALT },    { "super", KEY_LEFTMETA },
  { "meta", KEY_LEFTMETA },     { "win", KEY_LEFTMETA },      { "return", KEY_ENTER },
  { "escape", KEY_ESC },        { "del", KEY_DELETE },        { "ins", KEY_INSERT },
  { "pgup", KEY_PAGEUP },       { "pgdn", KEY_PAGEDOWN },     { "bksp", KEY_BACKSPACE },
  { "caps", KEY_CAPSLOCK },     { "print", KEY_SYSRQ },       { "printscreen", KEY_SYSRQ },
};

/* The keys of a US keyboard that type something, with and without shift. */
static const struct
{
  guint16 key;
  char plain;
  char shifted;
} characters[] = {
  { KEY_SPACE, ' ', ' ' },        { KEY_ENTER, '\n', '\n' },      { KEY_TAB, '\t', '\t' },
  { KEY_1, '1', '!' },            { KEY_2, '2', '@' },            { KEY_3, '3', '#' },
  { KEY_4, '4', '$' },            { KEY_5, '5', '%' },            { KEY_6, '6', '^' },
  { KEY_7, '7', '&' },            { KEY_8, '8', '*' },            { KEY_9, '9', '(' },
  { KEY_0, '0', ')' },            { KEY_MINUS, '-', '_' },        { KEY_EQUAL, '=', '+' },
  { KEY_LEFTBRACE, '[', '{' },    { KEY_RIGHTBRACE, ']', '}' },   { KEY_BACKSLASH, '\\', '|' },
  { KEY_SEMICOLON, ';', ':' },    { KEY_APOSTROPHE, '\'', '"' },  { KEY_GRAVE, '`', '~' },
  { KEY_COMMA, ',', '<' },        { KEY_DOT, '.', '>' },          { KEY_SLASH, '/', '?' },
  { KEY_A, 'a', 'A' },            { KEY_B, 'b', 'B' },            { KEY_C, 'c', 'C' },
  { KEY_D, 'd', 'D' },            { KEY_E, 'e', 'E' },            { KEY_F, 'f', 'F' },
  { KEY_G, 'g', 'G' },            { KEY_H, 'h', 'H' },            { KEY_I, 'i', 'I' },
  { KEY_J, 'j', 'J' },            { KEY_K, 'k', 'K' },            { KEY_L, 'l', 'L' },
  { KEY_M, 'm', 'M' },            { KEY_N, 'n', 'N' },            { KEY_O, 'o', 'O' },
  { KEY_P, 'p', 'P' },            { KEY_Q, 'q', 'Q' },            { KEY_R, 'r', 'R' },
  { KEY_S, 's', 'S' },            { KEY_T, 't', 'T' },            { KEY_U, 'u', 'U' },
  { KEY_V, 'v', 'V' },            { KEY_W, 'w', 'W' },            { KEY_X, 'x', 'X' },
  { KEY_Y, 'y', 'Y' },            { KEY_Z, 'z', 'Z' },
};
/* clang-format on */

guint16
inn_key_from_name (const char *name)
{
  const gboolean prefixed = g_ascii_strncasecmp (name, PREFIX, strlen (PREFIX)) == 0;

  /* The print key is the one to people that Linux knows as SYSRQ. */
  for (guint i = 0; i < G_N_ELEMENTS (short_names); i++)
    {
      if (g_ascii_strcasecmp (short_names[i].name, name) == 0)
        return short_names[i].key;
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_ascii_strcasecmp (names[i].name + (prefixed ? 0 : strlen (PREFIX)), name) == 0)
        return names[i].key;
    }

  return KEY_RESERVED;
}

const char *
inn_key_to_name (guint16 key)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (names[i].key == key)
        return names[i].name;
    }

  g_return_val_if_reached (NULL);
}

gboolean
inn_key_from_character (gunichar character, guint16 *ret_key, gboolean *ret_shift)
{
  for (guint i = 0; i < G_N_ELEMENTS (characters); i++)
    {
      if (character != (guchar)characters[i].plain && character != (guchar)characters[i].shifted)
        continue;

      *ret_key = characters[i].key;
      *ret_shift = character != (guchar)characters[i].plain;
      return TRUE;
    }

  return FALSE;
}

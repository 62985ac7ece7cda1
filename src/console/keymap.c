/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key codes: evdev to set 1 and to US keysyms. */
#include "console/keymap.h"

#include <gdk/gdkkeysyms.h>
#include <linux/input-event-codes.h>

#define HARDWARE_OFFSET 8

typedef struct
{
  guint8 qnum;
  guint16 keysym;
} Key;

/* Up to KEY_KPDOT evdev codes are set 1 codes by design; from there on they are listed. Print
 * Screen is E0 37: the bare 54 that some lists give is what a keyboard sends with Alt held. */
static const Key keys[] = {
  [KEY_ESC] = { 0x01, GDK_KEY_Escape },
  [KEY_1] = { 0x02, GDK_KEY_1 },
  [KEY_2] = { 0x03, GDK_KEY_2 },
  [KEY_3] = { 0x04, GDK_KEY_3 },
  [KEY_4] = { 0x05, GDK_KEY_4 },
  [KEY_5] = { 0x06, GDK_KEY_5 },
  [KEY_6] = { 0x07, GDK_KEY_6 },
  [KEY_7] = { 0x08, GDK_KEY_7 },
  [KEY_8] = { 0x09, GDK_KEY_8 },
  [KEY_9] = { 0x0a, GDK_KEY_9 },
  [KEY_0] = { 0x0b, GDK_KEY_0 },
  [KEY_MINUS] = { 0x0c, GDK_KEY_minus },
  [KEY_EQUAL] = { 0x0d, GDK_KEY_equal },
  [KEY_BACKSPACE] = { 0x0e, GDK_KEY_BackSpace },
  [KEY_TAB] = { 0x0f, GDK_KEY_Tab },
  [KEY_Q] = { 0x10, GDK_KEY_q },
  [KEY_W] = { 0x11, GDK_KEY_w },
  [KEY_E] = { 0x12, GDK_KEY_e },
  [KEY_R] = { 0x13, GDK_KEY_r },
  [KEY_T] = { 0x14, GDK_KEY_t },
  [KEY_Y] = { 0x15, GDK_KEY_y },
  [KEY_U] = { 0x16, GDK_KEY_u },
  [KEY_I] = { 0x17, GDK_KEY_i },
  [KEY_O] = { 0x18, GDK_KEY_o },
  [KEY_P] = { 0x19, GDK_KEY_p },
  [KEY_LEFTBRACE] = { 0x1a, GDK_KEY_bracketleft },
  [KEY_RIGHTBRACE] = { 0x1b, GDK_KEY_bracketright },
  [KEY_ENTER] = { 0x1c, GDK_KEY_Return },
  [KEY_LEFTCTRL] = { 0x1d, GDK_KEY_Control_L },
  [KEY_A] = { 0x1e, GDK_KEY_a },
  [KEY_S] = { 0x1f, GDK_KEY_s },
  [KEY_D] = { 0x20, GDK_KEY_d },
  [KEY_F] = { 0x21, GDK_KEY_f },
  [KEY_G] = { 0x22, GDK_KEY_g },
  [KEY_H] = { 0x23, GDK_KEY_h },
  [KEY_J] = { 0x24, GDK_KEY_j },
  [KEY_K] = { 0x25, GDK_KEY_k },
  [KEY_L] = { 0x26, GDK_KEY_l },
  [KEY_SEMICOLON] = { 0x27, GDK_KEY_semicolon },
  [KEY_APOSTROPHE] = { 0x28, GDK_KEY_apostrophe },
  [KEY_GRAVE] = { 0x29, GDK_KEY_grave },
  [KEY_LEFTSHIFT] = { 0x2a, GDK_KEY_Shift_L },
  [KEY_BACKSLASH] = { 0x2b, GDK_KEY_backslash },
  [KEY_Z] = { 0x2c, GDK_KEY_z },
  [KEY_X] = { 0x2d, GDK_KEY_x },
  [KEY_C] = { 0x2e, GDK_KEY_c },
  [KEY_V] = { 0x2f, GDK_KEY_v },
  [KEY_B] = { 0x30, GDK_KEY_b },
  [KEY_N] = { 0x31, GDK_KEY_n },
  [KEY_M] = { 0x32, GDK_KEY_m },
  [KEY_COMMA] = { 0x33, GDK_KEY_comma },
  [KEY_DOT] = { 0x34, GDK_KEY_period },
  [KEY_SLASH] = { 0x35, GDK_KEY_slash },
  [KEY_RIGHTSHIFT] = { 0x36, GDK_KEY_Shift_R },
  [KEY_KPASTERISK] = { 0x37, GDK_KEY_KP_Multiply },
  [KEY_LEFTALT] = { 0x38, GDK_KEY_Alt_L },
  [KEY_SPACE] = { 0x39, GDK_KEY_space },
  [KEY_CAPSLOCK] = { 0x3a, GDK_KEY_Caps_Lock },
  [KEY_F1] = { 0x3b, GDK_KEY_F1 },
  [KEY_F2] = { 0x3c, GDK_KEY_F2 },
  [KEY_F3] = { 0x3d, GDK_KEY_F3 },
  [KEY_F4] = { 0x3e, GDK_KEY_F4 },
  [KEY_F5] = { 0x3f, GDK_KEY_F5 },
  [KEY_F6] = { 0x40, GDK_KEY_F6 },
  [KEY_F7] = { 0x41, GDK_KEY_F7 },
  [KEY_F8] = { 0x42, GDK_KEY_F8 },
  [KEY_F9] = { 0x43, GDK_KEY_F9 },
  [KEY_F10] = { 0x44, GDK_KEY_F10 },
  [KEY_NUMLOCK] = { 0x45, GDK_KEY_Num_Lock },
  [KEY_SCROLLLOCK] = { 0x46, GDK_KEY_Scroll_Lock },
  [KEY_KP7] = { 0x47, GDK_KEY_KP_Home },
  [KEY_KP8] = { 0x48, GDK_KEY_KP_Up },
  [KEY_KP9] = { 0x49, GDK_KEY_KP_Page_Up },
  [KEY_KPMINUS] = { 0x4a, GDK_KEY_KP_Subtract },
  [KEY_KP4] = { 0x4b, GDK_KEY_KP_Left },
  [KEY_KP5] = { 0x4c, GDK_KEY_KP_Begin },
  [KEY_KP6] = { 0x4d, GDK_KEY_KP_Right },
  [KEY_KPPLUS] = { 0x4e, GDK_KEY_KP_Add },
  [KEY_KP1] = { 0x4f, GDK_KEY_KP_End },
  [KEY_KP2] = { 0x50, GDK_KEY_KP_Down },
  [KEY_KP3] = { 0x51, GDK_KEY_KP_Page_Down },
  [KEY_KP0] = { 0x52, GDK_KEY_KP_Insert },
  [KEY_KPDOT] = { 0x53, GDK_KEY_KP_Delete },
  [KEY_ZENKAKUHANKAKU] = { 0x76, GDK_KEY_Zenkaku_Hankaku },
  [KEY_102ND] = { 0x56, GDK_KEY_less },
  [KEY_F11] = { 0x57, GDK_KEY_F11 },
  [KEY_F12] = { 0x58, GDK_KEY_F12 },
  [KEY_RO] = { 0x73, GDK_KEY_backslash },
  [KEY_KATAKANA] = { 0x78, GDK_KEY_Katakana },
  [KEY_HIRAGANA] = { 0x77, GDK_KEY_Hiragana },
  [KEY_HENKAN] = { 0x79, GDK_KEY_Henkan },
  [KEY_KATAKANAHIRAGANA] = { 0x70, GDK_KEY_Hiragana_Katakana },
  [KEY_MUHENKAN] = { 0x7b, GDK_KEY_Muhenkan },
  [KEY_KPJPCOMMA] = { 0x5c, GDK_KEY_KP_Separator },
  [KEY_KPENTER] = { 0x9c, GDK_KEY_KP_Enter },
  [KEY_RIGHTCTRL] = { 0x9d, GDK_KEY_Control_R },
  [KEY_KPSLASH] = { 0xb5, GDK_KEY_KP_Divide },
  [KEY_SYSRQ] = { 0xb7, GDK_KEY_Print },
  [KEY_RIGHTALT] = { 0xb8, GDK_KEY_Alt_R },
  [KEY_HOME] = { 0xc7, GDK_KEY_Home },
  [KEY_UP] = { 0xc8, GDK_KEY_Up },
  [KEY_PAGEUP] = { 0xc9, GDK_KEY_Page_Up },
  [KEY_LEFT] = { 0xcb, GDK_KEY_Left },
  [KEY_RIGHT] = { 0xcd, GDK_KEY_Right },
  [KEY_END] = { 0xcf, GDK_KEY_End },
  [KEY_DOWN] = { 0xd0, GDK_KEY_Down },
  [KEY_PAGEDOWN] = { 0xd1, GDK_KEY_Page_Down },
  [KEY_INSERT] = { 0xd2, GDK_KEY_Insert },
  [KEY_DELETE] = { 0xd3, GDK_KEY_Delete },
  [KEY_MUTE] = { 0xa0, 0 },
  [KEY_VOLUMEDOWN] = { 0xae, 0 },
  [KEY_VOLUMEUP] = { 0xb0, 0 },
  [KEY_POWER] = { 0xde, 0 },
  [KEY_KPEQUAL] = { 0x59, GDK_KEY_KP_Equal },
  [KEY_PAUSE] = { 0xc6, GDK_KEY_Pause },
  [KEY_KPCOMMA] = { 0x7e, GDK_KEY_KP_Separator },
  [KEY_HANGEUL] = { 0x72, GDK_KEY_Hangul },
  [KEY_HANJA] = { 0x71, GDK_KEY_Hangul_Hanja },
  [KEY_YEN] = { 0x7d, GDK_KEY_yen },
  [KEY_LEFTMETA] = { 0xdb, GDK_KEY_Super_L },
  [KEY_RIGHTMETA] = { 0xdc, GDK_KEY_Super_R },
  [KEY_COMPOSE] = { 0xdd, GDK_KEY_Menu },
  [KEY_STOP] = { 0xe8, GDK_KEY_Cancel },
  [KEY_CALC] = { 0xa1, 0 },
  [KEY_SLEEP] = { 0xdf, 0 },
  [KEY_WAKEUP] = { 0xe3, 0 },
  [KEY_MAIL] = { 0xec, 0 },
  [KEY_BOOKMARKS] = { 0xe6, 0 },
  [KEY_COMPUTER] = { 0xeb, 0 },
  [KEY_BACK] = { 0xea, 0 },
  [KEY_FORWARD] = { 0xe9, 0 },
  [KEY_NEXTSONG] = { 0x99, 0 },
  [KEY_PLAYPAUSE] = { 0xa2, 0 },
  [KEY_PREVIOUSSONG] = { 0x90, 0 },
  [KEY_STOPCD] = { 0xa4, 0 },
  [KEY_HOMEPAGE] = { 0xb2, 0 },
  [KEY_REFRESH] = { 0xe7, 0 },
};

guint
inn_keymap_evdev_from_hardware (guint keycode)
{
  return keycode > HARDWARE_OFFSET ? keycode - HARDWARE_OFFSET : 0;
}

guint
inn_keymap_qnum_from_evdev (guint evdev)
{
  return evdev < G_N_ELEMENTS (keys) ? keys[evdev].qnum : 0;
}

guint
inn_keymap_keysym_from_evdev (guint evdev)
{
  return evdev < G_N_ELEMENTS (keys) ? keys[evdev].keysym : 0;
}

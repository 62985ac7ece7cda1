/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux x86 boot protocol 2.00: a boot sector, one sector of setup code, a protected-mode part. */
#include "tiny-kernel.h"

#include <string.h>

#include "temporary-directory.h"

#define SECTOR   512
#define SETUP    0x200
#define CODE     0x240
#define GREETING 0x280

/* Entered at CODE in real mode with DS at the start of the boot sector. */
static const guint8 code[] = {
  0xbe,          GREETING & 0xff,
  GREETING >> 8, /*        mov   si, GREETING */
  0xba,          0xf8,
  0x03,                /*        mov   dx, 0x3f8 */
  0xac,                /* print: lodsb */
  0x84,          0xc0, /*        test  al, al */
  0x74,          0x03, /*        jz    echo */
  0xee,                /*        out   dx, al */
  0xeb,          0xf8, /*        jmp   print */
  0xba,          0xfd,
  0x03,                /* echo:  mov   dx, 0x3fd */
  0xec,                /*        in    al, dx */
  0xa8,          0x01, /*        test  al, 1: data ready */
  0x74,          0xf8, /*        jz    echo */
  0xba,          0xf8,
  0x03,                /*        mov   dx, 0x3f8 */
  0xec,                /*        in    al, dx */
  0x88,          0xc4, /*        mov   ah, al */
  0xba,          0xfd,
  0x03,                /*        mov   dx, 0x3fd */
  0xec,                /* wait:  in    al, dx */
  0xa8,          0x20, /*        test  al, 0x20: transmitter empty */
  0x74,          0xfb, /*        jz    wait */
  0x88,          0xe0, /*        mov   al, ah */
  0xba,          0xf8,
  0x03,                /*        mov   dx, 0x3f8 */
  0xee,                /*        out   dx, al */
  0xeb,          0xe1, /*        jmp   echo */
};

char *
tiny_kernel_write (const char *folder)
{
  guint8 image[4 * SECTOR] = { 0 };

  image[0x1f1] = 1; /* setup_sects */
  image[0x1fe] = 0x55;
  image[0x1ff] = 0xaa;
  image[SETUP] = 0xeb; /* jmp short */
  image[SETUP + 1] = CODE - SETUP - 2;
  memcpy (image + 0x202, "HdrS", 4);
  image[0x207] = 0x02; /* version 2.00 */
  image[0x211] = 0x01; /* loadflags: LOADED_HIGH */
  memcpy (image + CODE, code, sizeof code);
  memcpy (image + GREETING, TINY_KERNEL_GREETING, sizeof TINY_KERNEL_GREETING);
  return temporary_directory_add_file (folder, "tiny-kernel", image, sizeof image);
}

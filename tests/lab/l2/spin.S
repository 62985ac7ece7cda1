/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The smallest kernel that hangs a processor: entered by its PVH note in 32-bit protected mode, it
 * says "GUEST-SPINS" on the first serial port, switches interrupts off and spins. User space of an
 * ordinary kernel cannot do that.
 */
	.code32

	.section .note.pvh, "a", @note
	.align 4
	.long 4, 4, 18	/* name size, value size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.text
	.globl _start
_start:	cli
	mov $word, %esi
	mov $0x3f8, %edx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	jmp 2b

word:	.asciz "GUEST-SPINS\n"

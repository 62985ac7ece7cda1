/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The smallest kernel that hangs a processor: says "GUEST-SPINS" on the first serial port, switches
 * interrupts off and spins, which the user space of an ordinary kernel cannot do. A bzImage by the
 * Linux boot protocol 2.12 (Documentation/x86/boot.rst) that can be entered at all three places.
 */
	.macro say letters:vararg
	.irp letter, \letters
	mov $\letter, %al
	out %al, %dx
	.endr
	.endm

	.macro spin
	cli
	mov $0x3f8, %dx
	say 'G', 'U', 'E', 'S', 'T', '-', 'S', 'P', 'I', 'N', 'S', '\n'
9:	jmp 9b
	.endm

	.text
	.org 0x1f1
	.byte 1			/* setup_sects */
	.org 0x1fe
	.word 0xaa55		/* boot_flag */
	.code16
	.byte 0xeb, header_end - magic	/* jump: the entry in real mode */
magic:	.ascii "HdrS"
	.word 0x020c		/* version */
	.org 0x211
	.byte 1			/* loadflags: the kernel goes to high memory */
	.org 0x214
	.long 0x100000		/* code32_start */
	.org 0x22c
	.long 0x7fffffff	/* initrd_addr_max */
	.long 0x200000		/* kernel_alignment */
	.byte 1			/* relocatable_kernel */
	.byte 21		/* min_alignment, as a power of two */
	.word 1			/* xloadflags: has the 64-bit entry */
	.long 2047		/* cmdline_size */
	.org 0x258
	.quad 0x1000000		/* pref_address */
	.long 0x1000		/* init_size */
	.long 0			/* handover_offset */
header_end:
	spin

	.org 0x400
	.code32
	spin			/* the entry in protected mode */

	.org 0x600
	.code64
	spin			/* the entry in long mode */

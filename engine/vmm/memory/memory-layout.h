/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest-physical address plan (and the ports' few fixed places are in devices.h).
 *
 *   0x0000000000  0x0000000500  unused (real-mode vectors and BIOS data)
 *   0x0000000500  0x0000000520  global descriptor table at the start of a kernel
 *   0x0000007000  0x0000008000  Linux boot parameters ("zero page")
 *   0x0000008000  0x0000009000  stack at the start of a kernel
 *   0x0000009000  0x000000f000  page tables at the start of a kernel
 *   0x0000020000  0x0000021000  kernel command line
 *   0x000009fc00  0x0000100000  reserved: legacy video and ROM
 *   0x00000a0000  0x00000c0000    in it: the window of the display adapter, no RAM
 *   0x00000e0000  0x00000ef000    in it: ACPI tables
 *   0x00000ef000  0x00000f0000    in it: generation ID
 *   0x00000f0000  0x0000100000    in it: SMBIOS tables
 *   0x0000100000  end of low RAM: kernel, initrd
 *   0x00b0000000  0x00b0100000  PCI Express configuration space, one bus
 *   0x00c0000000  0x00fec00000  PCI memory window
 *   0x00fec00000  0x00fec01000  IOAPIC
 *   0x00fee00000  0x00fee01000  local APICs
 *   0x00feffc000  0x00ff000000  KVM's own pages (cpu/kvm-vm.c)
 *   end at 0x0100000000         firmware, when there is some
 *   0x0100000000  end of high RAM
 *   end of high RAM, 1 GiB-aligned: PCI memory window for what does not fit below
 *
 * That is what a kernel finds that starts directly. With firmware, what is below 1 MiB is its own
 * affair; at power-on there are zeros from 0xC0000 on and, for a BIOS, its copy up to 1 MiB.
 */
#pragma once

#define LAYOUT_GDT              0x500ULL
#define LAYOUT_ZERO_PAGE        0x7000ULL
#define LAYOUT_PAGE_TABLES      0x9000ULL
#define LAYOUT_CMDLINE          0x20000ULL
#define LAYOUT_CMDLINE_SIZE     0x1000ULL
#define LAYOUT_LOW_RAM_END      0x9fc00ULL
#define LAYOUT_VGA_WINDOW       0xa0000ULL
#define LAYOUT_VGA_WINDOW_SIZE  0x20000ULL
#define LAYOUT_ACPI_TABLES      0xe0000ULL
#define LAYOUT_ACPI_TABLES_SIZE 0xf000ULL
#define LAYOUT_GENERATION_ID    0xef000ULL
#define LAYOUT_SMBIOS           0xf0000ULL
#define LAYOUT_SMBIOS_SIZE      0x10000ULL
#define LAYOUT_OPTION_ROMS      0xc0000ULL
#define LAYOUT_BIOS_SIZE        0x20000ULL
#define LAYOUT_BIOS_END         0x100000ULL
#define LAYOUT_KERNEL_MINIMUM   0x100000ULL
#define LAYOUT_MMCONFIG         0xb0000000ULL
#define LAYOUT_MMCONFIG_SIZE    0x100000ULL
#define LAYOUT_PCI_WINDOW       0xc0000000ULL
#define LAYOUT_PCI_WINDOW_SIZE  0x3ec00000ULL
#define LAYOUT_IOAPIC           0xfec00000ULL
#define LAYOUT_LOCAL_APIC       0xfee00000ULL
#define LAYOUT_KVM_PAGES        0xfeffc000ULL
#define LAYOUT_KVM_PAGES_SIZE   0x4000ULL
#define LAYOUT_HIGH_RAM         0x100000000ULL

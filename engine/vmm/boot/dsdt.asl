/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The differentiated system description table: one PCI Express bus with its address windows
 * (memory/memory-layout.h), its interrupt pins, and the devices that are not on it. Compiled by
 * iasl. What is only known of the machine at hand is in names with large numbers, which
 * boot/acpi-tables.c finds and replaces.
 */
DefinitionBlock ("", "DSDT", 2, "INNKPR", "INNKEEPR", 1)
{
    /*
     * Power off: the sleep type that devices/acpi-pm.c knows. First of all, for boot loaders that
     * look for nothing else and understand little of what else there is.
     */
    Name (\_S5, Package () { 0, 0, 0, 0 })

    /* The first and last address of the PCI memory window above RAM. */
    Name (M64B, 0x4040404040404040)
    Name (M64E, 0x4141414141414141)
    /* Whether there is the firmware configuration device, the keyboard controller: 0 or 15. */
    Name (FWCP, 0x4242424242424242)
    Name (KBDP, 0x4343434343434343)
    /* Where the page with the generation ID is. */
    Name (VGIA, 0x4444444444444444)

    /* Which interrupt controllers the system uses: 0 the PICs, 1 the IOAPIC. */
    Name (PICF, 0)
    Method (_PIC, 1)
    {
        Store (Arg0, PICF)
    }

    /* The number has changed. */
    Scope (\_GPE)
    {
        Method (_E05)
        {
            Notify (\_SB.VGEN, 0x80)
        }
    }

    Scope (\_SB)
    {
        /* What belongs to the board and to no driver. */
        Device (BORD)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0600, 0x0600, 0x00, 0x80)
                Memory32Fixed (ReadWrite, 0xB0000000, 0x00100000)
            })
        }

        /* Virtual Machine Generation ID (Microsoft, 2012); docs/specs/vmgenid.rst of QEMU. */
        Device (VGEN)
        {
            Method (_HID)
            {
                Return ("QEMUVGID")
            }
            Name (_CID, "VM_Gen_Counter")
            Name (_DDN, "VM_Gen_Counter")
            /* The two halves of the number's address: it is 40 bytes into the page. */
            Method (ADDR, 0, Serialized)
            {
                Store (Package (2) { 0, 0 }, Local0)
                Add (VGIA, 40, Local1)
                And (Local1, 0xFFFFFFFF, Index (Local0, 0))
                ShiftRight (Local1, 32, Index (Local0, 1))
                Return (Local0)
            }
        }

        /* docs/specs/fw_cfg.rst of QEMU */
        Device (FWCF)
        {
            Name (_HID, "QEMU0002")
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0510, 0x0510, 0x01, 0x0C)
            })
            Method (_STA)
            {
                Return (FWCP)
            }
        }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_SEG, 0)
            Name (_BBN, 0)
            Name (_UID, 0)
            Name (CRES, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0, 0, 1)
                IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable,
                    ReadWrite, 0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0x100000000, 0x1FFFFFFFF, 0, 0x100000000, , , M64W)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateQWordField (CRES, ^M64W._MIN, WMIN)
                CreateQWordField (CRES, ^M64W._MAX, WMAX)
                CreateQWordField (CRES, ^M64W._LEN, WLEN)

                Store (M64B, WMIN)
                Store (M64E, WMAX)
                Add (Subtract (M64E, M64B), 1, WLEN)
                Return (CRES)
            }

            /* The system may drive all PCI Express features (PCI Firmware 3.2, section 4.5.1). */
            Method (_OSC, 4)
            {
                CreateDWordField (Arg3, 0, STAT)
                If (LEqual (Arg0, ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766")))
                {
                    If (LNotEqual (Arg1, 1))
                    {
                        Or (STAT, 0x08, STAT)
                    }
                    Return (Arg3)
                }
                Or (STAT, 0x04, STAT)
                Return (Arg3)
            }

            /*
             * Pin n of a slot is on line (slot + n) & 3, from slot 25 on on line n. A line is a
             * global system interrupt from 16 on; at the PICs it is where firmware routes it.
             */
            Name (ROUT, Package (128) {})
            Method (_PRT, 0, Serialized)
            {
                Store (0, Local0)
                While (LLess (Local0, 128))
                {
                    ShiftRight (Local0, 2, Local1)
                    And (Local0, 3, Local2)
                    Store (Local2, Local3)
                    If (LLess (Local1, 25))
                    {
                        And (Add (Local1, Local2), 3, Local3)
                    }
                    Store (Package (4) { 0, 0, 0, 0 }, Local4)
                    Or (ShiftLeft (Local1, 16), 0xFFFF, Index (Local4, 0))
                    Store (Local2, Index (Local4, 1))
                    If (PICF)
                    {
                        Add (Local3, 16, Index (Local4, 3))
                    }
                    Else
                    {
                        Add (ShiftRight (Local3, 1), 10, Index (Local4, 3))
                    }
                    Store (Local4, Index (ROUT, Local0))
                    Increment (Local0)
                }
                Return (ROUT)
            }

            Device (LPC)
            {
                Name (_ADR, 0x001F0000)

                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
                        IRQNoFlags () { 4 }
                    })
                }

                /* Without an interrupt: devices/cmos-rtc.c raises none. */
                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
                    })
                }

                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 0x01, 0x01)
                        IO (Decode16, 0x0064, 0x0064, 0x01, 0x01)
                        IRQNoFlags () { 1 }
                    })
                    Method (_STA)
                    {
                        Return (KBDP)
                    }
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                    Method (_STA)
                    {
                        Return (KBDP)
                    }
                }

                Device (PVPN)
                {
                    Name (_HID, "QEMU0001")
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0505, 0x0505, 0x01, 0x01)
                    })
                }
            }
        }
    }
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""The distribution's own firmware, from power-on to what it starts."""

import shutil

from guest import POWER_OFF, expect

UUID = "12345678-9abc-def0-1122-334455667788"
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
UEFI_S = 120  # three times what it takes to its first sentence


def _boot_sector(lab, name, text):
    """A disk whose first sector writes the text to the serial port."""
    code = b"\xfa" + b"".join(b"\xba\xf8\x03\xb0" + bytes([byte]) + b"\xee" for byte in text)
    code += b"\xf4\xeb\xfd"  # hlt, again and again
    path = lab.disk(name, 1)
    with open(path, "r+b") as file:
        file.write(code.ljust(510, b"\0") + b"\x55\xaa")
    return path


def bios_without_a_medium(lab):
    with lab.machine("--firmware", "bios", "--display", "none") as machine:
        machine.wait_for("SeaBIOS")
        machine.wait_for("No bootable device")


def bios_starts_the_first_of_the_order(lab):
    disks = [word for name in ("one", "two")
             for word in ("--disk", _boot_sector(lab, name, f"DISK-{name}\n".encode()))]
    with lab.machine("--firmware", "bios", *disks, "--boot", "disk1,disk0") as machine:
        machine.wait_for("DISK-two")


def bios_starts_a_kernel(lab):
    with lab.guest("--firmware", "bios", "--uuid", UUID, do="identity", cpus=2) as guest:
        guest.wait_for("GUEST-UP cpus=2")
        guest.wait_for(f"GUEST-DMI Innkeeper {UUID}")
        guest.wait_for("GUEST-ACPI .*APIC.*DSDT.*FACP.*MCFG")
        guest.expect_end(POWER_OFF)


def no_firmware_but_its_tables(lab):
    with lab.guest("--uuid", UUID, do="identity") as guest:
        guest.wait_for(f"GUEST-DMI Innkeeper {UUID}")
        guest.wait_for("GUEST-ACPI .*APIC.*DSDT.*FACP.*MCFG")
        guest.expect_end(POWER_OFF)


def uefi_keeps_its_variables(lab):
    variables = lab.scratch / "variables"
    shutil.copyfile(VARIABLES, variables)
    fresh = variables.read_bytes()
    with lab.machine("--firmware", "uefi", "--variables", variables) as machine:
        machine.wait_for("BdsDxe: loading Boot", UEFI_S)
        machine.signal(15)
        machine.expect_end(POWER_OFF)
    first = variables.read_bytes()
    expect(len(first) == len(fresh) and first != fresh, "the variables were not written")
    with lab.machine("--firmware", "uefi", "--variables", variables) as machine:
        machine.wait_for("BdsDxe: loading Boot", UEFI_S)


def uefi_starts_a_kernel(lab):
    with lab.guest("--firmware", "uefi", "--uuid", UUID, do="identity", cpus=2) as guest:
        guest.wait_for("GUEST-UP cpus=2", UEFI_S)
        guest.wait_for(f"GUEST-DMI Innkeeper {UUID}")
        guest.wait_for("GUEST-ACPI .*APIC.*DSDT.*FACP.*MCFG")
        guest.expect_end(POWER_OFF)

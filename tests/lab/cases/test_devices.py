# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices beside the disk, as a stock kernel sees them."""

import socket
import threading

from guest import POWER_OFF, RESET, Failure, expect

PORT = "org.innkeeper.echo"


def random_numbers(lab):
    words = set()
    for _ in range(2):
        with lab.guest(do="rng") as guest:
            guest.wait_for(r"GUEST-RNG virtio_rng")
            words.add(guest.wait_for(r"GUEST-RANDOM (\w{64})").group(1))
            guest.expect_end(POWER_OFF)
    expect(len(words) == 2, "two guests were given the same random numbers")


def power_button(lab):
    lab.needs_control()
    socket = lab.scratch / "control"
    with lab.guest("--control", socket, do="button") as guest:
        guest.wait_for("GUEST-LISTENS")
        lab.innctl("--control", socket, "shutdown")
        guest.wait_for("GUEST-BUTTON", 20)
        guest.expect_end(POWER_OFF)


def named_port(lab):
    """One client at a time, by the port's name; a second one comes when the first has gone."""
    lab.needs_control()
    control = lab.scratch / "control"
    options = ["--control", control, "--console-port", "org.qemu.guest_agent.0",
               "--console-port", PORT]
    with lab.guest(*options, do="port") as guest:
        guest.wait_for(f"GUEST-PORT vport\\w+ {PORT}")
        guest.wait_for("GUEST-LISTENS")
        for word in ("first", "second"):
            with lab.innctl_process("--control", control, "console", "--port", PORT) as client:
                client.type(f"{word}\n")
                client.wait_for(f"echo {word}", 20)
        wrong = lab.innctl("--control", control, "console", "--port", "none", check=False)
        expect(wrong.returncode == 1, f"a port that is not there: status {wrong.returncode}")


def _program(path, words):
    program = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    program.settimeout(30)
    program.connect(str(path))
    program.sendall(words)
    return program


def _read(program, length):
    found = b""
    while len(found) < length:
        piece = program.recv(length - len(found))
        if not piece:
            raise Failure(f"the connection ended after {len(found)} of {length} bytes")
        found += piece
    return found


def _accept(listener):
    """The connection a listener is handed."""
    line, fds, _, _ = socket.recv_fds(listener, 64, 1)
    expect(line.startswith(b"FROM ") and len(fds) == 1, f"{line!r} came with {len(fds)} descriptors")
    connection = socket.socket(fileno=fds[0])
    connection.settimeout(30)
    return connection


def vsock(lab):
    """From the guest to the host, then the other way round with more than any buffer holds."""
    lab.needs_control()
    path = lab.scratch / "vsock"
    with lab.guest("--vsock", f"42,socket={path}", do="vsock") as guest:
        while not path.exists():
            expect(guest.is_running(), "the VMM has ended")
        listener = _program(path, b"LISTEN 5000\n")
        expect(_read(listener, 8) == b"OK 5000\n", "the host's port could not be had")
        connection = _accept(listener)
        expect(_read(connection, 15) == b"from the guest\n", "the guest said something else")
        connection.sendall(b"from the host")
        guest.wait_for("GUEST-VSOCK-HEARD from the host")
        guest.wait_for("GUEST-VSOCK-LISTENS")
        program = _program(path, b"CONNECT 6000\n")
        while _read(program, 1) != b"\n":
            pass
        data = bytes(range(256)) * 4096
        sender = threading.Thread(target=program.sendall, args=(data,))
        sender.start()
        expect(_read(program, len(data)) == data, "other bytes came back than went")
        sender.join()
        program.close()
        guest.wait_for(f"GUEST-VSOCK-ECHOED {len(data)}")
        guest.expect_end(POWER_OFF)


def hyperv_interface(lab):
    """A system that knows it finds it; one that knows KVM's finds that behind."""
    with lab.guest("--hyperv", "on", "--no-reboot", do="hyperv", cpus=2) as guest:
        guest.wait_for("GUEST-HYPERVISOR Microsoft Hv")
        guest.wait_for("GUEST-KVM KVMKVMKVM")
        guest.expect_end(RESET)

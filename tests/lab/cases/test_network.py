# SPDX-License-Identifier: GPL-3.0-or-later
"""Network cards: through passt and through a tap interface, to a server of this computer."""

import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time

from channel import RESET, SET_LINK, Channel
from guest import POWER_OFF, Failure, expect, until

PAGE = b"a page of the host"
FORWARDED = 2280
RATE_BLOCKS = 256  # of 64 KiB
BLOCK = 1 << 16
# passt of 2023 ends what only the guest says something on after 24 s.
SEND_S = 4
SENT_MIN = 64 * BLOCK
STALL_S = 30


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        blocks = int(self.path.removeprefix("/zeroes/")) if "/zeroes/" in self.path else 0
        self.send_response(200)
        self.send_header("Content-Length", str(blocks * BLOCK or len(PAGE)))
        self.end_headers()
        for _ in range(blocks):
            self.wfile.write(bytes(BLOCK))
        if not blocks:
            self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


def _serve():
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _get(guest, since):
    guest.type("get\n")
    guest.wait_for(rf"GUEST-PAGE {PAGE.decode()}", 60, since)
    return len(guest.output)


def _hello():
    """What the guest's service says through the forwarded port; "" when nothing comes. Who calls
    speaks first: until then some versions of passt do not let the guest speak."""
    try:
        with socket.create_connection(("127.0.0.1", FORWARDED), timeout=20) as connection:
            connection.sendall(b"\n")
            return connection.recv(100).decode()
    except OSError:
        return ""


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def _passt_of(guest):
    """The process ids of the keeper, and of the passt it keeps."""
    keeper = _children(guest.pid)
    passt = _children(keeper[0]) if keeper else []
    return keeper[0] if keeper else None, passt[0] if passt else None


def _is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def user_networking(lab):
    """An address by DHCP, a page from the host, and a port of the host that leads to the guest."""
    lab.network_of_its_own()
    _serve()
    net = f"user,forward=tcp:{FORWARDED}:7000,mac=52:54:00:aa:bb:cc"
    with lab.guest("--net", net, do="net") as guest:
        guest.wait_for(
            r"GUEST-NET 198.51.100.2 router=198.51.100.1 mtu=\d+ mac=52:54:00:aa:bb:cc", 90)
        _get(guest, 0)
        until(lambda: _hello() == "hello\n", 60, "the forwarded port does not lead to the guest")
        guest.type("off\n")
        guest.expect_end(POWER_OFF)


def passt_is_restarted(lab):
    """The guest sees the cable go out and in again; and nothing is left when it is off."""
    lab.needs_control()
    lab.network_of_its_own()
    _serve()
    socket_path = lab.scratch / "control"
    with lab.guest("--net", "user", "--control", socket_path, do="net") as guest:
        guest.wait_for(r"GUEST-NET 198.51.100.2", 90)
        since = _get(guest, 0)
        keeper, passt = _passt_of(guest)
        os.kill(passt, signal.SIGKILL)
        until(lambda: _passt_of(guest)[1] not in (None, passt), 30, "passt was not started again")
        since = _get(guest, since)
        nic = lab.innctl_json("--control", socket_path, "stats")["nics"][0]
        expect(nic["link"] == 1 and nic["received_packets"] > 0 and nic["sent_packets"] > 0,
               f"the card's statistics are wrong: {json.dumps(nic)}")
        passt = _passt_of(guest)[1]
        guest.type("off\n")
        guest.expect_end(POWER_OFF)
        until(lambda: _is_gone(keeper) and _is_gone(passt), 20, "the keeper or passt lives on")


def forwarded_port_in_use(lab):
    """The sentence names the port and who has it."""
    lab.needs_control()
    lab.network_of_its_own()
    with socket.create_server(("127.0.0.1", FORWARDED)):
        with lab.guest("--net", f"user,forward=tcp:{FORWARDED}:7000") as guest:
            guest.expect_end(1)
            until(lambda: "in use" in guest.messages, 5, "there is no sentence")
            for words in (str(FORWARDED), "python3", str(os.getpid())):
                expect(words in guest.messages, f"no {words!r} in {guest.messages!r}")


def _add_tap():
    for command in ("tuntap add tap0 mode tap", "addr add 192.0.2.1/24 dev tap0",
                    "link set tap0 up"):
        subprocess.run(["ip", *command.split()], check=True)


def tap_interface(lab):
    """Pings and fetches, with what the guest leaves to the interface to be done there."""
    lab.network_of_its_own()
    subprocess.run(["modprobe", "tun"], check=False)
    _add_tap()
    _serve()
    with lab.guest("--net", "tap=tap0", do="net addr=192.0.2.2/24,192.0.2.1") as guest:
        guest.wait_for(r"GUEST-NET 192.0.2.2", 90)
        guest.type("ping\n")
        guest.wait_for("GUEST-PING 3", 60)
        _get(guest, 0)
        guest.type("fetch 64\n")
        guest.wait_for("GUEST-FETCHED", 60)
        guest.type("off\n")
        guest.expect_end(POWER_OFF)


def _reads_and_writes(pid):
    """System calls that the process has made to read or write anything."""
    with open(f"/proc/{pid}/io") as file:
        counts = dict(line.split(": ") for line in file)
    return int(counts["syscr"]) + int(counts["syscw"])


def _packets(lab, socket_path):
    nic = lab.innctl_json("--control", socket_path, "stats")["nics"][0]
    return nic["received_packets"] + nic["sent_packets"]


def _ping(guest, since):
    guest.type("ping\n")
    guest.wait_for("GUEST-PING 3", 60, since)
    return len(guest.output)


def _carrier(guest, since, up):
    guest.type("link\n")
    guest.wait_for(rf"GUEST-LINK {up}", 30, since)
    return len(guest.output)


def tap_interface_served_by_the_kernel(lab):
    """Frames do not go through the VMM's process; and they go on after the cable was out, after a
    pause, and in the driver of a second start."""
    lab.needs_control()
    lab.network_of_its_own()
    subprocess.run(["modprobe", "-a", "tun", "vhost_net"], check=True)
    _add_tap()
    _serve()
    socket_path = lab.scratch / "control"
    with lab.guest("--net", "tap=tap0", "--control", socket_path, "--display", "640x480",
                   do="net addr=192.0.2.2/24,192.0.2.1") as guest:
        guest.wait_for(r"GUEST-NET 192.0.2.2", 90)
        control = Channel(socket_path)
        since = _ping(guest, 0)
        calls, packets = _reads_and_writes(guest.pid), _packets(lab, socket_path)
        sent, fetched = _rates(guest)
        calls = _reads_and_writes(guest.pid) - calls
        packets = _packets(lab, socket_path) - packets
        print(f"{packets} packets, {calls} reads and writes; {sent / 125000:.0f} Mbit/s from the "
              f"guest, {fetched / 125000:.0f} Mbit/s to it")
        expect(packets > 1000 and calls < packets / 10,
               f"{calls} reads and writes for {packets} packets")

        since = _get(guest, since)
        control.call(SET_LINK, 0, 0)
        since = _carrier(guest, since, 0)
        control.call(SET_LINK, 0, 1)
        since = _get(guest, _ping(guest, _carrier(guest, since, 1)))
        lab.innctl("--control", socket_path, "pause")
        lab.innctl("--control", socket_path, "resume")
        since = _get(guest, _ping(guest, since))
        control.call(RESET)
        guest.wait_for(r"GUEST-NET 192.0.2.2", 90, since)
        since = len(guest.output)
        calls = _reads_and_writes(guest.pid)
        since = _get(guest, _ping(guest, since))
        guest.type(f"fetch {RATE_BLOCKS}\n")
        guest.wait_for("GUEST-FETCHED", 120, since)
        calls = _reads_and_writes(guest.pid) - calls
        expect(calls < packets / 10, f"{calls} reads and writes after a reset")
        guest.type("off\n")
        guest.expect_end(POWER_OFF)


def _receive_all(server):
    """Bytes a second of a connection, from its first byte to its end."""
    server.settimeout(STALL_S)
    connection, _ = server.accept()
    connection.settimeout(STALL_S)
    received, began = 0, time.monotonic()
    ended = began
    with connection:
        while piece := connection.recv(1 << 20):
            received += len(piece)
            ended = time.monotonic()
    expect(received >= SENT_MIN, f"the guest sent {received} bytes only in {SEND_S} s")
    return received / (ended - began)


def _rates(guest):
    """Bytes a second from and to the guest."""
    since = len(guest.output)
    with socket.create_server(("0.0.0.0", 8001)) as server:
        guest.type(f"send {SEND_S}\n")
        sent = _receive_all(server)
    guest.wait_for("GUEST-NET-LOAD", STALL_S, since)
    began = time.monotonic()
    guest.type(f"fetch {RATE_BLOCKS}\n")
    guest.wait_for("GUEST-FETCHED", 120, since)
    return sent, RATE_BLOCKS * BLOCK / (time.monotonic() - began)


def _rates_or_why_not(lab, guest, socket_path):
    """A stall is somebody's fault: what the VMM knows of its guest tells whose. A processor that
    takes no interrupts any more is none of the network's."""
    try:
        return _rates(guest)
    except (Failure, OSError) as failure:
        told = "" if lab.is_peer else lab.innctl(
            "--control", socket_path, "stats", "--json", check=False).stdout
        raise guest.failure(f"{failure}; the VMM tells {told}") from failure


def throughput(lab):
    """A bulk transfer each way ends; how fast it was is printed."""
    lab.network_of_its_own()
    subprocess.run(["modprobe", "tun"], check=False)
    _add_tap()
    _serve()
    for net, do, address in (("user", "net", "198.51.100.2"),
                             ("tap=tap0", "net addr=192.0.2.2/24,192.0.2.1", "192.0.2.2")):
        socket_path = lab.scratch / net.partition("=")[0]
        control = [] if lab.is_peer else ["--control", socket_path]
        with lab.guest("--net", net, *control, do=do) as guest:
            guest.wait_for(rf"GUEST-NET {address}", 90)
            sent, fetched = _rates_or_why_not(lab, guest, socket_path)
            print(f"{net}: {sent / 125000:.0f} Mbit/s from the guest, "
                  f"{fetched / 125000:.0f} Mbit/s to it")
            guest.type("off\n")
            guest.expect_end(POWER_OFF)

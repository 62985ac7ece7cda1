# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cases are written with: a guest in a VMM process, its serial line, and innctl."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

# Exit statuses of the VMM (engine/protocol/exit-status.h).
POWER_OFF, HOST_ERROR, USAGE, RESET, GUEST_CRASH = range(5)

BOOT_S = 60  # three times what the slowest boot to the first process takes in the lab
CLONE_NEWNET = 0x40000000
PEER = Path(__file__).resolve().parent.parent / "peers" / "qemu-as-innkeeper-vmm"


class Failure(Exception):
    """What a case saw and did not expect."""


class Skip(Exception):
    """Why a case cannot run here."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Process:
    """A program with pipes; what it prints is kept and can be waited for."""

    def __init__(self, command, name, env=None):
        self.name = name
        self._text = {"output": "", "messages": ""}
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )
        self.pid = self._process.pid
        for stream, kind in ((self._process.stdout, "output"), (self._process.stderr, "messages")):
            threading.Thread(target=self._collect, args=(stream, kind), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()

    def _collect(self, stream, kind):
        while piece := os.read(stream.fileno(), 65536):
            with self._changed:
                self._text[kind] += piece.decode(errors="replace")
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self):
        return self._text["output"]

    @property
    def messages(self):
        return self._text["messages"]

    def failure(self, what):
        """The failure `what`, with what the program printed last."""
        return Failure(
            f"{what}; {self.name} printed last:\n{self.output[-1500:]}"
            f"\nits messages:\n{self.messages[-1500:]}"
        )

    def wait_for(self, pattern, seconds=BOOT_S, since=0):
        """The match of the pattern in the output behind position `since`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                if match := re.compile(pattern).search(self.output, since):
                    return match
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self.failure(f"no {pattern!r} in {seconds} s")
                if self._process.poll() is not None and not self._changed.wait(0.5):
                    status = self._process.returncode
                    raise self.failure(f"ended with status {status} before {pattern!r}")
                self._changed.wait(min(left, 0.5))

    def type(self, text):
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def is_running(self):
        return self._process.poll() is None

    def wait_for_end(self, seconds=30):
        """The exit status; a negative number is the signal that ended it."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end in {seconds} s") from None

    def expect_end(self, status, seconds=30):
        found = self.wait_for_end(seconds)
        if found != status:
            raise self.failure(f"ended with status {found}, not {status}")

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()


class Lab:
    """Where a case runs: in the lab's computer or on this machine."""

    def __init__(self, *, peer):
        self.is_peer = peer
        self.assets = Path(os.environ["INNKEEPER_LAB_ASSETS"])
        build = Path(os.environ["INNKEEPER_LAB_BUILD"])
        self.vmm = PEER if peer else build / "engine/vmm/innkeeper-vmm"
        self._innctl = build / "engine/innctl/innctl"
        self.scratch = Path(tempfile.mkdtemp(dir=os.environ.get("INNKEEPER_LAB_SCRATCH")))
        self._env = self._environment()

    def _environment(self):
        env = dict(os.environ, INNKEEPER_VMM=str(self.vmm), LC_ALL="C.UTF-8",
                   INNKEEPER_NET=str(self._innctl.parent.parent / "vmm/innkeeper-net"))
        for kind in ("RUNTIME_DIR", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "CONFIG_HOME"):
            place = self.scratch / "xdg" / kind.lower()
            place.mkdir(parents=True, mode=0o700)
            env["XDG_" + kind] = str(place)
        return env

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def needs_control(self):
        if self.is_peer:
            raise Skip("QEMU does not speak our control channel")

    def needs_root(self, why):
        if os.geteuid() != 0:
            raise Skip(f"only root can {why}")

    def network_of_its_own(self):
        """Nothing of this computer's network is touched: the case and all it starts see an
        interface and a default route that lead nowhere."""
        self.needs_root("make a network namespace")
        if ctypes.CDLL(None).unshare(CLONE_NEWNET):
            raise Skip("this computer has no network namespaces")
        for command in ("link set lo up", "link add up0 type veth peer name up1",
                        "addr add 198.51.100.2/24 dev up0", "link set up0 up", "link set up1 up",
                        "route add default via 198.51.100.1"):
            subprocess.run(["ip", *command.split()], check=True)

    def kernel_options(self, *, do, kernel="vmlinuz"):
        """What a guest of the lab boots from, the same for the VMM and for innctl."""
        initrd = "initrd-full.gz" if kernel == "vmlinuz-full" else "initrd.gz"
        return [
            "--kernel", str(self.assets / kernel),
            "--initrd", str(self.assets / initrd),
            "--cmdline", f"console=ttyS0 quiet panic=-1 do={do}",
        ]

    def machine(self, *options, memory="256M"):
        """A machine that starts from what the options say; its serial line is as a guest's."""
        command = [
            str(self.vmm), "--name", "case", "--memory", memory, "--serial", "stdio",
            *map(str, options),
        ]
        return Process(command, "the machine", self._env)

    def guest(self, *options, do="poweroff", cpus=1, memory="256M", kernel="vmlinuz"):
        """A guest whose serial line is the process's input and output."""
        command = [
            str(self.vmm), "--name", "case", "--memory", memory, "--cpus", str(cpus),
            *self.kernel_options(do=do, kernel=kernel), "--serial", "stdio", *map(str, options),
        ]
        return Process(command, "the guest", self._env)

    def disk(self, name, mib):
        path = self.scratch / name
        with open(path, "wb") as file:
            file.truncate(mib << 20)
        return path

    def layer(self, name, backing, backing_format):
        """An empty qcow2 image that shows what it builds on."""
        path = self.scratch / name
        self.innctl("image", "create", path, "--format", "qcow2", "--backing", backing,
                    "--backing-format", backing_format)
        return path

    def innctl(self, *arguments, check=True, seconds=30):
        """Runs innctl to its end; its standard output."""
        done = subprocess.run(
            [str(self._innctl), *map(str, arguments)], env=self._env, capture_output=True,
            text=True, stdin=subprocess.DEVNULL, timeout=seconds,
        )
        if check and done.returncode:
            raise Failure(f"innctl {' '.join(map(str, arguments))} ended with {done.returncode}:"
                          f" {done.stderr.strip()}")
        return done

    def innctl_json(self, *arguments, seconds=30):
        return json.loads(self.innctl(*arguments, "--json", seconds=seconds).stdout)

    def innctl_process(self, *arguments):
        return Process([str(self._innctl), *map(str, arguments)], "innctl", self._env)


def exits(pid):
    """How often KVM left the guest of a VMM; 0 where the kernel does not show it."""
    found = list(Path("/sys/kernel/debug/kvm").glob(f"{pid}-*/exits"))
    return int(found[0].read_text()) if found else 0


def until(check, seconds, text):
    """Waits until check() is true."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise Failure(text)
        time.sleep(0.1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer of the lab: QEMU emulating a machine whose processors have AMD SVM, so that the
kernel inside has a working KVM whatever this machine has. Its memory is a file that every copy
maps privately, which makes a copy of a running computer in a few hundredths of a second."""

import ctypes
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from cache import LabError, run_folder

PROGRAM = "qemu-system-x86_64"
MEMORY_MIB = 4096
KERNEL_WORDS = (
    "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check"
    " random.trust_cpu=on audit=0 cgroup_disable=memory"
)
SHARES = ("host", "lab", "tests")  # /host is writable, the others are not
PR_SET_PDEATHSIG = 1


class Qmp:
    """The QEMU machine protocol, as far as saving and loading a machine goes."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline() or '{"error": "gone"}')
            if "error" in answer:
                raise LabError(f"QEMU did not take {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def ignore_shared_memory(self):
        """Saves and loads device state only: the memory is the file."""
        capability = {"capability": "x-ignore-shared", "state": True}
        self.call("migrate-set-capabilities", capabilities=[capability])

    def wait_for_migration(self):
        while True:
            status = self.call("query-migrate").get("status")
            if status == "completed":
                return
            if status == "failed":
                raise LabError("QEMU could not save or load the lab's computer")
            time.sleep(0.005)

    def processors(self):
        """Where the processors stand: the first thing to know of a computer that hangs."""
        text = self.call("human-monitor-command", **{"command-line": "info registers -a"})
        return "\n".join(
            line[:100] for line in text.splitlines() if line.startswith("CPU") or "IP=" in line
        )


def _share(name, path, read_only):
    options = f"local,id={name},path={path},security_model=none,multidevs=remap"
    if read_only:
        options += ",readonly=on"
    return ["-fsdev", options, "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]


def _arguments(work, disk, memory_file, shares, *, copy):
    sharing = "off" if copy else "on"
    return [
        PROGRAM,
        "-M", "q35,usb=off,vmport=off,graphics=off,i8042=off,memory-backend=memory",
        "-accel", "tcg,thread=multi,tb-size=512",
        "-cpu", "max,+svm", "-smp", "2", "-m", str(MEMORY_MIB),
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-object", f"memory-backend-file,id=memory,size={MEMORY_MIB}M,mem-path={memory_file},"
                   f"share={sharing}",
        "-drive", f"if=none,id=disk,format=raw,readonly=on,file={disk}",
        "-device", "virtio-blk-pci,drive=disk",
        "-chardev", f"socket,id=agent,server=on,wait=off,path={work}/agent",
        "-device", "virtio-serial-pci,id=ports",
        "-device", "virtserialport,bus=ports.0,chardev=agent,name=lab",
        "-chardev", f"file,id=console,path={work}/console", "-serial", "chardev:console",
        "-qmp", f"unix:{work}/qmp,server=on,wait=off",
        *(word for name in SHARES for word in _share(name, shares[name], name != "host")),
    ]


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Computer:
    """A running QEMU; use it in a with statement."""

    def __init__(self, disk, memory_file, shares, *, copy, extra):
        if not shutil.which(PROGRAM):
            raise LabError(f"{PROGRAM} is not installed; .ci/install-packages check installs it")
        self.work = Path(tempfile.mkdtemp(dir=run_folder()))
        command = _arguments(self.work, disk, memory_file, shares, copy=copy) + extra
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.work / "errors", "w"), preexec_fn=_die_with_parent,
            start_new_session=True,
        )

    def __enter__(self):
        try:
            self._wait_for(self.work / "qmp")
            self.qmp = Qmp(self.work / "qmp")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def _wait_for(self, path):
        deadline = time.monotonic() + 20
        while not path.is_socket():
            if not self.is_running() or time.monotonic() > deadline:
                raise LabError("QEMU did not start:\n" + self.read("errors"))
            time.sleep(0.005)

    def is_running(self):
        return self._process.poll() is None

    def read(self, name):
        try:
            return (self.work / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def wait_until_gone(self):
        self._process.wait(timeout=30)

    def post_mortem(self):
        """All there is to know of a computer that no longer answers."""
        parts = ["last lines of its console:", self.read("console")[-3000:]]
        if self.is_running():
            try:
                parts += ["its processors, twice:", self.qmp.processors()]
                time.sleep(0.2)
                parts.append(self.qmp.processors())
            except (LabError, OSError) as error:
                parts.append(str(error))
        else:
            parts += [f"QEMU ended with status {self._process.returncode}:", self.read("errors")]
        return "\n".join(parts)

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""innctl as people and scripts run it, with a VMM that plays its part without a guest."""

import glob
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

INNCTL, SCRIPTED_VMM = sys.argv[1:3]


class InnctlTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="innkeeper-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        os.mkdir(f"{self.root}/run", 0o700)
        self.kernel = self.write("kernel", "not really a kernel")
        self.environment = dict(
            os.environ,
            LC_ALL="C.UTF-8",
            XDG_DATA_HOME=f"{self.root}/data",
            XDG_STATE_HOME=f"{self.root}/state",
            XDG_RUNTIME_DIR=f"{self.root}/run",
            INNKEEPER_VMM=SCRIPTED_VMM,
        )
        self.addCleanup(self.power_all_off)

    def power_all_off(self):
        for machine in self.json("list"):
            if machine["state"] not in ("off", "crashed", "broken"):
                self.run_innctl("poweroff", machine["name"])

    def write(self, name, text):
        path = f"{self.root}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_innctl(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([INNCTL, *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=60, check=False, **options)

    def good(self, *arguments, **options):
        result = self.run_innctl(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.good(*arguments, "--json"))

    def bad(self, word, *arguments, status=1):
        """Exactly one sentence on standard error, nothing on standard output."""
        result = self.run_innctl(*arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("innctl: "))
        self.assertIn(word, result.stderr)

    def create(self, name="web", *arguments):
        return self.json("create", name, "--kernel", self.kernel, "--memory", "64M", *arguments)

    def state(self, name="web"):
        return next(m["state"] for m in self.json("list") if m["name"] == name)

    def pid(self, name="web"):
        return self.json("stats", name)["pid"]

    def test_image_info(self):
        disk = f"{self.root}/disk"
        with open(disk, "wb") as file:
            file.truncate(3 << 20)
        layers = self.json("image", "info", disk)["layers"]
        self.assertEqual([(layer["format"], layer["virtual_size"]) for layer in layers],
                         [("raw", 3 << 20)])
        self.assertIn("3.0", self.good("image", "info", disk))
        self.bad("no qcow2 image", "image", "info", disk, "--format", "qcow2")
        self.bad("no format", "image", "info", disk, "--format", "vmdk", status=2)
        self.bad("info", "image", "polish", disk, status=2)
        self.bad(f"{disk}2", "image", "info", f"{disk}2")

    @unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_image_chain(self):
        for name, options in (("base", []), ("top", ["-b", "base", "-F", "qcow2"])):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, name, "5M"],
                           cwd=self.root, check=True)
        top, base = self.json("image", "info", f"{self.root}/top")["layers"]
        self.assertEqual(base["file"], f"{self.root}/base")
        self.assertEqual((top["cluster_size"], top["version"], top["dirty"]), (65536, 3, False))
        self.assertIn("Backing file", self.good("image", "info", f"{self.root}/top"))
        self.assertIn("good", self.good("image", "check", f"{self.root}/top"))
        self.assertEqual(self.json("image", "check", f"{self.root}/top")["leaks"], 0)
        with open(f"{self.root}/top", "r+b") as file:
            file.seek(0x20000)  # the refcount block: all clusters are free
            file.write(bytes(16))
        self.bad("damaged", "image", "check", f"{self.root}/top")
        os.unlink(f"{self.root}/base")
        self.bad("base", "image", "info", f"{self.root}/top")

    def test_image_create_and_resize(self):
        base, top, raw = (f"{self.root}/{name}" for name in ("base", "top", "raw"))
        self.assertEqual(self.good("image", "create", base, "5M"), "")
        self.bad("exists", "image", "create", base, "5M")
        layers = self.json("image", "create", top, "--backing", base)["layers"]
        self.assertEqual([(layer["file"], layer["virtual_size"]) for layer in layers],
                         [(top, 5 << 20), (base, 5 << 20)])
        layers = self.json("image", "resize", top, "7M")["layers"]
        self.assertEqual([layer["virtual_size"] for layer in layers], [7 << 20, 5 << 20])
        self.assertIn("good", self.good("image", "check", top))
        self.good("image", "create", raw, "1M", "--format", "raw")
        self.good("image", "resize", raw, "3M")
        self.assertEqual(os.path.getsize(raw), 3 << 20)
        self.bad("only become larger", "image", "resize", raw, "2M")
        self.bad("not smaller", "image", "resize", top, "2M")
        self.bad("not a size", "image", "resize", top, "huge", status=2)
        self.bad("How large", "image", "create", f"{raw}2", status=2)
        self.bad("no format", "image", "create", f"{raw}2", "1M", "--format", "vdi", status=2)
        self.bad("takes no size", "image", "info", raw, "1M", status=2)
        self.assertFalse(os.path.exists(f"{raw}2"))

    def test_image_convert(self):
        raw, copy, back = (f"{self.root}/{name}" for name in ("raw", "copy", "back"))
        data = os.urandom(70000) + bytes(900000) + os.urandom(5000)
        with open(raw, "wb") as file:
            file.write(data)
        layers = self.json("image", "convert", raw, copy, "--format", "raw")["layers"]
        whole = (len(data) + 511) // 512 * 512
        self.assertEqual([(layer["format"], layer["virtual_size"]) for layer in layers],
                         [("qcow2", whole)])
        self.assertIn("good", self.good("image", "check", copy))
        self.good("image", "convert", copy, back, "--to", "raw")
        with open(back, "rb") as file:
            self.assertEqual(file.read(), data.ljust(whole, b"\0"))
        self.bad("exists", "image", "convert", copy, back)
        self.bad("no format", "image", "convert", copy, f"{raw}2", "--to", "vdi", status=2)
        self.bad("Where to", "image", "convert", copy, status=2)
        with open(copy, "r+b") as file:
            file.truncate(3 << 16)
        self.bad("copy", "image", "convert", copy, f"{raw}2")
        self.assertFalse(os.path.exists(f"{raw}2"))

    def test_progress(self):
        """Only a person sees it."""
        raw = f"{self.root}/raw"
        with open(raw, "wb") as file:
            file.truncate(50 << 20)
            file.write(b"x" * (20 << 20))
        master, slave = pty.openpty()
        self.assertEqual(self.good("image", "convert", raw, f"{raw}.1"), "")
        subprocess.run([INNCTL, "image", "convert", raw, f"{raw}.2"], env=self.environment,
                       stderr=slave, timeout=60, check=True)
        os.close(slave)
        self.assertIn(b"% copied", os.read(master, 10000))
        os.close(master)

    def test_cancel(self):
        raw, program = f"{self.root}/raw", f"{self.root}/bin/qemu-img"
        with open(raw, "wb") as file:
            file.truncate(1 << 20)
        os.mkdir(f"{self.root}/bin")
        self.write("bin/qemu-img", f"#!/bin/sh\necho $$ > {self.root}/pid\nexec sleep 100\n")
        os.chmod(program, 0o755)
        self.environment["PATH"] = f"{self.root}/bin:{os.environ['PATH']}"
        self.json("create", "pc", "--import", raw)
        process = subprocess.Popen([INNCTL, "export", "pc", f"{self.root}/disk.vmdk"],
                                   env=self.environment, stderr=subprocess.PIPE, text=True)
        while not os.path.exists(f"{self.root}/pid") or not os.path.getsize(f"{self.root}/pid"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertIn("cancelled", process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, 1)
        self.assertFalse(os.path.exists(f"{self.root}/disk.vmdk"))
        with open(f"{self.root}/pid", encoding="ascii") as file:
            self.assertFalse(os.path.exists(f"/proc/{int(file.read())}"))

    def test_export(self):
        disk, copy = self.raw_disk(), f"{self.root}/copy.qcow2"
        self.json("create", "pc", "--import", disk)
        self.json("create", "other", "--kernel", self.kernel)
        report = self.json("export", "pc", copy)
        self.assertEqual((report["name"], report["format"]), ("pc", "qcow2"))
        self.assertIn("good", self.good("image", "check", copy))
        self.good("export", "pc", f"{self.root}/copy", "--format", "raw", "--disk", "vda")
        with open(disk, "rb") as old, open(f"{self.root}/copy", "rb") as new:
            self.assertEqual(old.read(), new.read())
        self.bad("exists", "export", "pc", copy)
        self.bad("In which format", "export", "pc", f"{self.root}/disk", status=2)
        self.bad("no format", "export", "pc", f"{copy}2", "--format", "x", status=2)
        self.bad("has no disk “vdb”", "export", "pc", f"{copy}2", "-f", "raw", "--disk", "vdb")
        self.bad("has no disk", "export", "other", f"{copy}2", "-f", "raw")
        self.good("start", "pc")
        self.bad("is running", "export", "pc", f"{copy}2", "-f", "raw")
        self.good("poweroff", "pc")
        self.good("attach", "pc", "disk", "--size", "1M")
        self.bad("has 2 disks", "export", "pc", f"{copy}2", "-f", "raw")

    @unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_export_to_others(self):
        disk = self.raw_disk()
        self.json("create", "pc", "--import", disk)
        for word in ("vmdk", "vdi", "vhd", "vhdx"):
            self.assertEqual(self.json("export", "pc", f"{self.root}/copy.{word}")["format"], word)
            subprocess.run(["qemu-img", "convert", "-O", "raw", f"copy.{word}", "back"],
                           cwd=self.root, check=True)
            with open(disk, "rb") as old, open(f"{self.root}/back", "rb") as new:
                data = old.read()
                self.assertEqual(new.read()[:len(data)], data)
        self.environment["PATH"] = "/nowhere"
        self.bad("qemu-utils", "export", "pc", f"{self.root}/more.vmdk")
        self.assertFalse(os.path.exists(f"{self.root}/more.vmdk"))

    def test_image_that_a_guest_wrote(self):
        """A raw disk can look as if it built on any file of this computer."""
        secret, disk, copy = (f"{self.root}/{name}" for name in ("secret", "disk", "copy"))
        with open(secret, "wb") as file:
            file.write(b"not for guests".ljust(1 << 20))
        self.good("image", "create", disk, "1M", "--backing", secret)
        self.bad("Add --format qcow2", "image", "convert", disk, copy)
        self.bad("Add --backing-format qcow2", "image", "create", copy, "--backing", disk)
        self.assertFalse(os.path.exists(copy))
        self.good("image", "convert", disk, copy, "--format", "raw", "--to", "raw")
        with open(copy, "rb") as file:
            self.assertNotIn(b"not for guests", file.read())
        os.unlink(copy)
        self.good("image", "convert", disk, copy, "--format", "qcow2", "--to", "raw")
        with open(copy, "rb") as file:
            self.assertIn(b"not for guests", file.read())

    def test_help_and_usage(self):
        self.assertIn("dumpxml", self.good("--help"))
        self.assertIn("--kernel", self.good("create", "--help"))
        self.assertIn("0.", self.good("--version"))
        self.bad("verb", status=2)
        self.bad("frobnicate", "frobnicate", status=2)
        self.bad("--frob", "list", "--frob", status=2)
        self.bad("Usage", "start", status=2)
        self.bad("Usage", "start", "a", "b", status=2)
        self.bad("--memory", "create", "web", "--kernel", self.kernel, "--memory", "lots", status=2)
        self.bad("--disk", "create", "web", "--kernel", self.kernel, "--disk", "-1", status=2)
        self.bad("firmware", "create", "web", "--kernel", self.kernel, "--firmware", "x", status=2)
        self.bad("--control", "--control", "/x", "list", status=2)
        self.bad("NAME", "--control", "/x", "pause", "web", status=2)

    def test_host(self):
        host = self.json("host")
        self.assertGreater(host["cpus"], 0)
        self.assertGreater(host["memory_total"], 0)
        self.assertTrue(host["text"].endswith("."))
        self.assertIn(host["text"], self.good("host"))

    def test_life(self):
        made = self.create("web", "--disk", "1G", "--disk", "2G", "--cpus", "2")
        self.assertEqual((made["state"], made["memory"], made["cpus"]), ("off", 64 << 20, 2))
        self.assertIn("web", self.good("list"))
        xml = self.good("dumpxml", "web")
        self.assertIn(made["uuid"], xml)
        self.assertEqual(self.json("dumpxml", "web")["xml"], xml)

        self.good("start", "web")
        self.assertEqual(self.state(), "running")
        self.bad("running already", "start", "web")
        self.bad("running", "delete", "web")
        self.good("pause", made["uuid"])
        self.assertEqual(self.state(), "paused")
        self.good("resume", "web")
        self.good("reset", "web")
        self.assertIn("State:", self.good("stats", "web"))
        stats = self.json("stats", "web")
        self.assertEqual(stats["state"], "running")
        self.assertEqual(stats["nics"][0]["send_drops"], 0)
        self.good("poweroff", "web")
        self.good("start", "web")  # off means: can be started again at once
        self.good("poweroff", "web")
        self.assertEqual(self.json("list")[0]["last_end"], "forced-off")
        self.bad("Start it first", "pause", "web")
        self.bad("not running", "poweroff", "web")
        self.bad("not running", "stats", "web")

        self.good("delete", "web")
        self.assertEqual(self.json("list"), [])
        self.assertEqual(os.listdir(f"{self.root}/data/innkeeper/machines"), [".lock"])
        self.bad("no machine “web”", "start", "web")

    def test_shutdown_waits(self):
        self.create()
        self.good("start", "web")
        result = self.run_innctl("shutdown", "web", "--wait", "1")
        if result.returncode == 0:
            self.assertEqual(self.state(), "off")
        else:
            self.assertIn("1 seconds", result.stderr)
            self.assertIn(self.state(), ("running", "shutting-down"))

    def test_bad_names(self):
        self.create("web")
        for name in ("web", "", "a/b", "..", "a\nb", "x" * 300):
            result = self.run_innctl("create", name, "--kernel", self.kernel)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertEqual(len(self.json("list")), 1)
        self.create("-- “ü” & <x>".replace("-- ", ""))
        self.assertEqual(self.state("“ü” & <x>"), "off")

    def test_bad_values(self):
        for cpus in ("0", "-1", "500"):
            self.bad("processors", "create", "web", "--kernel", self.kernel, "--cpus", cpus)
        self.bad("Give it less", "create", "web", "--kernel", self.kernel, "--memory", "30T")
        self.bad("/nowhere", "create", "web", "--kernel", "/nowhere")
        self.bad("nothing to start from", "create", "web")
        self.bad("cannot be read", "define", "/nowhere.xml")
        self.bad("line 1", "define", self.write("bad.xml", "<domain><name>"))
        self.assertEqual(self.json("list"), [])

    def test_define(self):
        path = self.write("m.xml", "<domain><name>db</name><memory unit='GiB'>1</memory>"
                          "<vcpu>2</vcpu><!-- mine --><os><kernel>/k</kernel></os></domain>")
        self.good("define", path)
        xml = self.good("dumpxml", "db")
        self.assertIn("<!-- mine -->", xml)
        self.write("m.xml", xml.replace("<vcpu>2<", "<vcpu>3<"))
        self.good("define", path)
        self.assertEqual(self.json("list")[0]["cpus"], 3)
        self.bad("/k", "start", "db")

    def raw_disk(self, name="disk.raw", text="no system at all"):
        return self.write(name, text.ljust(4096))

    def iso(self, name="cd.iso", blocks=20, size=None):
        """An image whose descriptor says so many blocks of 2048 bytes."""
        path = f"{self.root}/{name}"
        descriptor = b"\x01CD001".ljust(80, b"\0") + blocks.to_bytes(4, "little")
        descriptor = descriptor.ljust(128, b"\0") + (2048).to_bytes(2, "little")
        with open(path, "wb") as file:
            file.write(bytes(16 * 2048) + descriptor)
            file.truncate(size or blocks * 2048)
        return path

    def warned(self, word, *arguments):
        """Done, with one sentence that warns."""
        result = self.run_innctl(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(word, result.stderr)

    def xml(self, name="pc"):
        return self.good("dumpxml", name)

    def folder(self, machine):
        return f"{self.root}/data/innkeeper/machines/{machine['uuid']}"

    def test_create_from_cd(self):
        iso = self.iso()
        made = self.json("create", "pc", "--cdrom", iso)
        self.assertEqual((made["memory"], made["state"]), (2 << 30, "off"))
        xml = self.xml()
        self.assertIn(f'<source file="{iso}"/>', xml)
        self.assertIn('bus="sata"', xml)
        self.assertLess(xml.index('<boot dev="hd"/>'), xml.index('<boot dev="cdrom"/>'))
        self.assertIn('<model type="virtio">', xml)
        self.assertNotIn("firmware=", xml)
        self.assertEqual(os.path.getsize(f"{self.folder(made)}/disk-1.raw"), 20 << 30)
        self.good("start", "pc")
        self.assertEqual(self.state("pc"), "running")

        live = self.json("create", "live", "--cdrom", iso, "--disk", "none", "--firmware", "uefi")
        self.assertNotIn("disk-1.raw", os.listdir(self.folder(live)))
        self.assertIn('firmware="efi"', self.xml("live"))

    def test_bad_cds(self):
        self.bad("/nowhere.iso", "create", "pc", "--cdrom", "/nowhere.iso")
        self.bad("neither a file", "create", "pc", "--cdrom", self.root)
        self.bad("empty", "create", "pc", "--cdrom", self.write("empty.iso", ""))
        self.assertEqual(self.json("list"), [])
        self.warned("does not look like a CD", "create", "a", "--cdrom", self.raw_disk(), "--json")
        self.warned("cut off", "create", "b", "--cdrom", self.iso("short.iso", size=19 * 2048))

    def test_import(self):
        disk = self.raw_disk()
        self.json("create", "pc", "--import", disk, "--firmware", "bios")
        self.assertIn(f'<source file="{disk}"/>', self.xml())
        self.assertNotIn("disk-1", self.xml())
        self.bad("belongs to the machine “pc”", "create", "other", "--import", disk)
        link = f"{self.root}/link.raw"
        os.symlink(disk, link)
        self.bad("belongs to the machine “pc”", "create", "other", "--import", link)
        self.bad("/nowhere", "create", "other", "--import", "/nowhere")
        self.bad("--format raw", "create", "other", "--import", self.raw_disk("disk.vmdk"))
        self.json("create", "other", "--import", self.raw_disk("disk.vmdk"), "--format", "raw")
        self.good("delete", "pc")
        self.assertTrue(os.path.exists(disk))

    def test_import_of_qcow2(self):
        image = f"{self.root}/My System.qcow2"
        self.good("image", "convert", self.raw_disk(), image, "--format", "raw")
        made = self.json("import", image)
        self.assertEqual(made["name"], "My System")
        with open(f"{self.folder(made)}/disk-1.raw", "rb") as file:
            self.assertTrue(file.read().startswith(b"no system at all"))
        self.bad("“My System”", "import", image)
        other = self.json("import", image, "--name", "a", "--memory", "64M", "--cpus", "2",
                          "--firmware", "uefi")
        self.assertEqual((other["memory"], other["cpus"]), (64 << 20, 2))
        self.good("start", "a")
        more = self.json("create", "b", "--import", image, "--disk", "3M")
        self.assertEqual(os.path.getsize(f"{self.folder(more)}/disk-2.raw"), 3 << 20)
        self.bad("no format", "import", image, "--name", "c", "--format", "x")
        self.assertEqual(len(self.json("list")), 3)
        self.assertEqual(os.listdir(f"{self.root}/data/innkeeper/layers"), [])

    @unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_import_of_others(self):
        disk = self.raw_disk()
        for word, name in (("vmdk", "a.vmdk"), ("vdi", "b.vdi"), ("vpc", "c.vhd"),
                           ("vhdx", "d.vhdx")):
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", word, disk, name],
                           cwd=self.root, check=True)
            made = self.json("import", f"{self.root}/{name}")
            self.assertEqual(made["name"], name[0])
            with open(disk, "rb") as old, open(f"{self.folder(made)}/disk-1.raw", "rb") as new:
                data = old.read()
                self.assertEqual(new.read()[:len(data)], data)
        os.truncate(f"{self.root}/a.vmdk", 1000)
        self.bad("qemu-img says", "import", f"{self.root}/a.vmdk", "--name", "e")
        self.environment["PATH"] = "/nowhere"
        self.bad("qemu-utils", "import", f"{self.root}/b.vdi", "--name", "e")
        self.assertEqual(len(self.json("list")), 4)
        self.assertEqual(os.listdir(f"{self.root}/data/innkeeper/layers"), [])

    @unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_qcow2_disks(self):
        for name, options in (("base", []), ("top", ["-b", "base", "-F", "qcow2"])):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, name, "5M"],
                           cwd=self.root, check=True)
        base, top = f"{self.root}/base", f"{self.root}/top"
        self.json("create", "pc", "--import", self.raw_disk(), "--firmware", "bios")
        self.bad("a guest may have written", "attach", "pc", "disk", top)
        self.good("attach", "pc", "disk", base)
        self.assertIn('<driver type="qcow2"/>', self.xml())
        self.good("resize", "pc", "vdb", "7M")
        self.bad("can only become larger", "resize", "pc", "vdb", "6M")
        info = self.json("image", "info", base, "--format", "qcow2")
        self.assertEqual(info["layers"][0]["virtual_size"], 7 << 20)

    def test_set(self):
        self.json("create", "pc", "--cdrom", self.iso())
        self.good("set", "pc", "memory=3G", "cpus=4", "title=A & B", "firmware=uefi",
                  "boot=cdrom,vda", "boot-menu=on", "resolution=800x600", "video=vga",
                  "description=mine")
        xml = self.xml()
        for part in ("<title>A &amp; B</title>", 'firmware="efi"', '<boot order="2"/>',
                     '<bootmenu enable="yes"/>', '<resolution x="800" y="600"/>', 'type="vga"'):
            self.assertIn(part, xml)
        changed = self.json("set", "pc", "name=new", "title=")
        self.assertEqual((changed["name"], changed["applies"]), ("new", "now"))
        self.assertEqual((changed["memory"], changed["cpus"]), (3 << 30, 4))
        self.assertNotIn("<title>", self.xml("new"))
        # Firmware depends on the kernel, in whatever order they are given.
        self.good("set", "new", "firmware=none", f"kernel={self.kernel}", "cmdline=quiet")
        self.assertNotIn("firmware", self.xml("new"))

    def test_bad_set(self):
        self.json("create", "pc", "--cdrom", self.iso())
        before = self.xml()
        self.bad("keys are name", "set", "pc", "colour=red", status=2)
        self.bad("KEY=VALUE", "set", "pc", "memory", status=2)
        self.bad("Usage", "set", "pc", status=2)
        for word, argument in (("size", "memory=lots"), ("1 MiB", "memory=0"),
                               ("number", "cpus=0"), ("processors", "cpus=1000"),
                               ("bios", "firmware=coreboot"), ("kernel", "firmware=none"),
                               ("vdz", "boot=vdz"), ("twice", "boot=hd,vda"),
                               ("on or off", "boot-menu=maybe"), ("virtio", "video=qxl"),
                               ("1280x800", "resolution=big"), ("200x200", "resolution=1x1"),
                               ("/nowhere", "kernel=/nowhere"), ("name", "name="),
                               ("plain text", "title=a\nb")):
            self.bad(word, "set", "pc", "cpus=2", argument)
        self.assertEqual(self.xml(), before)
        self.bad("no machine", "set", "other", "cpus=2")
        self.create("web")
        self.bad("already", "set", "pc", "name=web")

    def test_set_running(self):
        self.create()
        self.good("start", "web")
        self.assertIn("next start", self.good("set", "web", "cpus=2"))
        self.assertEqual(self.json("set", "web", "cpus=3")["applies"], "next-start")

    def test_attach_and_detach(self):
        self.create()
        disk = self.raw_disk()
        self.assertEqual(self.good("attach", "web", "disk", disk, "--serial", "S1"), "vda\n")
        self.assertIn("<serial>S1</serial>", self.xml("web"))
        self.bad("has the disk", "attach", "web", "disk", disk)
        self.create("other")
        self.bad("belongs to the machine “web”", "attach", "other", "disk", disk)
        self.bad("bus", "attach", "web", "disk", self.raw_disk("b"), "--bus", "ide", status=2)
        self.bad("serial", "attach", "web", "disk", self.raw_disk("b"), "--serial", "a,b")
        self.bad("Which disk", "attach", "web", "disk", status=2)
        self.bad("attached", "attach", "web", "floppy", status=2)
        self.bad("/nowhere", "attach", "web", "disk", "/nowhere")
        attached = self.json("attach", "web", "disk", self.raw_disk("b"), "--bus", "sata")
        self.assertEqual((attached["target"], attached["applies"]), ("sda", "now"))
        self.good("detach", "web", "vda")
        self.assertNotIn(disk, self.xml("web"))
        self.assertTrue(os.path.exists(disk))
        self.bad("vda", "detach", "web", "vda")

    def test_attach_new_disk(self):
        made = self.create("web", "--disk", "1M")
        self.assertEqual(self.good("attach", "web", "disk", "--size", "3M", "--bus", "sata"),
                         "sda\n")
        path = f"{self.folder(made)}/disk-2.raw"
        self.assertEqual(os.path.getsize(path), 3 << 20)
        self.assertIn(path, self.xml("web"))
        self.bad("--size", "attach", "web", "disk", "--size", "big", status=2)
        self.bad("--size", "attach", "web", "disk", path, "--size", "1M", status=2)
        self.bad("serial", "attach", "web", "disk", "--size", "1M", "--serial", "a,b")
        self.assertNotIn("disk-3.raw", os.listdir(self.folder(made)))

    def test_too_many_disks(self):
        self.create("web", *["--disk=1M"] * 15)
        self.bad("16 disks", "attach", "web", "disk", self.raw_disk())
        self.bad("16 disks", "attach", "web", "disk", "--size", "1M")
        result = self.run_innctl("create", "more", "--kernel", self.kernel, *["--disk=1M"] * 16)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(self.json("list")), 1)

    def test_media(self):
        self.create()
        iso = self.iso()
        self.bad("no CD drive", "insert", "web", iso)
        self.bad("no CD drive", "eject", "web")
        self.bad("for disks", "attach", "web", "cdrom", "--size", "1G", status=2)
        self.assertEqual(self.good("attach", "web", "cdrom"), "sda\n")
        self.assertEqual(self.good("attach", "web", "cdrom", iso), "sdb\n")
        self.assertEqual(self.good("insert", "web", iso), "sda\n")  # the empty one
        self.bad("--drive", "insert", "web", iso)
        self.bad("sdz", "insert", "web", iso, "--drive", "sdz")
        self.bad("/nowhere", "insert", "web", "/nowhere", "--drive", "sda")
        self.assertEqual(self.json("eject", "web", "--drive", "sdb")["target"], "sdb")
        self.good("eject", "web")
        self.assertNotIn(iso, self.xml("web"))
        self.warned("does not look like", "insert", "web", self.raw_disk())

    def edit(self, script, name="web"):
        """Edits with a sed script; the run."""
        self.environment["EDITOR"] = f"sed -i -e '{script}'"
        return self.run_innctl("edit", name)

    def test_edit(self):
        made = self.create()
        self.assertEqual(self.edit("s,<vcpu>1<,<vcpu>2<,").returncode, 0)
        self.assertEqual(self.json("list")[0]["cpus"], 2)
        self.assertIn("not changed", self.edit("").stdout)
        for script, word in (("s,<vcpu>2<,<vcpu>999<,", "processors"),
                             ("s,</domain>,,", "line"),
                             (f"s,{made['uuid']},{made['uuid'][::-1]},", "must stay")):
            result = self.edit(script)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(word, result.stderr)
        self.assertEqual(self.json("list")[0]["cpus"], 2)
        self.environment["EDITOR"] = "false"
        self.bad("$EDITOR", "edit", "web")

    def test_edit_of_what_changes_meanwhile(self):
        self.create()
        self.environment["EDITOR"] = f"{INNCTL} set web cpus=3; sed -i 's,<vcpu>1<,<vcpu>2<,'"
        result = self.run_innctl("edit", "web")
        self.assertEqual(result.returncode, 1)
        self.assertIn("another program", result.stderr)
        self.assertEqual(self.json("list")[0]["cpus"], 3)

    def test_edit_again(self):
        self.create()
        terminal, end = pty.openpty()
        os.write(terminal, b"y\n")
        # Bad the first time, good the second.
        self.environment["EDITOR"] = "sed -i -e 's,<vcpu>77<,<vcpu>2<,' -e 's,<vcpu>1<,<vcpu>77<,' " \
                                     "-e 's,<memory unit=.KiB.>65536<,<memory>0<,;t' " \
                                     "-e 's,<memory>0<,<memory unit=\"MiB\">64<,'"
        result = self.run_innctl("edit", "web", stdin=end)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 MiB", result.stderr)
        self.assertEqual(self.json("list")[0]["cpus"], 2)
        os.close(terminal)
        os.close(end)

    def test_edit_repairs_a_broken_definition(self):
        made = self.create()
        path = f"{self.folder(made)}/domain.xml"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("</domain>", ""))
        self.assertEqual(self.state(), "broken")
        self.bad("line", "set", "web", "cpus=2")
        self.assertEqual(self.edit("$ a </domain>").returncode, 0)
        self.assertEqual(self.state(), "off")

    def firmware(self):
        """A descriptor of UEFI firmware of our own; the template of its variables."""
        header = bytearray(72)
        header[32:40] = (4096).to_bytes(8, "little")
        header[40:44] = b"_FVH"
        header[48:50] = len(header).to_bytes(2, "little")
        header[56:64] = (1).to_bytes(4, "little") + (4096).to_bytes(4, "little")
        total = sum(int.from_bytes(header[i:i + 2], "little") for i in range(0, 72, 2))
        header[50:52] = (-total % 65536).to_bytes(2, "little")
        template = f"{self.root}/vars.fd"
        with open(template, "wb") as file:
            file.write(bytes(header).ljust(4096, b"\xff"))
        image = self.write("code.fd", "not really firmware")
        os.makedirs(f"{self.root}/config/qemu/firmware")
        self.environment["XDG_CONFIG_HOME"] = f"{self.root}/config"
        self.write("config/qemu/firmware/01-ours.json", json.dumps({
            "interface-types": ["uefi"],
            "mapping": {"device": "flash",
                        "executable": {"filename": image, "format": "raw"},
                        "nvram-template": {"filename": template, "format": "raw"}},
            "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
            "features": [], "tags": []}))
        return template

    def test_uefi_variables(self):
        template = self.firmware()
        made = self.json("create", "pc", "--import", self.raw_disk(), "--firmware", "uefi")
        variables = f"{self.folder(made)}/variables.fd"
        self.good("start", "pc")
        self.bad("running", "start", "pc", "--reset-nvram")
        self.good("poweroff", "pc")
        with open(variables, "rb") as ours, open(template, "rb") as theirs:
            self.assertEqual(ours.read(), theirs.read())

        os.truncate(variables, 100)
        self.bad("--reset-nvram", "start", "pc")
        kept = self.json("start", "pc", "--reset-nvram")["kept"]
        self.assertEqual(os.path.getsize(kept), 100)
        self.assertEqual(self.state("pc"), "running")
        self.good("poweroff", "pc")
        os.unlink(template)
        self.assertEqual(self.run_innctl("set", "pc", "firmware=bios").returncode, 0)

    def test_one_start_wins(self):
        self.create()
        for _ in range(3):
            runs = [subprocess.Popen([INNCTL, "start", "web"], env=self.environment,
                                     stderr=subprocess.PIPE, text=True) for _ in range(4)]
            errors = [run.communicate()[1] for run in runs]
            self.assertEqual(sorted(run.returncode for run in runs), [0, 1, 1, 1], errors)
            self.assertEqual(self.state(), "running")
            self.good("poweroff", "web")

    def test_killed_vmm(self):
        self.create()
        self.good("start", "web")
        with subprocess.Popen([INNCTL, "stats", "web", "--follow", "--json"], text=True,
                              env=self.environment, stdout=subprocess.PIPE) as watcher:
            pid = json.loads(watcher.stdout.readline())["pid"]
            os.kill(pid, signal.SIGKILL)
            for line in watcher.stdout:
                json.loads(line)
            self.assertEqual(watcher.wait(30), 0)
        machine = self.json("list")[0]
        self.assertEqual((machine["state"], machine["last_end"]), ("crashed", "killed"))
        self.assertIn(machine["text"], self.good("list"))
        self.good("start", "web")
        self.assertEqual(self.state(), "running")

    def files(self):
        """All of the data folder but the records of runs, with what is in them."""
        records = ("lock", ".lock", "last-run", "end-status", "started.xml")
        found = {}
        for folder, _, names in os.walk(f"{self.root}/data"):
            for name in names:
                if name not in records:
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        found[path] = hashlib.sha256(file.read()).digest()
        return found

    def test_template(self):
        self.create("web", "--disk", "4M")
        self.good("snapshot", "create", "web", "then")
        self.good("start", "web")
        self.bad("is running", "set", "web", "template=on")
        self.good("poweroff", "web")
        self.bad("template=maybe", "set", "web", "template=maybe")
        self.good("set", "web", "template=on")
        self.assertTrue(self.json("list")[0]["template"])
        self.assertIn("template", self.good("list"))
        before = self.files()
        disk = self.write("own.raw", "some disk")
        for arguments in (("start", "web"), ("start", "web", "--disposable"),
                          ("start", "web", "--reset-nvram"), ("set", "web", "cpus=2"),
                          ("snapshot", "create", "web"), ("snapshot", "restore", "web", "then"),
                          ("attach", "web", "disk", disk), ("attach", "web", "disk", "--size", "1M"),
                          ("detach", "web", "vda"), ("resize", "web", "vda", "8M"),
                          ("save", "web", "--discard")):
            self.bad("is a template", *arguments)
        self.assertEqual(self.files(), before)
        self.bad("not running", "save", "web")

        self.good("set", "web", "name=base", "title=For others")
        clone = self.json("clone", "base", "first")
        self.assertEqual((clone["template"], clone["state"]), (False, "off"))
        self.good("start", "first")
        self.good("poweroff", "first")
        self.good("clone", "base", "second", "--full")
        self.good("set", "base", "template=off", "cpus=2")
        self.good("start", "base")
        self.good("poweroff", "base")
        self.good("set", "base", "template=on")
        self.good("delete", "base")
        self.assertIn("good", self.good("snapshot", "check", "first"))

    def test_disposable(self):
        self.create("web", "--disk", "4M")
        self.good("snapshot", "create", "web", "then")
        before = self.files()
        self.assertFalse(self.json("list")[0]["disposable"])
        self.good("start", "web", "--disposable")
        machine = self.json("list")[0]
        self.assertEqual((machine["state"], machine["disposable"]), ("running", True))
        self.assertIn("thrown away", self.good("list"))
        for arguments in (("snapshot", "create", "web"), ("save", "web"),
                          ("snapshot", "restore", "web", "then"), ("resize", "web", "vda", "8M"),
                          ("clone", "web", "other")):
            self.bad("thrown away when it ends", *arguments)
        self.assertEqual(self.state(), "running")
        self.good("clone", "web", "past", "--snapshot", "then")
        self.good("delete", "past")
        self.bad("running already", "start", "web", "--disposable")
        self.bad("running already", "start", "web")
        os.kill(self.pid(), signal.SIGKILL)
        while self.state() != "crashed":
            pass
        machine = self.json("list")[0]
        self.assertFalse(machine["disposable"])
        self.assertIn("as they were", machine["text"])
        self.assertEqual(self.files(), before)
        self.good("start", "web")
        self.assertFalse(self.json("list")[0]["disposable"])
        self.good("poweroff", "web")
        self.bad("--reset-nvram", "start", "web", "--disposable", "--reset-nvram", status=2)

    def layers(self):
        folder = f"{self.root}/data/innkeeper/layers"
        return [name for name in os.listdir(folder) if not name.startswith(".")]

    def test_snapshots(self):
        self.create("web", "--disk", "4M")
        self.assertEqual(self.good("snapshot", "create", "web"), "Snapshot 1\n")
        second = self.json("snapshot", "create", "web", "second", "--note", "why")
        self.assertEqual((second["name"], second["note"], second["current"]),
                         ("second", "why", True))
        for key in ("pause_us", "memory_bytes", "disk_bytes"):
            self.assertEqual(second[key], 0)
        self.assertGreater(second["own_bytes"], 0)
        first = self.json("snapshot", "list", "web")[0]
        self.assertEqual(second["parent"], first["id"])
        self.assertIn("*   second", self.good("snapshot", "list", "web"))

        restored = self.json("snapshot", "restore", "web", "Snapshot 1")
        self.assertEqual((restored["current"], restored["first_exit_us"]), (True, 0))
        self.good("snapshot", "rename", "web", first["id"], "first")
        self.good("snapshot", "note", "web", "second")
        names = [(one["name"], one["note"]) for one in self.json("snapshot", "list", "web")]
        self.assertEqual(names, [("first", None), ("second", None)])
        self.assertIn("good", self.good("snapshot", "check", "web"))
        self.assertIn("good", self.good("snapshot", "check", "web", "first"))

        self.bad("second", "snapshot", "create", "web", "second")
        self.bad("third", "snapshot", "restore", "web", "third")
        self.bad("third", "snapshot", "delete", "web", "third")
        self.bad("ftp", "snapshot", "create", "ftp")
        self.bad("polish", "snapshot", "polish", "web", status=2)
        self.bad("other arguments", "snapshot", "rename", "web", "first", status=2)
        self.good("snapshot", "delete", "web", "first")
        self.good("snapshot", "delete", "web", "second")
        self.assertEqual(self.json("snapshot", "list", "web"), [])
        self.assertEqual(len(self.layers()), 1)
        self.good("delete", "web")
        self.assertEqual(self.layers(), [])

    def test_clones(self):
        self.create("web", "--disk", "4M")
        self.good("snapshot", "create", "web", "then")
        self.assertEqual(self.json("clone", "web", "linked")["name"], "linked")
        self.assertEqual(self.json("clone", "web", "full", "--full")["state"], "off")
        self.good("clone", "web", "past", "--snapshot", "then")
        self.assertIn("disk-1.raw", self.xml("full"))
        self.assertIn("qcow2", self.xml("linked"))
        self.bad("full", "clone", "web", "full")
        self.bad("never", "clone", "web", "other", "--snapshot", "never")
        self.bad("either", "clone", "web", "other", "--full", "--linked", status=2)
        self.good("delete", "web")
        self.assertIn("good", self.good("snapshot", "check", "linked"))
        self.assertIn("good", self.good("snapshot", "check", "past"))

    def test_live_clones(self):
        self.create("web", "--disk", "4M")
        self.bad("does not run", "clone", "web", "twin", "--live")
        self.good("start", "web")
        self.assertIn("4.7 ms", self.good("clone", "web", "twin", "--live"))
        third = self.json("clone", "web", "third", "--live")
        self.assertEqual((third["state"], third["pause_us"]), ("running", 4711))
        self.bad("already", "clone", "web", "twin", "--live")
        self.bad("either", "clone", "web", "other", "--live", "--full", status=2)
        self.bad("snapshot", "clone", "web", "other", "--live", "--snapshot", "x", status=2)
        self.bad("live clone", "clone", "web", "other")
        self.good("set", "web", "cpus=2")
        self.bad("changes that wait", "clone", "web", "other", "--live")
        self.good("poweroff", "web")
        self.assertEqual(self.state("twin"), "running")
        self.good("poweroff", "twin")
        self.good("start", "twin")
        self.good("clone", "twin", "fourth", "--live")
        for name in ("twin", "third", "fourth"):
            self.good("poweroff", name)
            self.assertIn("good", self.good("snapshot", "check", name))
            self.good("delete", name)
        self.good("delete", "web")
        self.assertEqual(self.layers(), [])

    def test_live_clone_of_what_cannot_be(self):
        disk = self.write("own.raw", "x" * 4096)
        self.good("create", "web", "--import", disk, "--memory", "64M")
        self.good("start", "web")
        self.bad(disk, "clone", "web", "two", "--live")
        self.assertEqual([machine["name"] for machine in self.json("list")], ["web"])

    def test_resize_of_layers(self):
        self.create("web", "--disk", "4M")
        self.good("snapshot", "create", "web", "small")
        self.good("resize", "web", "vda", "6M")
        path = re.search(r"file='([^']*qcow2)'|file=\"([^\"]*qcow2)\"", self.xml("web"))
        layers = self.json("image", "info", path[1] or path[2])["layers"]
        self.assertEqual([layer["virtual_size"] for layer in layers], [6 << 20, 4 << 20])
        self.bad("only become larger", "resize", "web", "vda", "5M")
        self.assertIn("good", self.good("snapshot", "check", "web"))
        self.good("snapshot", "restore", "web", "small")
        self.good("snapshot", "delete", "web", "small")

    def test_disk_that_cannot_be_frozen(self):
        disk = self.write("own.raw", "x" * 4096)
        self.good("create", "web", "--import", disk, "--memory", "64M")
        self.bad(disk, "snapshot", "create", "web")
        self.bad("full clone", "clone", "web", "two")
        self.good("clone", "web", "two", "--full")
        self.good("snapshot", "create", "two")

    def test_killed_while_nobody_watched(self):
        self.create()
        self.good("start", "web")
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        while self.state() == "running":
            time.sleep(0.05)
        machine = self.json("list")[0]
        self.assertEqual((machine["state"], machine["last_end"]), ("crashed", "killed"))

    def test_killed_innctl(self):
        """At any moment: every machine is whole or not there, and the next one works."""
        for i in range(15):
            with subprocess.Popen([INNCTL, "create", f"m{i}", "--kernel", self.kernel, "--disk",
                                   "1G"], env=self.environment,
                                  stdout=subprocess.DEVNULL) as run:
                time.sleep(i / 1000)
                run.kill()
        for machine in self.json("list"):
            self.assertEqual(machine["state"], "off", machine)
        self.create("last")
        names = os.listdir(f"{self.root}/data/innkeeper/machines")
        self.assertFalse([name for name in names if name.startswith(".new-")])

        for i in range(10):
            with subprocess.Popen([INNCTL, "start", "last"], env=self.environment,
                                  stderr=subprocess.DEVNULL) as run:
                time.sleep(i * 2 / 1000)
                run.kill()
            time.sleep(0.1)
            if self.state("last") == "running":
                self.good("poweroff", "last")
            # A start that was cut off after its record looks like a VMM that was killed.
            self.assertIn(self.state("last"), ("off", "crashed"))
        self.good("start", "last")
        self.good("poweroff", "last")
        self.assertEqual(self.state("last"), "off")

    def test_broken_definition(self):
        made = self.create()
        path = f"{self.root}/data/innkeeper/machines/{made['uuid']}/domain.xml"
        os.truncate(path, os.path.getsize(path) // 2)
        machine = self.json("list")[0]
        self.assertEqual((machine["name"], machine["state"]), ("web", "broken"))
        self.bad("cannot be read", "start", "web")
        self.assertIn("<name>web</name>", self.good("dumpxml", "web"))
        self.good("delete", "web")

    def test_data_folder_unusable(self):
        self.environment["XDG_DATA_HOME"] = self.kernel
        self.bad(self.kernel, "list")
        self.environment["XDG_DATA_HOME"] = f"{self.root}/data"

    def test_without_runtime_folder(self):
        del self.environment["XDG_RUNTIME_DIR"]
        self.environment["XDG_CACHE_HOME"] = f"{self.root}/cache"
        self.create()
        self.good("start", "web")
        self.assertEqual(self.state(), "running")
        self.good("poweroff", "web")

    def define_with_screen(self, name="web"):
        path = self.write("screen.xml", f"""<domain><name>{name}</name>
            <memory unit='MiB'>64</memory><vcpu>1</vcpu><os><kernel>{self.kernel}</kernel></os>
            <devices><video><model type='virtio'/></video></devices></domain>""")
        return self.json("define", path)

    def assert_picture(self, path, width, height):
        """A PNG image of that size; its first pixel."""
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", data[16:24]), (width, height))
        start, packed = 8, b""
        while start < len(data):
            length, kind = struct.unpack(">I4s", data[start:start + 8])
            body = data[start + 8:start + 8 + length]
            self.assertEqual(zlib.crc32(kind + body),
                             struct.unpack(">I", data[start + 8 + length:start + 12 + length])[0])
            packed += body if kind == b"IDAT" else b""
            start += 12 + length
        rows = zlib.decompress(packed)
        self.assertEqual(len(rows), height * (1 + 3 * width))
        return tuple(rows[1:4])

    def test_screenshot(self):
        path = f"{self.root}/picture.png"
        self.define_with_screen()
        self.bad("Start it first", "screenshot", "web", path)
        self.good("start", "web")
        shot = self.json("screenshot", "web", path)
        self.assertEqual(shot, {"file": path, "width": 320, "height": 200})
        first = self.assert_picture(path, 320, 200)

        # What is there now, also of a paused machine; the file is replaced.
        self.good("pause", "web")
        self.assertEqual(self.good("screenshot", "web", path), "")
        self.assertNotEqual(self.assert_picture(path, 320, 200), first)
        self.assertEqual([name for name in os.listdir(self.root) if name.startswith("picture")],
                         ["picture.png"])
        self.bad("/nowhere/", "screenshot", "web", "/nowhere/picture.png")
        self.bad("Usage", "screenshot", "web", status=2)

    def test_media_of_a_running_machine(self):
        """The VMM's drives: one is free, one is never let go of, one is when it has been asked."""
        self.create()
        first, second = self.iso("a.iso"), self.iso("b.iso")
        for _ in range(3):
            self.good("attach", "web", "cdrom")
        self.good("start", "web")
        self.assertEqual(self.json("insert", "web", first)["applies"], "now")
        self.assertIn(first, self.xml("web"))
        self.assertEqual(self.good("eject", "web"), "sda\n")
        self.assertNotIn(first, self.xml("web"))
        self.assertEqual(self.good("eject", "web", "--drive", "sda"), "sda\n")  # still empty

        self.good("insert", "web", first, "--drive", "sdb")
        self.bad("did not let it go", "insert", "web", second, "--drive", "sdb")
        self.bad("did not let it go", "eject", "web", "--drive", "sdb")
        self.assertIn(first, self.xml("web"))
        self.good("insert", "web", second, "--drive", "sdb", "--force")
        self.assertNotIn(first, self.xml("web"))
        self.good("eject", "web", "--drive", "sdb", "--force")

        self.good("insert", "web", first, "--drive", "sdc")
        self.assertEqual(self.json("insert", "web", second, "--drive", "sdc")["applies"], "now")
        self.bad("neither a file", "insert", "web", self.root, "--drive", "sdc")
        self.bad("empty", "insert", "web", self.write("nothing.iso", ""), "--drive", "sdc")
        self.warned("does not look like", "insert", "web", self.raw_disk())

    def test_drives_that_come_and_go(self):
        """The running machine has those it was started with."""
        self.create()
        iso = self.iso()
        for _ in range(2):
            self.good("attach", "web", "cdrom")
        self.good("start", "web")
        self.good("detach", "web", "sda")
        self.good("insert", "web", iso, "--drive", "sdb")
        self.bad("did not let it go", "eject", "web", "--drive", "sdb")  # its second, not its first
        self.assertEqual(self.json("attach", "web", "cdrom")["target"], "sda")
        self.good("attach", "web", "cdrom")
        self.assertEqual(self.json("insert", "web", iso, "--drive", "sdc")["applies"], "next-start")
        self.good("poweroff", "web")
        self.assertEqual(self.json("eject", "web", "--drive", "sdb")["applies"], "now")

    def test_resize(self):
        """The VMM's first disk grows while its guest runs, its second does with the next start."""
        self.create("web", "--disk=1M", "--disk=1M")
        disks = sorted(glob.glob(f"{self.root}/**/*.raw", recursive=True))
        sizes = lambda: [os.path.getsize(disk) >> 20 for disk in disks]
        self.assertEqual(sizes(), [1, 1])
        self.assertEqual(self.json("resize", "web", "vda", "2M")["applies"], "now")
        self.assertEqual(sizes(), [2, 1])
        self.bad("only become larger", "resize", "web", "vda", "1M")
        self.bad("vdz", "resize", "web", "vdz", "4M")
        self.bad("not a size", "resize", "web", "vda", "big", status=2)

        self.good("start", "web")
        self.assertEqual(self.json("resize", "web", "vda", "3M")["applies"], "now")
        self.assertEqual(self.json("resize", "web", "vdb", "5M")["applies"], "next-start")
        self.assertEqual(sizes(), [3, 5])
        self.bad("only become larger", "resize", "web", "vda", "1M")
        self.assertEqual(sizes(), [3, 5])

    def test_iso_that_vanished(self):
        self.json("create", "pc", "--cdrom", self.iso())
        os.unlink(f"{self.root}/cd.iso")
        self.bad("cd.iso", "start", "pc")
        self.good("eject", "pc")
        self.good("start", "pc")

    def test_link(self):
        self.create()
        self.assertEqual(self.json("set", "web", "net0.link=down")["applies"], "now")
        self.assertIn('<link state="down"/>', self.xml("web"))
        self.good("start", "web")
        self.assertEqual(self.json("set", "web", "net0.link=up")["applies"], "now")
        self.assertNotIn("down", self.xml("web"))
        self.assertEqual(self.json("stats", "web")["nics"][0]["link"], 1)
        self.assertEqual(self.good("set", "web", "net0.link=down"), "")
        self.assertEqual(self.json("stats", "web")["nics"][0]["link"], 0)
        self.assertEqual(self.json("set", "web", "net0.link=up", "cpus=2")["applies"], "next-start")
        self.bad("net0", "set", "web", "net1.link=down")
        self.bad("net0", "set", "web", "net99999999999999999999.link=down")
        self.bad("up or down", "set", "web", "net0.link=sideways")
        self.bad("KEY=VALUE", "set", "web", "net.link=down", status=2)

    def test_pxe(self):
        self.json("create", "pc", "--pxe")
        xml = self.xml()
        self.assertLess(xml.index('<boot dev="hd"/>'), xml.index('<boot dev="network"/>'))
        self.good("start", "pc")
        self.json("create", "thin", "--pxe", "--disk", "none")
        self.assertNotIn("disk-1", self.xml("thin"))

    def test_too_many_devices(self):
        made = self.create()
        for _ in range(15):
            self.good("attach", "web", "disk", "--size", "1M")
        self.bad("at most 15", "attach", "web", "disk", "--size", "1M")
        self.assertEqual(len([name for name in os.listdir(self.folder(made))
                              if name.startswith("disk-")]), 15)
        self.good("attach", "web", "disk", "--size", "1M", "--bus", "sata")
        for _ in range(5):
            self.good("attach", "web", "cdrom")
        self.bad("at most 6", "attach", "web", "cdrom")
        self.good("start", "web")

        cards = "<interface type='user'/>" * 9
        path = self.write("cards.xml", f"""<domain><name>cards</name><memory unit='MiB'>64</memory>
            <vcpu>1</vcpu><os><kernel>{self.kernel}</kernel></os><devices>{cards}</devices>
            </domain>""")
        self.good("define", path)
        self.bad("9 network cards", "start", "cards")

    def keys(self, *arguments, console=("console", "web")):
        """The keys that a call presses and lets go of: (code, down), in order."""
        with subprocess.Popen([INNCTL, *console], env=self.environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
            self.assertIn("serial line", reader.stdout.readline())
            sent = self.run_innctl(*arguments)
            reader.stdin.write("\x1d")
            reader.stdin.flush()
            words = [line.split() for line in reader.stdout]
        self.assertEqual((sent.returncode, sent.stdout, sent.stderr), (0, "", ""))
        return [(int(code), int(down)) for _, code, down in words]

    def test_send_key(self):
        self.define_with_screen()
        self.bad("Start it first", "send-key", "web", "a")
        self.good("start", "web")
        self.assertEqual(self.keys("send-key", "web", "ctrl", "KEY_LEFTALT", "Delete"),
                         [(29, 1), (56, 1), (111, 1), (111, 0), (56, 0), (29, 0)])
        self.assertEqual(self.json("send-key", "web", "alt", "f1"),
                         {"keys": ["KEY_LEFTALT", "KEY_F1"]})
        self.bad("no key “hyper”", "send-key", "web", "ctrl", "hyper", status=2)
        self.bad("no key “”", "send-key", "web", "", status=2)
        self.bad("twice", "send-key", "web", "ctrl", "control", status=2)
        self.bad("Usage", "send-key", "web", status=2)
        self.good("pause", "web")
        self.bad("Resume it first", "send-key", "web", "a")
        self.create("plain")
        self.good("start", "plain")
        self.bad("no keyboard", "send-key", "plain", "a")

    def test_type(self):
        self.define_with_screen()
        self.bad("Start it first", "type", "web", "a")
        self.good("start", "web")
        self.assertEqual(self.keys("type", "web", "a?\n"),
                         [(30, 1), (30, 0), (42, 1), (53, 1), (53, 0), (42, 0), (28, 1), (28, 0)])
        self.assertEqual(self.keys("type", "web", "--", "-1"),
                         [(12, 1), (12, 0), (2, 1), (2, 0)])
        self.assertEqual(self.json("type", "web", "Hi!"), {"characters": 3})
        self.assertEqual(self.keys("type", "web", ""), [])
        self.bad("no key for “ü”", "type", "web", "für", status=2)
        self.bad("U+0007", "type", "web", "a\a", status=2)
        self.bad("UTF-8", "type", "web", b"a\xff", status=2)
        self.bad("Usage", "type", "web", "a", "b", status=2)

    def test_type_to_one_that_ends(self):
        self.define_with_screen()
        self.good("start", "web")
        with subprocess.Popen([INNCTL, "type", "web", "a" * 100000], env=self.environment,
                              stderr=subprocess.PIPE, text=True) as run:
            time.sleep(0.5)
            self.good("poweroff", "web")
            self.assertIn("not running", run.communicate(timeout=30)[1])
            self.assertEqual(run.returncode, 1)

    def test_keys_that_end_it(self):
        """The last key's machine cannot answer any more; one before the last was too early."""
        self.define_with_screen()
        vmm = os.path.abspath(SCRIPTED_VMM)
        ending = self.write("vmm", f'#!/bin/sh\nexec {vmm} "$@" --end-at-key 28\n')
        os.chmod(ending, 0o700)
        self.environment["INNKEEPER_VMM"] = ending
        for arguments in (("send-key", "web", "enter"), ("type", "web", "halt\n")):
            self.good("start", "web")
            self.assertEqual(self.good(*arguments), "")
            self.assertEqual(self.state(), "off")
        for arguments in (("send-key", "web", "enter", "a"), ("type", "web", "\nhalt")):
            self.good("start", "web")
            self.bad("not running", *arguments)

    def test_control_keys_that_end_it(self):
        path = f"{self.root}/by-hand.sock"
        with subprocess.Popen([SCRIPTED_VMM, "--control", path, "--end-at-key", "28"]) as vmm:
            while self.run_innctl("--control", path, "stats").returncode != 0:
                time.sleep(0.05)
            self.good("--control", path, "send-key", "enter")
            self.assertEqual(vmm.wait(30), 0)

    def test_control_keys(self):
        path = f"{self.root}/by-hand.sock"
        with subprocess.Popen([SCRIPTED_VMM, "--control", path]) as vmm:
            while self.run_innctl("--control", path, "stats").returncode != 0:
                time.sleep(0.05)
            console = ("--control", path, "console")
            self.assertEqual(self.keys("--control", path, "send-key", "a", console=console),
                             [(30, 1), (30, 0)])
            self.assertEqual(self.keys("--control", path, "type", "b", console=console),
                             [(48, 1), (48, 0)])
            self.good("--control", path, "pause")
            self.bad("Resume it first", "--control", path, "type", "b")
            self.good("--control", path, "poweroff")
            self.assertEqual(vmm.wait(30), 0)

    def test_control(self):
        path = f"{self.root}/by-hand.sock"
        self.bad(path, "--control", path, "pause")
        with subprocess.Popen([SCRIPTED_VMM, "--control", path]) as vmm:
            while self.run_innctl("--control", path, "stats").returncode != 0:
                time.sleep(0.05)
            self.good("--control", path, "pause")
            stats = json.loads(self.good("--control", path, "stats", "--json"))
            self.assertEqual((stats["state"], stats["pid"]), ("paused", vmm.pid))
            self.good("--control", path, "resume")
            self.good("--control", path, "reset")
            self.good("--control", path, "poweroff")
            self.assertEqual(vmm.wait(30), 0)

    def test_control_media(self):
        """The drives as in test_media_of_a_running_machine()."""
        path = f"{self.root}/by-hand.sock"
        iso = self.iso()
        self.bad(path, "--control", path, "eject")
        with subprocess.Popen([SCRIPTED_VMM, "--control", path]) as vmm:
            while self.run_innctl("--control", path, "stats").returncode != 0:
                time.sleep(0.05)
            for _ in range(2):
                self.good("--control", path, "insert", iso)
                self.good("--control", path, "eject")
            self.good("--control", path, "insert", iso, "--drive", "1")
            self.bad("drive 1 and was asked", "--control", path, "eject", "--drive", "1")
            self.bad("--force", "--control", path, "insert", iso, "--drive", "1")
            self.good("--control", path, "insert", iso, "--drive", "1", "--force")
            self.good("--control", path, "eject", "--drive", "1", "--force")
            self.bad("no CD drive 3", "--control", path, "insert", iso, "--drive", "3")
            self.bad("number", "--control", path, "eject", "--drive", "sda", status=2)
            self.bad("number", "--control", path, "eject", "--drive", "64", status=2)
            self.bad("/nowhere", "--control", path, "insert", "/nowhere")
            self.bad("neither a file", "--control", path, "insert", self.root)
            self.bad("takes no NAME", "--control", path, "eject", "web", status=2)
            self.good("--control", path, "poweroff")
            self.assertEqual(vmm.wait(30), 0)

    def test_console_through_pipes(self):
        self.create()
        self.good("start", "web")
        with subprocess.Popen([INNCTL, "console", "web"], env=self.environment,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as console:
            time.sleep(0.3)
            self.good("poweroff", "web")  # the guest's end ends it, the input being open
            self.assertEqual(console.wait(30), 0)

        self.good("start", "web")
        result = subprocess.run([INNCTL, "console", "web"], env=self.environment, timeout=30,
                                input=b"hello\x1dnever sent", capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_console_on_a_terminal(self):
        self.create()
        self.good("start", "web")
        terminal, end = pty.openpty()
        with subprocess.Popen([INNCTL, "console", "web"], env=self.environment, stdin=end,
                              stdout=end, stderr=subprocess.PIPE) as console:
            self.assertIn(b"Ctrl+]", console.stderr.readline())
            time.sleep(0.2)
            os.write(terminal, b"\x03")  # Ctrl+C is the guest's
            time.sleep(0.2)
            self.assertIsNone(console.poll())
            os.write(terminal, b"\x1d")
            self.assertEqual(console.wait(30), 0)
        os.close(terminal)
        os.close(end)
        self.assertEqual(self.state(), "running")

    def test_delete_asks_on_a_terminal(self):
        self.create()
        terminal, end = pty.openpty()
        for answer, status in ((b"n\n", 1), (b"y\n", 0)):
            os.write(terminal, answer)
            result = self.run_innctl("delete", "web", stdin=end)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn("cannot be undone", result.stderr)
            self.assertEqual(len(self.json("list")), status)
        os.close(terminal)
        os.close(end)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

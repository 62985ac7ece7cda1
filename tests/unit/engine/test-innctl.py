#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""innctl as people and scripts run it, with a VMM that plays its part without a guest."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

INNCTL, SCRIPTED_VMM = sys.argv[1:3]


class InnctlTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="innkeeper-")
        self.addCleanup(shutil.rmtree, self.root)
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
        self.assertEqual(self.json("stats", "web")["state"], "running")
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

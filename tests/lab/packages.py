# SPDX-License-Identifier: GPL-3.0-or-later
"""Single packages out of Debian: where they come from, and what needs what."""

import re
import subprocess

from cache import LabError
from debian import SUITE, mirror_address

COMPONENTS = "main main/debian-installer"


class Apt:
    """apt with lists and a cache of its own, and nothing installed; its source is the machine's."""

    def __init__(self, place):
        for name in ("lists/partial", "cache/archives/partial"):
            (place / name).mkdir(parents=True)
        (place / "status").touch()
        address = mirror_address()
        if not address:
            raise LabError("apt has no Debian mirror to get packages from; add one to its sources")
        (place / "sources").write_text(f"deb {address[0]} {SUITE} {COMPONENTS}\n")
        options = {
            "Dir::State": place, "Dir::State::lists": place / "lists",
            "Dir::State::status": place / "status", "Dir::Cache": place / "cache",
            "Dir::Etc::sourcelist": place / "sources", "Dir::Etc::sourceparts": "-",
            "Acquire::Languages": "none", "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",  # only root can become another user
        }
        self._options = [f"-o{name}={value}" for name, value in options.items()]

    def __call__(self, program, *words, folder="."):
        command = [program, *self._options, *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"{program} {words[0]} did not work:\n" + done.stderr.strip()[-1500:])
        return done.stdout


class Index:
    """Descriptions of packages by name, and who provides what is not a package."""

    def __init__(self, text, kernel):
        self.stanzas, self._providers = {}, {}
        for stanza in filter(None, text.split("\n\n")):
            if self.field(stanza, "Kernel-Version") not in ("", kernel):
                continue
            name = self.field(stanza, "Package")
            self.stanzas[name] = stanza
            for provided in self._names(self.field(stanza, "Provides")):
                self._providers.setdefault(provided[0], []).append(name)

    @staticmethod
    def field(stanza, name):
        match = re.search(rf"^{name}: (.*)$", stanza, re.MULTILINE)
        return match.group(1) if match else ""

    @staticmethod
    def _names(relations):
        """Each relation's alternatives, without versions and architectures."""
        for relation in filter(None, relations.split(",")):
            yield [re.split(r"[ :(]", word.strip())[0] for word in relation.split("|")]

    def _choice(self, alternatives, wanted):
        """One that is wanted anyway, else the first there is."""
        providers = [name for word in alternatives for name in self._providers.get(word, ())]
        there = [name for name in [*alternatives, *providers]
                 if name in self.stanzas or name in wanted]
        return next((name for name in there if name in wanted), there[0] if there else None)

    def with_needed(self, names, without=frozenset()):
        """The packages and all they depend on that is not among `without`."""
        found, waiting, wanted = set(), list(names), without.union(names)
        while waiting:
            name = waiting.pop()
            if name in found or name in without:
                continue
            found.add(name)
            for kind in ("Pre-Depends", "Depends"):
                relations = self._names(self.field(self.stanzas[name], kind))
                waiting += filter(None, (self._choice(words, wanted) for words in relations))
        return sorted(found)

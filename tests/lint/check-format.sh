#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# All C is laid out as clang-format prints it by the nearest .clang-format.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v clang-format >/dev/null; then
	echo "clang-format is not installed"
	exit 77
fi
if git rev-parse --git-dir >/dev/null 2>&1; then
	list() { git ls-files -z --cached --others --exclude-standard '*.[ch]'; }
else
	list() { find engine src tests -name '*.[ch]' -print0; }
fi
if ! list | xargs -0 -r clang-format --dry-run -Werror; then
	echo "clang-format -i on these files lays them out."
	exit 1
fi

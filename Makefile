# SPDX-License-Identifier: GPL-3.0-or-later
# The usual words in front of meson. Each installs what it lacks first (.ci/install-packages).

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: build run check check-long bench install clean packages packages-run packages-check
.NOTPARALLEL:

# build: Innkeeper, in build/
build: packages $(BUILD)/build.ninja
	meson compile -C $(BUILD)

$(BUILD)/build.ninja: | packages
	meson setup --prefix=$(PREFIX) $(BUILD)

# run: builds Innkeeper and opens it from here.  ARGS="...": its arguments
run: packages-run build
	build-aux/run-uninstalled $(BUILD) $(ARGS)

# check: every test, with warnings as errors; the last line counts them.  TESTS="NAME...": some
check: packages-check
	@tests/run-tests $(BUILD) $(TESTS)

# check-long: then the slow tests and cases of the lab, the other compiler, and the sanitizers
check-long: check
	@tests/run-tests $(BUILD) --suite unit-long --suite lab-long
	@tests/run-tests --compiler clang $(BUILD)-clang --suite unit --suite fuzz
	@tests/run-tests --sanitize $(BUILD)-sanitize --suite unit --suite fuzz

# bench: a table of figures beside QEMU's.  ARGS=--update-readme: into README.md too
bench: packages-check build
	tests/lab/lab bench --build $(BUILD) $(ARGS)

install: build
	meson configure -Dprefix=$(PREFIX) $(BUILD)
	meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf $(BUILD) $(BUILD)-clang $(BUILD)-sanitize

packages:
	@.ci/install-packages build
packages-run:
	@.ci/install-packages run
packages-check:
	@.ci/install-packages build run check

# The commands of this project. `make run`, `make test` and `make package` install the system packages that are missing
# (apt-get, with sudo where needed) and are all that a fresh machine needs besides Rust, git and make.

# Where `make run` puts the translated demo clip.
OUT ?= fresco-demo.mp4
# For `make test-gpu` on a real card: FEATURES=vulkan (or metal) tries the paths with tensor cores.
FEATURES ?=

# A test process each where cargo-nextest is installed, else Rust's own runner: building nextest would take longer
# than it saves.
nextest := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
features := $(if $(FEATURES),--features $(FEATURES))

# Mesa's software Vulkan driver wants a private folder for its sockets; Burn tunes each new kernel shape, which on
# such a driver takes longer than the tests.
ifeq ($(wildcard $(XDG_RUNTIME_DIR)),)
runtime_dir := $(CURDIR)/target/runtime
endif
runtime_env := $(if $(runtime_dir),XDG_RUNTIME_DIR='$(runtime_dir)')
test_env := $(runtime_env) CUBECL_AUTOTUNE_LEVEL=minimal
# On Linux `deps-test` has seen to a software driver, so a GPU test that finds none is a failure there.
ifeq ($(shell uname -s),Linux)
test_env += FRESCO_REQUIRE_GPU=1
endif

# macOS has one always; elsewhere these say where it is.
has_display := $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname -s)))

.PHONY: run test test-gpu package deps deps-test deps-package runtime

# Opens the window; where there is no display, translates the demo clip.
run: deps runtime
ifneq ($(has_display),)
	$(runtime_env) cargo run --release
else
	$(runtime_env) cargo run --release -- demo --out '$(OUT)'
	@echo "the result is $(abspath $(OUT))"
endif

test: deps-test
ifeq ($(nextest),yes)
	$(test_env) cargo nextest run
else
	$(test_env) cargo test --lib --bins --tests
endif

# Every golden comparison on whatever adapter there is, one after the other, with its figures.
test-gpu: deps-test
ifeq ($(nextest),yes)
	$(test_env) FRESCO_REQUIRE_GPU=1 FRESCO_TEST_GPU=full cargo nextest run $(features) --no-capture gpu
else
	$(test_env) FRESCO_REQUIRE_GPU=1 FRESCO_TEST_GPU=full cargo test --tests $(features) gpu -- --nocapture --test-threads=1
endif

# A .deb in target/debian, of the same build as `make run`.
package: deps-package
	packaging/linux/make-deb.sh

deps:
	@packaging/linux/install-deps.sh run

deps-test: runtime
	@packaging/linux/install-deps.sh test

deps-package:
	@packaging/linux/install-deps.sh package

runtime:
	@$(if $(runtime_dir),mkdir -p '$(runtime_dir)' && chmod 700 '$(runtime_dir)')

# A thin front to CMake's presets and the scripts. `make help` lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
export FUZZ_SECONDS

.PHONY: help
help: ## this list
	@echo "coretap: see what a Bitcoin Core node does, while it does it"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "What is missing of Debian 12's packages is installed first, as root or through sudo (scripts/install-deps.sh)."

# Installs one group of packages; quick when they are there.
deps-%:
	@scripts/install-deps.sh $*

# Configures once; afterwards ninja notices by itself when a CMakeLists.txt changed.
build/build.ninja: CMakePresets.json | deps-build
	@cmake --preset release
	@touch $@
build-%/build.ninja: CMakePresets.json | deps-build
	@cmake --preset $*
	@touch $@

.PHONY: build
build: build/build.ninja ## build/bin/coretap and build/bin/coretap-sim
	@cmake --build --preset release --target coretap coretap-sim

.PHONY: run
run: build ## a page in the browser: the running node, or the stand-in where there is none (ARGS="--listen 8400 ...")
	@scripts/run.sh $(ARGS)

.PHONY: test
test: deps-test build/build.ninja ## build, check the format, run every ring of tests but the real node's
	@cmake --build --preset release
	@scripts/format.sh --check
	@scripts/test.sh release

.PHONY: test-asan test-tsan
test-asan: ## the same tests under AddressSanitizer and UBSan
test-tsan: ## of the tests, those of what has threads, under ThreadSanitizer
test-asan test-tsan: test-%: deps-test build-%/build.ninja
	@cmake --build --preset $*
	@scripts/test.sh $*

.PHONY: test-realnode
test-realnode: deps-test build/build.ninja ## trace two real regtest nodes (BITCOIND=/path/to/bitcoind)
	@cmake --build --preset release
	@scripts/test.sh realnode

.PHONY: bench
bench: bench-trace bench-wire bench-archive bench-record bench-state bench-serve bench-page ## every benchmark; each writes build/bench/NAME.json
bench-trace: ## what tracing costs the node, beside the floor and the other ways
bench-wire: ## how fast peers' messages are decoded (BENCH_BITCOIN=/path/to/bench_bitcoin compares)
bench-archive: ## what the recorder costs by itself, how small it is, how fast it is read again
bench-state: ## what keeping the state costs an event, and what a snapshot costs
bench-serve: ## what the daemon costs with people looking, at ten times a busy node's rate
bench-page: ## frames, first content, size and memory of the page in Chromium (an hour: ARGS="--minutes 60")
bench-record: ## what recording costs beside a node, and how fast a recording is shown
bench-%: deps-bench build/build.ninja
	@cmake --build --preset release
	@mkdir -p build/bench
	@python3 bench/$*.py $(ARGS)

.PHONY: fuzz
fuzz: deps-fuzz build-fuzz/build.ninja ## run each fuzz target for FUZZ_SECONDS (30) over its corpus
	@cmake --build --preset fuzz
	@scripts/fuzz.sh

.PHONY: lint
lint: deps-lint build/build.ninja ## format, include table, clang-tidy (TIDY_SECONDS limits the last)
	@scripts/format.sh --check
	@python3 tests/include_table.py
	@scripts/tidy.py $(if $(TIDY_SECONDS),--seconds $(TIDY_SECONDS))

.PHONY: format
format: deps-lint ## apply clang-format
	@scripts/format.sh

.PHONY: install
install: build ## install to PREFIX (/usr/local), below DESTDIR if set
	@cmake --install build --prefix $(PREFIX)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build build-asan build-debug build-fuzz build-tsan

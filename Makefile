# The front door: `make demo` shows a result, `make test` proves that all works. CMake does the work.
BUILD := build/release
JOBS ?= $(shell nproc)
LAUNCHER := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
CONFIGURE := cmake --preset release $(LAUNCHER) -Wno-dev --log-level=WARNING
OWN_SOURCES = $(shell git ls-files '*.cc' '*.h' 2>/dev/null)
DEMO_RUN ?= runs/demo

.PHONY: help setup build demo test bench lint format clean

help:
	@echo "make demo     set up, build, make a matmul faster for about two minutes, show the report"
	@echo "make test     set up, build, run all tests and the lint; ends with the counts"
	@echo "make build    build/release/bin/ksmith and its runner"
	@echo "make bench    the benchmark tables (hours; see bench/run.sh)"
	@echo "make lint     layers, sizes, formatting, headers alone, clang-tidy"
	@echo "make format   clang-format on every own source"
	@echo "make setup    install what the build needs (Debian 12), fetch the grammars"
	@echo "make clean    remove build/ but not runs/"

setup:
	@tools/setup.sh

build: setup
	@$(CONFIGURE) -DKS_BUILD_TESTS=OFF -DKS_BUILD_BENCH=OFF
	@cmake --build $(BUILD) -j $(JOBS) --target ksmith ksmith-runner

demo: build
	@tools/demo.sh $(BUILD)/bin/ksmith $(DEMO_RUN)

test:
	@tools/run_tests.sh

lint:
	@tools/run_tests.sh --label-regex '^lint$$'

bench:
	@tools/setup.sh --tests --bench
	@$(CONFIGURE) -DKS_BUILD_TESTS=ON -DKS_BUILD_BENCH=ON
	@cmake --build $(BUILD) -j $(JOBS)
	@bench/run.sh

format:
	@tools/setup.sh --tests
	@clang-format -i $(OWN_SOURCES)

clean:
	@rm -rf build

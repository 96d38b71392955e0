# Strata - type `make help`.
# Sources are found, not listed: a new .c file under sim/, tests/ or bench/ needs no edit here.
CC     ?= cc
BUILD  ?= build
CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-psabi -Werror
ALL_CFLAGS = -std=gnu11 -Isim -I$(BUILD) -ffp-contract=off $(WARN) $(PKG_CFLAGS) $(CFLAGS)
LIBS    = $(PKG_LIBS) -lm -pthread

SANITIZE   = -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_FLAGS = -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
FUZZ_SECONDS ?= 20

SRC  := $(shell find sim -name '*.c' | LC_ALL=C sort)
TEST := $(shell find tests -maxdepth 1 -name '*.c' | LC_ALL=C sort)
FUZZ := $(shell find tests/fuzz -name 'fuzz_*.c' | LC_ALL=C sort)
BENCH := $(wildcard bench/*.c)
HDR  := $(shell find sim tests $(wildcard bench) -name '*.h')
OBJ   = $(SRC:%.c=$(BUILD)/%.o)
LIB_OBJ = $(filter-out $(BUILD)/sim/cli/main.o,$(OBJ))
DEPS  = $(patsubst %.c,$(BUILD)/%.d,$(SRC) $(TEST) $(FUZZ) $(BENCH))

# As many jobs as there are cores, unless -j was given.
ifeq ($(MAKELEVEL)$(findstring j,$(filter -j% --jobserver%,$(MAKEFLAGS))),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

# `CC file` for each step; V=1 prints the commands, -s nothing.
quiet = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V),,@$(if $(quiet),,printf '  %-4s %s\n' $(1) $(2);))

all: $(BUILD)/strata                    ## build build/strata
-include local.mk

# What is missing on the machine is installed before anything is compiled (tools/deps.sh).
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean layers todo asan,$(GOALS)),)
PURPOSE := $(if $(filter-out all run bench $(BUILD)/strata help clean layers todo,$(GOALS)),test,build)
include $(BUILD)/deps-$(PURPOSE).mk
$(BUILD)/deps-$(PURPOSE).mk: tools/deps.sh
	@CC="$(CC)" tools/deps.sh $(PURPOSE) $@
endif

$(BUILD)/strata: $(OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/all: $(TEST:%.c=$(BUILD)/%.o) $(BUILD)/bench/baseline.o $(LIB_OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) -o $@ $^ $(LIBS) -lcriterion

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIB_OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/bench/%.o: ALL_CFLAGS += -Ibench
$(BUILD)/bench/bench: $(BENCH:%.c=$(BUILD)/%.o) $(LIB_OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Changes only when the compiler or its flags do, and then everything is built again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' >$@

run: $(BUILD)/strata                    ## a real program bare metal and in two KVM guests, as one table
	@STRATA=$(BUILD)/strata tools/demo.sh

test: $(BUILD)/strata $(BUILD)/tests/all        ## run every test; closes with "N passed, M failed"
	@BUILD=$(BUILD) tests/run.sh

bench: $(BUILD)/bench/bench             ## speed and memory of fixed workloads; fails 20 % below bench/baseline.json
	@$(BUILD)/bench/bench $(if $(filter update,$(BASELINE)),--update) $(BENCH_ARGS)

fuzz: $(BUILD)/strata                   ## every fuzz target for FUZZ_SECONDS (20) each
	@$(MAKE) fuzz-targets BUILD=build/fuzz CC=clang CFLAGS="$(FUZZ_FLAGS)"
	@STRATA=$(BUILD)/strata BUILD=build/fuzz tests/fuzz/run.sh $(FUZZ_SECONDS)

fuzz-targets: $(FUZZ:%.c=$(BUILD)/%)

asan:                                   ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@SKIP="$(ASAN_SKIP)" tests/asan.sh $(MAKE) test BUILD=build/asan CFLAGS="-O1 $(SANITIZE)"

# These build binaries of their own, or repeat at length what tests and scripts do already: the sanitizers would say nothing new.
ASAN_SKIP = determinism docs docs_example sampling range_tlb

layers:                                 ## check that includes point only to earlier folders
	@tests/layers.sh

format:                                 ## clang-format in place
	@clang-format -i $(SRC) $(TEST) $(FUZZ) $(BENCH) $(HDR)

format-check:                           ## fail on a file that clang-format would change
	@clang-format --dry-run -Werror $(SRC) $(TEST) $(FUZZ) $(BENCH) $(HDR)

todo:                                   ## list implementation-defined choices, calibrated numbers and doubts
	@grep -rnE 'IMPDEF:|CAL:|UNSURE:' sim configs || true

help:                                   ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "  %-20s %s\n", $$1, $$2}'
	@echo 'Variables: CC, CFLAGS, BUILD=folder, V=1 (print commands), FUZZ_SECONDS, BENCH_ARGS=--json,'
	@echo '  BASELINE=update (make bench writes bench/baseline.json)'

clean:                                  ## remove everything that was built
	rm -rf build

-include $(DEPS)
.PHONY: all run test bench fuzz fuzz-targets asan layers format format-check todo help clean FORCE
.SECONDARY:

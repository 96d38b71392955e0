# Strata - type `make help`.
# Sources are found, not listed: a new .c file under sim/ or tests/ needs no edit here.
CC     ?= cc
BUILD  ?= build
CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
ALL_CFLAGS = -std=gnu11 -Isim -I$(BUILD) -ffp-contract=off $(WARN) $(PKG_CFLAGS) $(CFLAGS)
LIBS    = $(PKG_LIBS) -lm -pthread

SRC  := $(shell find sim -name '*.c' | LC_ALL=C sort)
TEST := $(shell find tests -maxdepth 1 -name '*.c' | LC_ALL=C sort)
OBJ  := $(SRC:%.c=$(BUILD)/%.o)
TOBJ := $(TEST:%.c=$(BUILD)/%.o)
LIB_OBJ = $(filter-out $(BUILD)/sim/cli/main.o,$(OBJ))

all: $(BUILD)/strata                    ## build build/strata
-include local.mk

# What is missing on the machine is installed before anything is compiled (tools/deps.sh).
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean,$(GOALS)),)
PURPOSE := $(if $(filter-out all run $(BUILD)/strata,$(GOALS)),test,build)
include $(BUILD)/deps-$(PURPOSE).mk
$(BUILD)/deps-$(PURPOSE).mk: tools/deps.sh
	@CC="$(CC)" tools/deps.sh $(PURPOSE) $@
endif

$(BUILD)/strata: $(OBJ)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/all: $(TOBJ) $(LIB_OBJ)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS) -lcriterion

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

test: $(BUILD)/strata $(BUILD)/tests/all        ## run every test; closes with "N passed, M failed"
	@BUILD=$(BUILD) tests/run.sh

layers:                                 ## check that includes point only to earlier folders
	@tests/layers.sh

format:                                 ## clang-format in place
	clang-format -i $(SRC) $(TEST) $(shell find sim tests -name '*.h')

format-check:                           ## fail on a file that clang-format would change
	@clang-format --dry-run -Werror $(SRC) $(TEST) $(shell find sim tests -name '*.h')

asan: export ASAN_OPTIONS := handle_segv=0:handle_abort=0:detect_leaks=1
asan:                                   ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) test BUILD=build/asan CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

todo:                                   ## list implementation-defined choices, calibrated numbers and doubts
	@grep -rnE 'IMPDEF:|CAL:|UNSURE:' sim configs || true

help:                                   ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "  %-20s %s\n", $$1, $$2}'

clean:                                  ## remove everything that was built
	rm -rf build

-include $(OBJ:.o=.d) $(TOBJ:.o=.d)
.PHONY: all test layers format format-check asan todo help clean

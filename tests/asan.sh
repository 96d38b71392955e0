#!/bin/sh
# asan.sh COMMAND... - runs COMMAND with the sanitizers' settings that Criterion needs: it reports crashes of a test by its signal,
# so the sanitizer must not take that over, and the library itself leaves 48 bytes behind.
suppressions=$(mktemp) && trap 'rm -f "$suppressions"' EXIT
echo 'leak:libcriterion' >"$suppressions"
ASAN_OPTIONS=handle_segv=0:handle_abort=0:detect_leaks=1
LSAN_OPTIONS=suppressions=$suppressions:print_suppressions=0
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS
"$@"

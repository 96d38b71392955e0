#!/bin/sh
# asan.sh COMMAND... - runs COMMAND with the sanitizers' settings that the tests need: Criterion reports the crash of a test by its
# signal, so the sanitizer must not take that over. Leaks of a unit test appear in its output only, which tests/run.sh reads.
ASAN_OPTIONS=handle_segv=0:handle_abort=0:detect_leaks=1
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS
exec "$@"

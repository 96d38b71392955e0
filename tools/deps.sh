#!/bin/sh
# deps.sh build|test OUT.mk - make sure that what Strata is built (or tested) with is there, then write the compiler flags to OUT.mk.
# Looks first (pkg-config, command -v); installs only what is missing, through apt, as root or with sudo, and says so.
set -eu
purpose=$1 out=$2
missing=
need_command() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need_library() { pkg-config --exists "$1" 2>/dev/null || missing="$missing $2"; }

look() {
	missing=
	need_command "${CC:-cc}" gcc
	need_command pkg-config pkg-config
	need_library sqlite3 libsqlite3-dev
	need_library yaml-0.1 libyaml-dev
	need_library gsl libgsl-dev
	need_library libzstd libzstd-dev
	need_library libxxhash libxxhash-dev
	need_library jansson libjansson-dev
	[ "$purpose" = test ] || return 0
	need_library criterion libcriterion-dev
	need_command clang clang
	need_command clang-format clang-format
	need_command git git
	ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 || missing="$missing libclang-rt-14-dev"
}

look
if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ]; then as=
	elif sudo -n true 2>/dev/null; then as=sudo
	else
		echo "strata: missing packages. Please type:  sudo apt-get install -y$missing" >&2
		exit 2
	fi
	echo "strata: installing$missing (apt-get)" >&2
	$as apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends $missing libc6-dev >/dev/null
	look
	[ -z "$missing" ] || { echo "strata: still missing after apt-get:$missing" >&2; exit 2; }
fi
libs="sqlite3 yaml-0.1 gsl libzstd libxxhash jansson"
mkdir -p "$(dirname "$out")"
{
	echo "PKG_CFLAGS := $(pkg-config --cflags $libs)"
	echo "PKG_LIBS := $(pkg-config --libs $libs)"
} > "$out"

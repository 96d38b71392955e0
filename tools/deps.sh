#!/bin/sh
# deps.sh build|test OUT.mk - make sure that what Strata is built (or tested) with is there, then write the compiler flags to OUT.mk.
# Looks first (pkg-config, command -v); installs only what is missing, through apt, as root or with sudo, and says so.
set -eu
purpose=$1 out=$2
cc=${CC:-cc}
cc=${cc##*ccache }
missing=
need_command() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need_library() { pkg-config --exists "$1" 2>/dev/null || missing="$missing $2"; }

# A compiler may be there without the headers of the C library.
need_compiler() {
	case $1 in clang*) package=$1 ;; *) package=gcc ;; esac
	need_command "${1%% *}" "${package%% *}"
	[ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
}

# The fuzzer's and sanitizers' run-time library is a package apart, named by clang's version.
need_fuzzer() {
	version=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
	ls "$(clang --print-runtime-dir 2>/dev/null)"/libclang_rt.fuzzer* >/dev/null 2>&1 ||
		missing="$missing libclang-rt-${version:-14}-dev"
}

look() {
	missing=
	need_compiler "$cc"
	need_command pkg-config pkg-config
	need_library sqlite3 libsqlite3-dev
	need_library yaml-0.1 libyaml-dev
	need_library gsl libgsl-dev
	need_library libzstd libzstd-dev
	need_library libxxhash libxxhash-dev
	need_library jansson libjansson-dev
	[ "$purpose" = test ] || return 0
	need_library criterion libcriterion-dev
	need_compiler gcc
	need_command clang clang
	need_fuzzer
	need_command clang-format clang-format
	need_command git git
	need_command jq jq
	need_command zstd zstd
}

give_up() {
	echo "strata: $1. Please type:  sudo apt-get install -y --no-install-recommends$missing" >&2
	exit 2
}

# A password is asked for only where somebody can type it.
may_sudo() { command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; }

install() {
	command -v apt-get >/dev/null 2>&1 || give_up "packages are missing, and this system has no apt-get"
	if [ "$(id -u)" = 0 ]; then as=
	elif may_sudo; then as=sudo
	else give_up "packages are missing, and installing needs root"
	fi
	apt="$as env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
	echo "strata: installing$missing (apt-get)" >&2
	$apt update </dev/null >&2 || echo "strata: apt-get update failed; trying with the package lists at hand" >&2
	$apt install -y --no-install-recommends $missing </dev/null >/dev/null || give_up "apt-get could not install packages"
}

look
if [ -n "$missing" ]; then
	install
	look
	[ -z "$missing" ] || give_up "packages are still missing after apt-get"
fi
libs="sqlite3 yaml-0.1 gsl libzstd libxxhash jansson"
mkdir -p "$(dirname "$out")"
{
	echo "PKG_CFLAGS := $(pkg-config --cflags $libs)"
	echo "PKG_LIBS := $(pkg-config --libs $libs)"
} >"$out"

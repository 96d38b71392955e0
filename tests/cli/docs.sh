#!/bin/sh
# The commands of the documentation run, and print what it says. In README.md and docs/*.md every ```sh block is run, in order, each page in a
# folder of its own that looks like the root of the project; a ```text block right behind it is the standard output that is expected.
# `tests/cli/docs.sh --update PAGE...` writes what came into the pages instead, for when a model has changed and the change is meant.
set -u
STRATA=${STRATA:-build/strata}
BUILD=${BUILD:-build}
root=$(pwd)
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
case $STRATA in /*) ;; *) STRATA=$root/$STRATA ;; esac

# `make run` is what it does; other targets are not for here.
make() { [ "$*" = run ] && STRATA=build/strata sh "$root/tools/demo.sh"; }

# split PAGE: block<n>.sh, and block<n>.want where an output follows it.
split() {
	awk -v dir="$dir/tree" '
		/^```sh$/ { n++; out = dir "/block" n ".sh"; next }
		/^```text$/ { if (last) out = dir "/block" n ".want"; next }
		/^```$/ { if (out) { printf "" >out; close(out) } last = out ~ /\.sh$/; out = ""; next }
		out { print >out; next }
		NF { last = 0 }' "$1"
}

# paste PAGE: the page with every expected output replaced by what came.
paste() {
	awk -v dir="$dir/tree" '
		/^```sh$/ { n++; out = "sh" }
		/^```text$/ && last { print; out = "text"; got = dir "/block" n ".got"; while ((getline line <got) > 0) print line; next }
		/^```$/ { last = out == "sh"; out = "" }
		out == "text" { next }
		{ if (NF && !out && !/^```$/) last = 0; print }' "$1" >"$dir/page" && cp "$dir/page" "$1"
}

sandbox() {
	rm -rf "$dir/tree" && mkdir -p "$dir/tree/root/build/tests" && cd "$dir/tree/root" || exit 3
	for name in configs workloads references tests docs tools sim; do ln -s "$root/$name" "$name"; done
	ln -s "$root/../shared" "$dir/tree/shared"
	ln -s "$STRATA" build/strata
	ln -s "$root/$BUILD/tests/all" build/tests/all
	cd "$root" || exit 3
}

check_block() { # check_block PAGE N
	script=$dir/tree/block$2.sh want=$dir/tree/block$2.want got=$dir/tree/block$2.got
	(cd "$dir/tree/root" && set -e && . "$script") >"$got" 2>"$dir/said"
	status=$?
	if [ $status -ne 0 ]; then
		echo "not ok - $1: block $2 exits $status" && cat "$script" "$dir/said"
	elif [ -f "$want" ] && ! cmp -s "$want" "$got"; then
		echo "not ok - $1: block $2 prints something else (tests/cli/docs.sh --update $1)" && diff "$want" "$got"
	else
		echo "ok - $1: block $2 runs$([ -f "$want" ] && echo ' and prints what the page says')"
	fi
}

check_page() {
	sandbox
	split "$1"
	n=1
	while [ -f "$dir/tree/block$n.sh" ]; do
		check_block "$1" $n
		n=$((n + 1))
	done
}

# Every file and folder of the project that a page names outside of its blocks is there. <name> stands for any.
check_names() {
	folders='sim|tests|docs|configs|workloads|references|tools|bench|\.\./shared'
	missing=$(sed '/^```/,/^```$/d; s/<[a-z]*>/*/g' "$1" | grep -oE "(^|[^A-Za-z0-9_./])($folders)/[A-Za-z0-9_./*-]*" | sed 's/^[^a-z.]//; s/[.,]*$//' |
		sort -u | while read -r pattern; do
		for name in $pattern; do [ -e "$name" ] || echo "$name"; done
	done)
	if [ -z "$missing" ]; then echo "ok - $1: the files it names exist"; else echo "not ok - $1: no" $missing; fi
}

# So is every function(): a page that tells of code must follow it.
check_functions() {
	missing=$(sed '/^```/,/^```$/d' "$1" | grep -oE '`[a-z_0-9]+\(\)`' | tr -d '`()' | grep -vx x_check | sort -u | while read -r name; do
		grep -rqw "$name" sim tests bench || echo "$name()"
	done)
	if [ -z "$missing" ]; then echo "ok - $1: the functions it names exist"; else echo "not ok - $1: no" $missing; fi
}

update=false
[ "${1:-}" = --update ] && update=true && shift
[ $# -gt 0 ] || set -- README.md docs/*.md docs/decisions/*.md configs/README.md workloads/README.md tests/README.md
for page in "$@"; do
	[ -f "$page" ] || continue
	$update || check_names "$page"
	$update || check_functions "$page"
	check_page "$page"
	if $update; then paste "$page"; fi
done

#!/bin/sh
# The worked examples of docs/adding-a-model.md: ```c PATH blocks become files, ```diff blocks are applied, in a copy of the sources; what they add
# builds without a warning, passes the contract tests and is there for the user.
set -u
BUILD=${BUILD:-build}
page=docs/adding-a-model.md
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; cat "$dir/said"; }
check() { name=$1; shift; if "$@" >"$dir/said" 2>&1; then ok "$name"; else not_ok "$name"; fi; }

mkdir -p "$dir/root/$BUILD"
cp -a Makefile tools sim tests configs workloads docs "$dir/root"
for extra in bench local.mk; do [ ! -e $extra ] || cp -a $extra "$dir/root"; done
cp -a "$BUILD"/sim "$BUILD"/tests "$BUILD"/flags "$BUILD"/deps-*.mk "$BUILD"/strata "$dir/root/$BUILD" # only what changes is built again
ln -s "$(pwd)/../shared" "$dir/shared"

awk -v root="$dir/root" '
	/^```c / { file = root "/" $2; next }
	/^```diff$/ { file = root "/page.diff"; next }
	/^```$/ { file = ""; next }
	file { print >file }' $page

cd "$dir/root" || exit 3
check "the changes of the page fit the sources" git apply page.diff
check "the examples build without a warning" make "$BUILD/strata" "$BUILD/tests/all" BUILD="$BUILD"
contract() { # contract SUITE/PATTERN: at least one test ran and all passed
	"$BUILD/tests/all" --filter "$1" >"$dir/said" 2>&1 || return 1
	[ "$(grep -a 'Synthesis' "$dir/said" | sed 's/.*Tested: \([0-9]*\).*/\1/')" -gt 0 ]
}
for suite in 'repl/*' 'generators/!(each_stream_is_this_one*)' 'tlb/*'; do
	if contract "$suite"; then ok "the tests $suite pass with them"; else not_ok "the tests $suite pass with them"; fi
done

run() { "$BUILD/strata" run -q --no-db --json -m configs/machines/neoverse-n1.yaml --set core.model=in_order "$@"; }
printf 'generator: burst\nfootprint_bytes: 64M\nitem_bytes: 256\naccesses: 100000\n' >burst.yaml
counter() { sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$2"; }
if run -w burst.yaml --set tlbs.l2.policy=clock --set stack.os.thp=always --set "tlbs.l1d.pages=[4K]" >a.json 2>"$dir/said" &&
	[ "$(counter cpu0.l1d_tlb.fractured a.json)" = "$(counter cpu0.l1d_tlb.fills a.json)" ] && [ "$(counter cpu0.l1d_tlb.fills a.json)" -gt 0 ]; then
	ok "policy, generator and counter are there for a run"
else
	not_ok "policy, generator and counter are there for a run"
fi
run -w burst.yaml --set stack.os.thp=always --set "tlbs.l1d.pages=[4K]" --set tlbs.l1d.miss_cycles=7 >b.json 2>"$dir/said"
run -w burst.yaml --set stack.os.thp=always --set "tlbs.l1d.pages=[4K]" >c.json 2>>"$dir/said"
if [ $(($(counter cpu0.access_cycles b.json) - $(counter cpu0.access_cycles c.json))) -ge $((7 * $(counter cpu0.l1d_tlb.misses c.json))) ]; then
	ok "every miss takes the cycles that the new key says"
else
	not_ok "every miss takes the cycles that the new key says"
fi

# Same inputs and seed, same database: binaries of two compilers, not optimised and fully, fill a database each with the same runs, and
# `strata report --dump` prints the same.
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
BUILD=${BUILD:-build}
limit=100000
generators="uniform sequential stride chase zipf tlb_mix mix"
mix='generator: mix
mix: [{generator: zipf, weight: 3}, {generator: chase, weight: 1}]'

# build NAME CC CFLAGS: build/det-NAME/strata
build() {
	MAKEFLAGS= make -s -j2 all BUILD="$BUILD/det-$1" CC="$2" CFLAGS="$3" >"$dir/$1.log" 2>&1 && echo "ok - $1 builds" || { echo "not ok - $1 builds"; cat "$dir/$1.log"; }
}

# run STRATA DB MACHINE STACK WORKLOAD NAME
run() {
	"$1" run --db "$2" -q -m "configs/$3.yaml" -s "configs/stacks/$4.yaml" -w "$5" --name "$6 on $3, $4" \
		--seed 42 --warmup 20000 --limit $limit || echo "run failed: $6 on $3, $4"
}

# Every generator, and a real program, on machines that differ in page size, core model and replacement.
runs() {
	run "$1" "$2" machines/neoverse-n1 native workloads/sqlite_lookup.stt sqlite
	run "$1" "$2" machines/neoverse-n1 kvm-4k workloads/sqlite_lookup.stt sqlite
	run "$1" "$2" machines/cortex-a55 kvm-2m workloads/sqlite_lookup.stt sqlite
	run "$1" "$2" machines/plain-lru native workloads/sqlite_lookup.stt sqlite
	for g in $generators; do
		run "$1" "$2" machines/neoverse-v2 kvm-4k "$dir/$g.yaml" "$g"
		run "$1" "$2" machines/cortex-a72 native "$dir/$g.yaml" "$g"
	done
	run "$1" "$2" machines/kunpeng-920 kvm-2m "$dir/uniform.yaml" uniform
}

for g in $generators; do
	echo "generator: $g" >"$dir/$g.yaml"
	[ $g != mix ] || echo "$mix" >"$dir/$g.yaml"
	echo 'footprint_bytes: 256M
accesses: 200000' >>"$dir/$g.yaml"
	[ $g = chase ] || echo 'read_percent: 70' >>"$dir/$g.yaml"    # a chase only loads
done

for binary in 'gcc-O0 gcc -O0' 'gcc-O3 gcc -O3' 'clang-O0 clang -O0' 'clang-O3 clang -O3'; do
	set -- $binary
	build "$@"
	runs "$BUILD/det-$1/strata" "$dir/$1.db" >"$dir/runs" 2>&1
	if [ -s "$dir/runs" ]; then echo "not ok - $1 runs all workloads"; cat "$dir/runs"; else echo "ok - $1 runs all workloads"; fi
	"$BUILD/det-$1/strata" report --dump --db "$dir/$1.db" >"$dir/$1.dump"
done

lines=$(wc -l <"$dir/gcc-O0.dump")
if [ "$lines" -gt 5000 ]; then echo "ok - the dump holds configuration and counters of every run"; else echo "not ok - the dump has only $lines lines"; fi
for name in gcc-O3 clang-O0 clang-O3; do
	if cmp -s "$dir/gcc-O0.dump" "$dir/$name.dump"; then echo "ok - $name stores what gcc-O0 stores"
	else echo "not ok - $name stores what gcc-O0 stores"; diff "$dir/gcc-O0.dump" "$dir/$name.dump" | head -20
	fi
done

# What the comparison must be able to see: another seed is another result.
"$BUILD/det-gcc-O3/strata" run -q --db "$dir/seed.db" -m configs/machines/cortex-a72.yaml -w "$dir/uniform.yaml" --seed 1 --name a
"$BUILD/det-gcc-O3/strata" run -q --db "$dir/other.db" -m configs/machines/cortex-a72.yaml -w "$dir/uniform.yaml" --seed 2 --name a
for db in seed other; do "$BUILD/det-gcc-O3/strata" report --dump --db "$dir/$db.db" >"$dir/$db.dump"; done
if cmp -s "$dir/seed.dump" "$dir/other.dump"; then echo 'not ok - another seed is another result'; else echo 'ok - another seed is another result'; fi

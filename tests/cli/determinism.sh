# Same inputs and seed, same database: binaries of two compilers, not optimised and fully, fill a database each with the same runs, and
# `strata report --dump` prints the same.
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
BUILD=${BUILD:-build}
generators="uniform sequential stride chase zipf tlb_mix copy mix"

good() { # good NAME COMMAND...: the command succeeds and says nothing
	claim=$1
	shift
	if "$@" >"$dir/said" 2>&1 && [ ! -s "$dir/said" ]; then echo "ok - $claim"; else echo "not ok - $claim"; tail -n 20 "$dir/said"; fi
}

# Children of a mixture have footprints of their own; a chase only loads.
describe() {
	echo "generator: $1
footprint_bytes: 256M
accesses: 200000"
	case $1 in
	mix) echo 'mix: [{generator: zipf, footprint_bytes: 64M, weight: 3}, {generator: chase, footprint_bytes: 8M, item_bytes: 64}]' ;;
	chase | copy) ;;
	*) echo 'read_percent: 70' ;;
	esac
}

build() { # build NAME CC CFLAGS; its own jobs, as `make test` has not handed over any
	MAKEFLAGS= make -j2 all BUILD="$BUILD/det-$1" CC="$2" CFLAGS="$3" >"$dir/make" 2>&1 || cat "$dir/make"
}

run() { # run MACHINE STACK WORKLOAD OPTIONS..., into the database $db with the binary $strata
	machine=$1 stack=$2 workload=$3
	shift 3
	"$strata" run -q --db "$db" -m "configs/machines/$machine.yaml" -s "configs/stacks/$stack.yaml" -w "$workload" --seed 42 \
		--warmup 20000 --limit 100000 "$@" || echo "failed: $*"
}

# A real program and every generator, on machines that differ in core model, features and replacement.
runs() {
	strata=$BUILD/det-$1/strata db=$dir/$1.db
	for stack in native kvm-4k kvm-2m; do
		for machine in neoverse-n1 cortex-a55; do run $machine $stack workloads/sqlite_lookup.stt; done
	done
	for machine in plain-lru apple-m1-p neoverse-v2 kunpeng-920; do run $machine native workloads/sqlite_lookup.stt; done
	run kunpeng-920 kvm-4k "$dir/zipf.yaml" --set workload.threads=4 --set stack.threads=4 --set stack.pin=0,1,24,48 --limit 10000
	for g in $generators; do
		run neoverse-n1 kvm-4k "$dir/$g.yaml"
		run cortex-a72 native "$dir/$g.yaml"
	done
}

dump() { "$BUILD/det-$1/strata" report --dump --db "$dir/$2.db" >"$dir/$2.dump"; }

for g in $generators; do describe "$g" >"$dir/$g.yaml"; done
for flags in '-O0 gcc' '-O3 gcc' '-O0 clang' '-O3 clang'; do
	set -- $flags
	name=$2$1
	good "$name builds" build "$name" "$2" "$1"
	good "$name runs all workloads" runs "$name"
	good "$name dumps its database" dump "$name" "$name"
done

lines=$(wc -l <"$dir/gcc-O0.dump")
if [ "$lines" -gt 5000 ]; then echo 'ok - the dump holds configuration and counters of every run'; else echo "not ok - the dump has $lines lines"; fi
for name in gcc-O3 clang-O0 clang-O3; do
	if cmp -s "$dir/gcc-O0.dump" "$dir/$name.dump"; then echo "ok - $name stores what gcc-O0 stores"
	else echo "not ok - $name stores what gcc-O0 stores"; diff "$dir/gcc-O0.dump" "$dir/$name.dump" | head -20
	fi
done

# What the comparison must be able to see: other random numbers are another result.
for seed in 1 2; do
	"$BUILD/det-gcc-O3/strata" run -q --db "$dir/seed$seed.db" -m configs/machines/cortex-a72.yaml -w "$dir/uniform.yaml" --seed $seed
	dump gcc-O3 seed$seed
	grep '^stat' "$dir/seed$seed.dump" >"$dir/seed$seed.stats"
done
if [ -s "$dir/seed1.stats" ] && ! cmp -s "$dir/seed1.stats" "$dir/seed2.stats"; then echo 'ok - another seed is another result'; else echo 'not ok - another seed is another result'; fi

# strata report and compare: help, exit codes, where messages go.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { # check NAME EXPECTED_EXIT COMMAND...: also that failures say something on stderr and nothing on stdout
	name=$1 expected=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	status=$?
	if [ $status -ne "$expected" ]; then echo "not ok - $name (exit $status)"; cat "$dir/err"
	elif [ "$expected" -ne 0 ] && { [ -s "$dir/out" ] || ! [ -s "$dir/err" ]; }; then echo "not ok - $name (streams)"
	else echo "ok - $name"
	fi
}
says() { # says NAME PATTERN FILE
	if grep -q -e "$2" "$dir/$3"; then echo "ok - $1"; else echo "not ok - $1"; cat "$dir/$3"; fi
}

check 'report --help works' 0 "$STRATA" report --help
says 'report --help names the verb' 'Usage: strata report' out
check 'compare --help works' 0 "$STRATA" compare --help
check 'report --columns explains the columns' 0 "$STRATA" report --columns
says 'report --columns gives units' '/1000 instr' out
check 'a database that is not there is wrong input' 2 "$STRATA" report --db "$dir/none.db"
says 'and is named' 'none.db: cannot open: No such file' err
[ ! -e "$dir/none.db" ] && echo 'ok - reading makes no file' || echo 'not ok - reading makes no file'
echo 'this is no database, though it is longer than the hundred bytes of a header; it was written by a test of the reports' >"$dir/text"
check 'a file of other content is wrong input' 2 "$STRATA" compare --db "$dir/text" a b
says 'and is called no database' 'not a database' err
check 'compare with one run is wrong usage' 2 "$STRATA" compare --db "$dir/none.db" a
check 'an unknown option is wrong usage' 2 "$STRATA" report --nonsense
check 'an unknown region is wrong usage' 2 "$STRATA" report --region middle

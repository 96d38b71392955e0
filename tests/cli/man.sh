# The manual pages are true: every verb has one, and each page lists exactly the options that --help lists.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

# Long options, one in a line. --help and --usage are everywhere, and no page repeats them.
from_help() { "$STRATA" "$@" --help | sed -n 's/^  \(-[^ ], \|    \)\(--[a-z-]*\).*/\2/p' | grep -vxE -e '--(help|usage)'; }
short_from_help() { "$STRATA" "$@" --help | sed -n 's/^  \(-[^ ?]\), \(--[a-z-]*\).*/\1 \2/p'; }
# Options of a page are the first line behind a .TP; roff writes "-" as "\-".
from_page() { sed 's/\\-/-/g' "$1" | awk '/^\.TP/ { item = 1; next } item { item = 0; print }' | grep -oE -e '--[a-z-]+'; }
short_from_page() { sed 's/\\-/-/g; s/[",]//g' "$1" | awk '/^\.TP/ { item = 1; next } item { item = 0; print }' | grep -oE -e ' -[^ -] +--[a-z-]+' | sed 's/^ //; s/  */ /g'; }

# same NAME: the files help and page of $dir hold the same lines, and not none
same() {
	if sort -u "$dir/help" | cmp -s - "$dir/sorted"; then echo "ok - $1"
	else echo "not ok - $1 (< --help, > page)"; sort -u "$dir/help" | diff - "$dir/sorted"
	fi
}
# compare PAGE COMMAND...: of a verb with commands of its own, the page lists what each of them has
compare() {
	page=docs/man/strata-$1.1
	: >"$dir/help" >"$dir/short"
	for words in "$@"; do from_help $words; done >"$dir/help"
	from_page "$page" | sort -u >"$dir/sorted"
	same "strata-$1(1) lists the options of --help"
	for words in "$@"; do short_from_help $words; done >"$dir/help"
	short_from_page "$page" | sort -u >"$dir/sorted"
	same "strata-$1(1) lists their short forms"
}

verbs=$("$STRATA" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
for verb in $verbs; do
	if [ ! -f "docs/man/strata-$verb.1" ]; then echo "not ok - strata $verb has a manual page"; continue; fi
	echo "ok - strata $verb has a manual page"
	case $verb in
	trace) compare trace 'trace info' 'trace cat' 'trace import' 'trace export' 'trace gen' ;;
	explain) compare explain 'explain walk' 'explain trap' 'explain irq' 'explain exits' ;;
	*) compare "$verb" ;;
	esac
	if grep -q "strata..-$verb\|strata.-$verb" docs/man/strata.1; then echo "ok - strata(1) names $verb"; else echo "not ok - strata(1) names $verb"; fi
done
for page in docs/man/strata-*.1; do
	verb=${page#docs/man/strata-}
	case " $(echo $verbs) " in *" ${verb%.1} "*) echo "ok - $page is of a verb" ;; *) echo "not ok - $page is of a verb" ;; esac
done

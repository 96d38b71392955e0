#!/bin/sh
# plot_chase.sh > docs/img/chase.svg - cycles per load of a pointer chase over N pages, N from 16 to 16384, on three machines.
# The same runs as tests/test_chase.c, drawn with both axes logarithmic.
set -eu
STRATA=${STRATA:-build/strata}

# point MACHINE PAGE_KIB VA_BITS PAGES
point() {
	"$STRATA" run -q --no-db --json -m "configs/machines/$1.yaml" -w workloads/chase.yaml --warmup $((2 * $4 + 1000)) --limit 40000 \
		--set stack.os.shared_frame=yes --set stack.os.page_size="$2K" --set stack.os.va_bits="$3" --set workload.item_bytes="$2K" \
		--set workload.footprint_bytes=$(($4 * $2))K --set workload.instruction_gap=1 --set workload.accesses=1000000 |
		sed -n 's/.*"cpu0.cycles": \([0-9]*\).*/\1/p' | awk -v m="$1" -v n="$4" '{print m, n, $1 / 40000}'
}

pages="16 24 32 40 48 49 56 64 96 128 160 161 176 192 256 384 512 768 1024 1280 1281 1408 1536 2048 2049 2176 2304 3072 3073 3200 3328 4096 8192 16384"
for n in $pages; do
	point neoverse-n1 4 48 $n
	point neoverse-v2 4 48 $n
	point apple-m1-p 16 47 $n
done | awk '
function x(n) { return 60 + 560 * log(n / 16) / log(1024) }
function y(c) { return 330 - 290 * log(c / 2) / log(32) }
{ path[$1] = path[$1] (path[$1] ? " L" : "M") sprintf("%.1f %.1f", x($2), y($3)) }
END {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 400\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"680\" height=\"400\" fill=\"white\"/>"
	for (c = 2; c <= 64; c *= 2) printf "<line x1=\"60\" x2=\"620\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"52\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", y(c), y(c), y(c) + 4, c
	for (n = 16; n <= 16384; n *= 2) printf "<line y1=\"40\" y2=\"330\" x1=\"%.1f\" x2=\"%.1f\" stroke=\"#eee\"/><text x=\"%.1f\" y=\"346\" text-anchor=\"middle\">%d</text>\n", x(n), x(n), x(n), n
	split("neoverse-n1 neoverse-v2 apple-m1-p", m); split("#c0392b #2471a3 #1e8449", colour)
	for (i = 1; i <= 3; i++) {
		printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"/>\n", path[m[i]], colour[i]
		printf "<text x=\"%d\" y=\"26\" fill=\"%s\">%s</text>\n", 90 + 180 * (i - 1), colour[i], m[i]
	}
	print "<text x=\"340\" y=\"372\" text-anchor=\"middle\">pages (4 KiB; 16 KiB on apple-m1-p), all mapped to one frame</text>"
	print "<text transform=\"translate(18 185) rotate(-90)\" text-anchor=\"middle\">cycles per dependent load</text></svg>"
}'

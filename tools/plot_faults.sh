#!/bin/sh
# plot_faults.sh > docs/img/faults.svg - time of a stage 2 fault while dirty pages are logged over the number of vCPUs, by the design of the
# lock that faults take: the model as lines, what was published as circles (references/faults.yaml). Both axes logarithmic.
set -eu
STRATA=${STRATA:-build/strata}
designs="spinlock rwlock rwlock-split parallel"

# published DESIGN: "design vcpus ns" of its rows
published() {
	awk -v d="$1" '/stack:/ { mine = $2 ~ "dirty-" d "\\.yaml" } /sets:/ { split($2, n, "=") } /published:/ && mine { print "published", d, n[2], $2 }' references/faults.yaml
}

# model DESIGN VCPUS
model() {
	"$STRATA" run -q --no-db --json --populate -m configs/machines/altra-64.yaml -s "configs/stacks/dirty-$1.yaml" -w workloads/dirty.yaml \
		--set stack.threads="$2" --set workload.threads="$2" --set workload.accesses=1024 |
		sed -n 's/.*"cpu0.cycles": \([0-9]*\).*/\1/p' | awk -v d="$1" -v n="$2" '{print "model", d, n, $1 / 1024 / 3}'
}

for d in $designs; do
	published "$d"
	for n in 1 2 3 4 6 8 12 16 24 32; do model "$d" $n; done
done | awk -v designs="$designs" '
function x(n) { return 70 + 530 * log(n) / log(32) }
function y(ns) { return 330 - 290 * log(ns / 500) / log(100) }
$1 == "model" { path[$2] = path[$2] (path[$2] ? " L" : "M") sprintf("%.1f %.1f", x($3), y($4)) }
$1 == "published" { dots[$2] = dots[$2] sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x($3), y($4)) }
END {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 400\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"680\" height=\"400\" fill=\"white\"/>"
	for (ns = 500; ns <= 50000; ns *= 10) for (k = 1; k < 10 && ns * k <= 50000; k += k < 2 ? 1 : 3)
		printf "<line x1=\"70\" x2=\"620\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"62\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", y(ns * k), y(ns * k), y(ns * k) + 4, ns * k
	for (n = 1; n <= 32; n *= 2) printf "<line y1=\"40\" y2=\"330\" x1=\"%.1f\" x2=\"%.1f\" stroke=\"#eee\"/><text x=\"%.1f\" y=\"346\" text-anchor=\"middle\">%d</text>\n", x(n), x(n), x(n), n
	count = split(designs, d, " "); split("#c0392b #2471a3 #b9770e #1e8449", colour)
	for (i = 1; i <= count; i++) {
		printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"/>\n", path[d[i]], colour[i]
		printf "<g fill=\"none\" stroke=\"%s\">%s</g>\n", colour[i], dots[d[i]]
		printf "<text x=\"%d\" y=\"26\" fill=\"%s\">%s</text>\n", 80 + 140 * (i - 1), colour[i], d[i]
	}
	print "<text x=\"345\" y=\"372\" text-anchor=\"middle\">vCPUs that fault at the same time (lines: model; circles: published)</text>"
	print "<text transform=\"translate(18 185) rotate(-90)\" text-anchor=\"middle\">ns per fault of each vCPU</text></svg>"
}'

#!/bin/sh
# irqs.sh [--svg] - one interrupt, a vCPU's SGI to a vCPU that runs on another core, by the version of the interrupt controller: mean cycles of
# each of its stages on a Neoverse N1 under KVM; --svg: as a chart (docs/img/irqs.svg).
# The GICv2's registers are in memory, at the costs of an X-Gene (configs/machines/x-gene-1.yaml; Dall et al., ISCA 2016).
set -eu
STRATA=${STRATA:-build/strata}

# stages VERSION SCENARIO [--set KEY=VALUE...]: "VERSION stage cycles" a line
stages() {
	version=$1 scenario=$2
	shift 2
	"$STRATA" explain irq -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-vhe-qemu.yaml -w "workloads/micro/$scenario.yaml" \
		--set stack.threads=2 --set gic.version="$version" "$@" |
		awk -v v="$version" '/^vm0/ { mine = /virqs/ } mine && $1 + 0 > 0 && $3 ~ /^[a-z]+$/ && $3 != "sum" { print v, $3, $1 }'
}

{
	stages 2 ipi --set primitives.gic=memory_mapped --set primitives.gic_read_cycles=290 --set primitives.gic_write_cycles=23
	stages 3 ipi
	stages 4.1 ipi_hw
} | awk -v svg="${1:-}" '
{ cycles[$1, $2] = $3; sum[$1] += $3; if (!($2 in seen)) { seen[$2] = 1; stage[++stages] = $2 } }
function table(  i, v) {
	printf "%-12s %8s %8s %8s\n", "stage", "GICv2", "GICv3", "GICv4.1"
	for (i = 1; i <= stages; i++) printf "%-12s %8d %8d %8d\n", stage[i], cycles[2, stage[i]], cycles[3, stage[i]], cycles["4.1", stage[i]]
	printf "%-12s %8d %8d %8d\n", "sum", sum[2], sum[3], sum["4.1"]
}
function x(c) { return 90 + c * 560 / 7000 }
function bar(v, row,  i, at, y) {
	y = 60 + 60 * row
	printf "<text x=\"80\" y=\"%d\" text-anchor=\"end\">GICv%s</text>\n", y + 24, v
	for (i = 1; i <= stages; i++) {
		if (!cycles[v, stage[i]]) continue
		printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"36\" fill=\"%s\"/>\n", x(at), y, x(cycles[v, stage[i]]) - 90, colour[i]
		at += cycles[v, stage[i]]
	}
	printf "<text x=\"%.1f\" y=\"%d\">%d</text>\n", x(at) + 6, y + 24, at
}
function chart(  i, c) {
	split("#5d6d7e #2471a3 #1e8449 #b7950b #c0392b #7d3c98 #d35400 #17a589 #2c3e50", colour)
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 330\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"720\" height=\"330\" fill=\"white\"/>"
	for (i = 1; i <= stages; i++)
		printf "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", 90 + 110 * ((i - 1) % 5), 20 + 18 * int((i - 1) / 5), colour[i], stage[i]
	for (c = 0; c <= 7000; c += 1000)
		printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"50\" y2=\"240\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"258\" text-anchor=\"middle\">%d</text>\n", x(c), x(c), x(c), c
	bar("2", 0); bar("3", 1); bar("4.1", 2)
	print "<text x=\"370\" y=\"284\" text-anchor=\"middle\">cycles at 3 GHz from the sender&#39;s register write to the end of the handler, by stage</text></svg>"
}
END { if (svg == "--svg") chart(); else table() }'

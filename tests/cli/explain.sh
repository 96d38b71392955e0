#!/bin/sh
# `strata explain trap` as a user types it.
set -u
STRATA=${STRATA:-build/strata}
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else printf 'not ok - %s\n  expected: %s\n  got:      %s\n' "$1" "$3" "$2"; fi; }
has() { case "$2" in *"$3"*) echo "ok - $1" ;; *) printf 'not ok - %s: no "%s" in\n%s\n' "$1" "$3" "$2" ;; esac; }
trap_() { "$STRATA" explain trap "$@" 2>&1; }
VHE='-m configs/machines/neoverse-v2.yaml -s configs/stacks/kvm-vhe.yaml'
NVHE='-m configs/machines/cortex-a72.yaml -s configs/stacks/kvm-nvhe.yaml'

# shellcheck disable=SC2086
{
	check '--brief is one line of exceptions and returns' "$(trap_ hvc $VHE --brief)" 'hvc:1>2 ret:2>1'
	check '--guest adds what the guest takes inside' "$(trap_ sgi_self $NVHE --brief --guest)" \
		'sysreg:1>2 ret:2>1 hvc:1>2 ret:2>1
(inside guest) virq:1>1 ret:1>1'
	full=$(trap_ sysreg_id $VHE)
	has 'an exception names the rule behind it' "$full" 'because of HCR_EL2.TID3'
	has 'and its syndrome' "$full" 'ESR_EL2 0x62300009: EC 0x18'
	has 'and its vector' "$full" 'VBAR_EL2 + 0x400'
	has 'steps name the registers that they move' "$full" 'restore el2_return from vcpu (2 registers)'
	has 'and which they are' "$full" '    ELR_EL1 SPSR_EL1'
	has '--registers counts writes' "$(trap_ hvc $NVHE --registers)" 'TCR_EL1                   4      3'
	has '--set changes the machine' "$(trap_ mmio_user_write $VHE --brief --set features.sve=no)" 'ret:2>0 svc:0>2'
	has 'an unknown operation is named, with those that there are' "$(trap_ hvcc $VHE)" 'hvcc: no such operation; there are hvc,'
	trap_ hvcc $VHE >/dev/null; check 'and is wrong input' $? 2
	has 'a stack without paths says so' "$(trap_ hvc -m configs/machines/neoverse-v2.yaml -s configs/stacks/kvm-4k.yaml)" 'names no software paths'
	has 'VHE on a CPU without it is refused with the place' \
		"$(trap_ hvc -m configs/machines/cortex-a72.yaml -s configs/stacks/kvm-vhe.yaml)" 'kvm-vhe.yaml:'
	trap_ hvc >/dev/null; check 'a missing machine is wrong usage' $? 2
	"$STRATA" explain --help | grep -q 'trap'; check 'explain --help lists its topics' $? 0
	"$STRATA" explain nothing >/dev/null 2>&1; check 'an unknown topic is wrong usage' $? 2
}

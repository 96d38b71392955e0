#!/bin/sh
# `strata explain irq` as a user types it.
STRATA=${STRATA:-build/strata}
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else printf 'not ok - %s\n  expected: %s\n  got:      %s\n' "$1" "$3" "$2"; fi; }
irq() { "$STRATA" explain irq "$@" 2>&1; }
last() { irq "$@" | tail -n 1 | sed 's/.*running 0x..  //'; }

check 'a level is active and pending while its line is high' "$(irq rise ack | tail -n 1 | cut -c 1-40)" \
	'ack -> 27        active and pending  -  '
check 'an edge stays pending after its fall' "$(irq --edge rise fall | tail -n 1 | awk '{ print $2, $3 }')" 'pending IRQ'
check 'EOImode 1 leaves it active' "$(irq -i 40 --edge eoimode=1 rise ack eoi | tail -n 1 | awk '{ print $2, $5 }')" 'active 0xff'
check 'and dir ends it' "$(irq -i 40 --edge eoimode=1 rise ack eoi dir | tail -n 1 | awk '{ print $2 }')" 'inactive'
check 'a mask is named' "$(last pmr=0xa0 rise)" 'its priority is not higher than ICC_PMR_EL1'
check 'a value out of range is answered with the range' "$(irq pmr=0x100 | grep -v ^start)" "strata explain irq: 'pmr=0x100': pmr=N is expected, N up to 0xff"
check 'of switches as well' "$(irq eoimode=2 | grep -v ^start)" "strata explain irq: 'eoimode=2': eoimode=0|1 is expected"
check 'a value that is not taken is refused' "$(irq rise=1 | grep -v ^start)" "strata explain irq: 'rise=1': rise is expected"
check 'another interrupt is named' "$(last rise other=0x20)" 'another pending interrupt has a higher priority'
check 'what is running is named' "$(last other=0x20 ack rise)" 'its group priority is not higher than the running priority'
check 'a sleeping PE is named' "$(last sleep=1 rise)" 'GICR_WAKER.ProcessorSleep is 1: the PE must be woken first'
check 'Group 0 is FIQ' "$(irq --group 0 rise | tail -n 1 | awk '{ print $3 }')" 'FIQ'
check 'Non-secure Group 1 is FIQ to Secure state' "$(irq --secure rise | tail -n 1 | awk '{ print $3 }')" 'FIQ'
check 'and is not acknowledged there' "$(irq --secure rise ack | tail -n 1 | awk '{ print $3 }')" '1023'
check 'extended SPIs are there' "$(irq -i 4097 rise ack | tail -n 1 | awk '{ print $3 }')" '4097'
irq -i 1020 rise >/dev/null; check 'INTID 1020 is none' $? 2
irq jump >/dev/null; check 'an unknown event is wrong usage' $? 2
irq pmr >/dev/null; check 'an event without its number is wrong usage' $? 2
irq pmr=0x100 >/dev/null; check 'a number that is too large is wrong usage' $? 2
irq --group 2 rise >/dev/null; check 'an unknown group is wrong usage' $? 2
irq >/dev/null; check 'no event is wrong usage' $? 2
stages() { "$STRATA" explain irq -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-vhe.yaml -w "workloads/micro/$1.yaml" --set stack.threads=2 \
	--set workload.repetitions=10 --set workload.warmup=5 2>&1; }
check 'an IPI of a guest is a virtual and a physical interrupt' "$(stages ipi | grep -c ': 10 interrupts$')" 2
check 'its stages add up to the sum' "$(stages ipi | awk '/virqs/ { on = 1; next } on && $3 == "sum" { d = $1 - all; print (d < 1 && d > -1 ? "yes" : "no") } on { all += $1 }')" yes
check 'a hypervisor of GICv3 needs to leave the guest' "$(stages ipi | grep -c '  exit ')" 1
irq -w workloads/micro/ipi.yaml >/dev/null; check 'a scenario without its machine is wrong usage' $? 2
irq -m configs/machines/neoverse-n1.yaml rise >/dev/null; check 'a machine with events is wrong usage' $? 2
"$STRATA" explain irq -m configs/machines/cortex-a55.yaml -s configs/stacks/kvm-vhe.yaml -w workloads/micro/ipi.yaml --set stack.threads=2 >/dev/null 2>&1
check 'an untimed GIC has no stages' $? 2

#!/bin/sh
# A trace of threads that unmap what all of them use: tools/shootdowns.sh THREADS ROUNDS PAGES, to standard output, in the text form. In each round
# every thread touches its own pages and the shared ones, then the first unmaps the shared ones at once; with a fourth argument all unmap some of their own.
threads=$1 rounds=$2 pages=$3 all=${4:-}
echo 'strata-text 1'
echo "streams $threads"
awk -v threads="$threads" -v rounds="$rounds" -v pages="$pages" -v all="$all" 'BEGIN {
	for (t = 0; t < threads; t++) {
		print "stream " t
		own = 4194304 * (t + 16); shared = 65536 # awk may print no more than 31 bits
		for (r = 0; r < rounds; r++) {
			records += 64 + pages + (all != "" || !t)
			for (i = 0; i < 64; i++) printf "L 0x%x 8 gap=40\n", own + i * 4096
			for (i = 0; i < pages; i++) printf "L 0x%x 8 gap=40\n", shared + i * 4096
			if (all != "") printf "unmap 0x%x 0 arg=%d\n", own, pages * 4096
			else if (!t) printf "unmap 0x%x 0 arg=%d\n", shared, pages * 4096
		}
	}
	print "end " records
}'

/* explain.h - the topics of `strata explain TOPIC`. To add one: write sim/cli/explain_<topic>.c and add a
 * row here. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#define EXPLAIN_TOPICS(X) \
	X(walk, "how an address is translated, descriptor by descriptor") \
	X(trap, "what happens when a guest leaves: exceptions, returns, register writes, and why") \
	X(irq, "what state an interrupt is in after each event, and what keeps it from its PE") \
	X(exits, "the exceptions of a recorded log, replayed on the level machine")

#define X(name, doc) int explain_##name(int argc, char **argv);
EXPLAIN_TOPICS(X)
#undef X

#endif

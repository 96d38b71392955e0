#include "repl/repl.h"

const struct repl_policy *const repl_policies[REPL_COUNT] = {
#define X(n, doc) &repl_##n,
	REPL_POLICIES(X)
#undef X
};

const char *const repl_names[] = {
#define X(n, doc) #n,
	REPL_POLICIES(X)
#undef X
		NULL};

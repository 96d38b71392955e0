/* fuzz_vectors.c - libFuzzer target: any bytes as a line of a vector file; what is accepted is also run. */
#include "cli/conform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vector v;
	struct err err;
	if (vector_parse((const char *)data, bytes, &v, &err) != OK) return 0;
	vector_run(&v, NULL);
	vector_free(&v);
	return 0;
}

/* fuzz_path.c - libFuzzer target: any bytes as a file of software paths, which is loaded, checked and run.
 *
 * Whatever a file says ends in an error with text or in a run that ends; the level machine stays legal throughout (path_run checks).
 */
#include "hyp/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void run_all(const struct path_book *b)
{
	const char *doc, *name;
	struct path_counts counts = {0};
	struct err err;
	for (size_t i = 0; i < 16 && (name = path_operation(b, i, &doc)); i++)
		path_run(b, name, NULL, NULL, &counts, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct conf *c = conf_new();
	struct node *root;
	struct path_book *b;
	struct err err;
	if (conf_parse(c, "fuzz.yaml", (const char *)bytes, size, &root, &err) == OK &&
	    root->kind == NODE_MAP && path_book_bind(c, root, features_of_cpu("neoverse-n1"), &b, &err) == OK)
		run_all(b);
	conf_free(c);
	return 0;
}

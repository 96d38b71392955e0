/* merge.h - from files, overlays and --set to one tree.
 *
 *   conf_load: a file and what it extends -> conf_file
 *   conf_overlay: a second file on top       conf_set: path=value on top
 * `extends: other.yaml` (relative to the file that says it) puts the file on top of the other one. On top
 * means:
 *   mapping over mapping      merge by key
 *   list over list            when all items of both are mappings with a `name`: merge by name, a new name
 *                             appends; otherwise the new list replaces the old one
 *   mapping over a list       each key names an item (or is its index) and its value goes on top of that item
 *   null (~) over anything    removes it: the default holds again, or the named item is gone
 *   anything else             replaces
 * `sources:` of all files are joined; a name that means two different texts is an error, for it would
 * change what the earlier file's numbers cite.
 */
#ifndef CONFIG_MERGE_H
#define CONFIG_MERGE_H

#include "config/yaml.h"

enum { CONF_MAX_EXTENDS = 16 };

struct conf_file {
	struct node *root;    /* the mapping, without `extends` and `sources` */
	struct node *sources; /* name -> text; an empty mapping when the files have none */
};

/* The file that `name`, said in the file `from`, means: relative to the folder of that file. */
const char *conf_beside(struct conf *c, const char *from, const char *name);

/* Whether the file `path`, named by `key` at `at`, can be read. ERR_CONFIG with that place. */
enum status conf_need_file(const char *path, const char *key, struct place at, struct err *err);

/* Reads `path` and the chain of files it extends. */
enum status conf_load(struct conf *c, const char *path, struct conf_file *out, struct err *err);

/* Puts the file `path` (with what it extends) on top of `f`. */
enum status conf_overlay(struct conf *c, struct conf_file *f, const char *path, struct err *err);

/* The same with what the file says under `key` alone, if it says anything there and the `name` in it, if there is one, is that of `f`. */
enum status conf_overlay_part(struct conf *c, struct conf_file *f, const char *path, const char *key,
			      struct err *err);

/* The `name` that the file `path`, or what it extends, says of itself; NULL: none. */
enum status conf_name(struct conf *c, const char *path, const char **out, struct err *err);

/* Takes `key` out of the outermost mapping of `f`, where that has it. */
void conf_drop(struct conf_file *f, const char *key);

/* Applies one "path.to.key=value" of the command line. A path component is a key, or in a list an index
 * or the `name` of an item. The value is YAML, nothing as `~`: `--set tlbs.l2.pages=[4K,2M]`, `--set caches.slc=~`, and
 * may carry a provenance tag. Missing mappings on the way are made; an item that is not there is an error
 * that lists those that are. The path may begin with the name of the whole, `under` ("machine"; NULL: it has
 * none), and is quoted as typed. */
enum status conf_set(struct conf *c, struct conf_file *f, const char *under, const char *assignment,
		     struct err *err);

#endif

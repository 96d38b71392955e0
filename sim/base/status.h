/* status.h - the one way a function reports that the *host* run cannot go on.
 *
 * Three things that look alike are kept apart:
 *   status   bad input or host failure (config, trace, file, database): returned, with text
 *   fault    an architectural outcome (translation fault, trap): data in the result, never a status
 *   assert   a bug in this simulator: assert(), never handled, kept on in release builds
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
	OK = 0,
	ERR_USAGE,  /* the command line cannot be understood */
	ERR_CONFIG, /* a YAML file or --set says something that is not allowed */
	ERR_INPUT,  /* a trace, vector or snapshot is torn, foreign or inconsistent */
	ERR_CHECK,  /* a conservation law or comparison does not hold */
	ERR_HOST,   /* disk, memory or database failed */
};

struct err { /* owned by the caller; text is valid only after a non-OK return */
	enum status code;
	char text[512];
};

/* Fills *err with printf-style text and returns `code`, so that failing is one line. */
enum status err_set(struct err *err, enum status code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The process exit code of a status: 0 good, 1 a check failed, 2 wrong usage or input, 3 host. */
int status_exit_code(enum status st);

#define TRY(call) \
	do { \
		enum status try_ = (call); \
		if (try_ != OK) return try_; \
	} while (0)

#endif

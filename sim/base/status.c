#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

enum status err_set(struct err *err, enum status code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	err->code = code;
	return code;
}

int status_exit_code(enum status st)
{
	switch (st) {
	case OK: return 0;
	case ERR_CHECK: return 1;
	case ERR_HOST: return 3;
	default: return 2;
	}
}

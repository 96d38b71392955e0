/* version.h - the version that is stored with each run. It changes whenever a result may change. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define STRATA_VERSION "0.1.0"

#endif

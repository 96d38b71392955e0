/* arch_recording.h - a recording of `strata conform --arch` in a folder of its own, for tests.
 *
 * One at a time: begin, write as often as wanted, end.
 */
#ifndef TESTS_ARCH_RECORDING_H
#define TESTS_ARCH_RECORDING_H

/* Makes the folder; both register files say `cpus`, a JSON array. */
void arch_recording_begin(const char *cpus);
void arch_recording_end(void);
const char *arch_recording_dir(void);
void arch_recording_cpus(const char *cpus);
/* The events of the recording, instead of those before. */
void arch_recording_write(const char *events);

#endif

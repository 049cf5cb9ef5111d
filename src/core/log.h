/* SPDX-License-Identifier: BSD-3-Clause
 * Lines to the person who runs the job: one write each, to stderr, begun with "ffmk: ". No other
 * room prints to stderr. */
#ifndef FFMK_CORE_LOG_H
#define FFMK_CORE_LOG_H

/** Print "ffmk: <text>\n" in one write(2), so that lines of several ranks do not mix. At most 1,000
 * bytes. */
void ffmk_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** As ffmk_log, about a mistake of the program that calls us: it may make it again and again, so
 * only the first 20 of a process are told, and with the last of them that it is. */
void ffmk_log_mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** As ffmk_log, but only with FFMK_VERBOSE=1 (see ffmk_log_verbose). */
void ffmk_log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Where stderr is a pipe: wait until its reader has taken what is in it, a tenth of a second at
 * most. Some launchers throw away what they have not read when a rank aborts. */
void ffmk_log_drain(void);

/** Turn the lines of ffmk_log_debug on or off. */
void ffmk_log_verbose(int on);

#endif

/* SPDX-License-Identifier: BSD-3-Clause
 * How long this rank has computed, as whoever measures that says. Whether anybody does is not
 * balance's to know: it is handed in from above. */
#ifndef FFMK_BALANCE_USEFUL_H
#define FFMK_BALANCE_USEFUL_H

/** `useful_s` tells the seconds that the calling thread was outside of calls that communicate, up
 * to the call it is in; they grow. Negative: not known. */
void ffmk_useful_from(double (*useful_s)(void));

/** The same; negative where nobody measures. */
double ffmk_useful_s(void);

#endif

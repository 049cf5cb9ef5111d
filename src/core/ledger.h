/* SPDX-License-Identifier: BSD-3-Clause
 * When something that costs a price should be done against something that is lost all the time: as
 * soon as what was lost reaches the price. Whatever comes, that costs at most twice what the best
 * choice in hindsight would have (renting or buying skis: Karlin and others 1988). Pure. */
#ifndef FFMK_CORE_LEDGER_H
#define FFMK_CORE_LEDGER_H

#include <stdbool.h>

/** Begin with {0}. */
struct ffmk_ledger {
    double lost;   /* since it was done last */
    double rate;   /* what the last entry lost */
    double price;  /* what it is expected to cost */
    unsigned paid; /* how often that was seen */
};

/** Something was lost; ≥ 0. */
void ffmk_ledger_lose(struct ffmk_ledger *ledger, double lost);

/** Whether it is to be done now. While no price was ever seen: with the first loss. */
bool ffmk_ledger_is_due(const struct ffmk_ledger *ledger);

/** How many more entries like the last one until it is; 0: it is. Infinite when nothing is lost. */
double ffmk_ledger_entries_left(const struct ffmk_ledger *ledger);

/** It was done, at this price, ≥ 0; the expected one follows by half the difference. */
void ffmk_ledger_pay(struct ffmk_ledger *ledger, double price);

#endif

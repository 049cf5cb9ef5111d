/* SPDX-License-Identifier: BSD-3-Clause
 * The ledger. */
#include "core/ledger.h"

#include <math.h>

void ffmk_ledger_lose(struct ffmk_ledger *ledger, double lost)
{
    ledger->rate = lost;
    ledger->lost += lost;
}

bool ffmk_ledger_is_due(const struct ffmk_ledger *ledger)
{
    return ledger->lost > 0 && (ledger->paid == 0 || ledger->lost >= ledger->price);
}

double ffmk_ledger_entries_left(const struct ffmk_ledger *ledger)
{
    if (ffmk_ledger_is_due(ledger))
        return 0;
    return ledger->rate > 0 ? ceil((ledger->price - ledger->lost) / ledger->rate) : INFINITY;
}

void ffmk_ledger_pay(struct ffmk_ledger *ledger, double price)
{
    ledger->price = ledger->paid == 0 ? price : (ledger->price + price) / 2;
    ledger->paid++;
    ledger->lost = 0;
}

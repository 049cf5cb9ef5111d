/* SPDX-License-Identifier: BSD-3-Clause
 * What is the same for all plans: chosen on the moving hot spot, with 8 to 512 parts. */
#include "balance/rules.h"

#include "core/log.h"

#include <math.h>

static const double AIM = 0.2;  /* the rest of what is allowed above the mean is for choosing */
static const double PULL = 0.2; /* in mean links */
static const double WORTH = 0.01;
static const double LITTLE = 1e-4;
enum { SPREAD = 8, PATIENCE = 20 };

/* Up to ALONE parts one finds all flows, which is best. Where it takes groups, small ones are
 * faster, for who speaks for one hears its members one behind another (docs/balance-sim.md). */
enum { ALONE = 64, FANOUT = 8 };

struct ffmk_rules ffmk_rules_of(const ffmk_balance_options *options, int n_parts)
{
    struct ffmk_rules rules = {
        .n_parts = n_parts,
        .spread = SPREAD,
        .fanout = n_parts <= ALONE ? ALONE : FANOUT,
        .n_weights = 1,
        .n_shared = 1,
        .conductance = options->conductance,
        .price = options->migration_price,
        .pull = PULL,
        .aim = AIM,
        .least_items = options->min_items < UINT32_MAX ? (uint32_t)options->min_items : UINT32_MAX,
        .patience = PATIENCE,
        .worth = WORTH,
        .little = LITTLE,
        .passes_most = options->max_rounds,
        .seed = options->seed};
    for (unsigned d = 0; d < FFMK_GRAPH_WEIGHTS; d++)
        rules.imbalance[d] = options->imbalance;
    return rules;
}

int ffmk_options_check(const ffmk_balance_options *options, const char *call)
{
    if (!options || options->size != sizeof *options)
        ffmk_log_mistake("%s: options is NULL or its size is not that of "
                         "FFMK_BALANCE_OPTIONS_INIT",
                         call);
    else if (!isfinite(options->imbalance) || options->imbalance < 1)
        ffmk_log_mistake("%s: imbalance %g must be finite and at least 1", call,
                         options->imbalance);
    else if (options->max_rounds < 1 || options->max_rounds > 1000)
        ffmk_log_mistake("%s: max_rounds %d must be 1 to 1000", call, options->max_rounds);
    else if (!(options->conductance >= 0 && options->conductance <= 1))
        ffmk_log_mistake("%s: conductance %g must be 0 to 1", call, options->conductance);
    else if (!(isfinite(options->migration_price) && options->migration_price >= 0))
        ffmk_log_mistake("%s: migration_price %g must be finite and not negative", call,
                         options->migration_price);
    else
        return FFMK_SUCCESS;
    return FFMK_ERR_ARGUMENT;
}

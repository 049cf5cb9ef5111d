/* SPDX-License-Identifier: BSD-3-Clause
 * The collective calls on a registry: plan, move, and both only when it pays. */
#include "balance/directory.h"
#include "balance/migrate.h"
#include "balance/registry.h"
#include "balance/useful.h"
#include "core/clock.h"
#include "core/log.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double seconds_since(uint64_t start_ns)
{
    return (double)(ffmk_clock_ns() - start_ns) * 1e-9;
}

/* What a double cannot hold is the largest it can. */
static double representable(double value)
{
    return value < DBL_MAX ? value : DBL_MAX;
}

static int check_info(const ffmk_balance_info *info, const char *call)
{
    if (!info || info->size == sizeof *info)
        return FFMK_SUCCESS;
    return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, call,
                                "info->size is %zu and not that of FFMK_BALANCE_INFO_INIT",
                                info->size);
}

/* A call that moves can begin. */
static int check_moves(const ffmk_items *items, const ffmk_balance_info *info, const char *call)
{
    const int code = check_info(info, call);
    if (code || items->movable)
        return code;
    return ffmk_registry_refuse(
        FFMK_ERR_STATE, call, "the registry was created without callbacks and can only be planned");
}

/* The information that a plan alone gives. */
static void tell(const struct ffmk_plan *plan, ffmk_balance_info *info)
{
    info->imbalance_before = plan->imbalance_before;
    info->imbalance_after = plan->imbalance_after;
    info->imbalance_bound = plan->imbalance_bound;
    info->cut_before = representable(plan->cut_before);
    info->cut_after = representable(plan->cut_after);
    info->items_moved = plan->items_moved;
    info->weight_moved = representable(plan->weight_moved * plan->weight_unit);
    info->rounds = plan->rounds;
    info->plan_s = plan->plan_s;
}

/* Find where items should go; or, where `destinations` says so, take it from there. `info` may be
 * NULL. */
static int make_plan(ffmk_items *items, int code, enum ffmk_plan_call call, const int *destinations,
                     struct ffmk_plan *plan, ffmk_balance_info *info)
{
    const struct ffmk_plan_wish wish = {.call = call,
                                        .known = items->links_known,
                                        .asks = info != NULL,
                                        .able = items->able,
                                        .options = items->options,
                                        .destinations = destinations};
    items->links_known = false;
    code = ffmk_plan_make(&items->team, code, &items->table, &wish, plan);
    if (!code) {
        items->links_known = true;
        if (info)
            tell(plan, info);
    }
    return code;
}

int ffmk_balance_plan(ffmk_items *items, int *destinations, ffmk_balance_info *info)
{
    int code = ffmk_registry_enter(items, __func__);
    if (code)
        return code; /* without a registry there is nobody to agree with */
    struct ffmk_plan plan = {0};
    ffmk_balance_info found = FFMK_BALANCE_INFO_INIT;
    code = check_info(info, __func__);
    if (!destinations && items->table.n > 0)
        code = ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__,
                                    "destinations is NULL for %zu items", items->table.n);
    items->busy = true;
    code = make_plan(items, code, FFMK_PLAN_ONLY, NULL, &plan, info ? &found : NULL);
    items->busy = false;
    if (!code && destinations && items->table.n > 0)
        memcpy(destinations, plan.destinations, items->table.n * sizeof *destinations);
    if (!code && info)
        *info = found;
    ffmk_plan_free(&plan);
    return code;
}

/* Move what the plan says, and complete the information. *failure_p: whether items had to stay, the
 * same on all. `measured`: what comes of it is not known beforehand. */
static int move(ffmk_items *items, struct ffmk_plan *plan, bool measured, ffmk_balance_info *info,
                int *failure_p)
{
    const uint64_t start_ns = ffmk_clock_ns();
    struct ffmk_mover mover = {.team = &items->team,
                               .table = &items->table,
                               .ops = &items->ops,
                               .context = items->context,
                               .weight_unit = plan->weight_unit};
    items->links_known = false;
    int code = ffmk_migrate_run(&items->team, plan, &mover);
    if (code)
        return code;
    double most[2] = {-(double)mover.failure, ffmk_directory_rounds(&items->table)};
    code = ffmk_team_max(&items->team, most, 2);
    *failure_p = -(int)most[0];

    uint64_t counts[3] = {mover.items_sent, mover.bytes_sent, mover.items_kept};
    double weight = mover.weight_sent;
    if (!code)
        code = ffmk_team_sum_u64(&items->team, counts, 3);
    if (!code)
        code = ffmk_team_sum(&items->team, &weight, 1);
    if (!code && (counts[2] > 0 || measured)) /* not as planned: look how it is */
        code = ffmk_plan_measure(&items->team, counts[2] > 0 ? (unsigned)most[1] : 0, &items->table,
                                 &items->able, plan);
    double migrate_s = seconds_since(start_ns);
    if (!code)
        code = ffmk_team_max(&items->team, &migrate_s, 1);
    if (code)
        return code;
    items->links_known = true;
    info->imbalance_after = plan->imbalance_after;
    info->cut_after = representable(plan->cut_after);
    info->items_moved = counts[0];
    info->bytes_moved = counts[1];
    info->items_kept = counts[2];
    info->weight_moved = representable(weight * plan->weight_unit);
    info->migrate_s = migrate_s;
    info->items_sent_here = mover.items_sent;
    info->items_received_here = mover.items_received;
    return FFMK_SUCCESS;
}

/* Plan or take a plan, and carry it out. */
static int carry_out(ffmk_items *items, int code, enum ffmk_plan_call call, const int *destinations,
                     ffmk_balance_info *info)
{
    struct ffmk_plan plan = {0};
    int failure = FFMK_SUCCESS;
    items->busy = true;
    code = make_plan(items, code, call, destinations, &plan, info);
    if (!code && info->items_moved > 0)
        code = move(items, &plan, call == FFMK_PLAN_GIVEN, info, &failure);
    items->busy = false;
    ffmk_plan_free(&plan);
    if (!code)
        ffmk_ledger_pay(&items->ledger, info->plan_s + info->migrate_s);
    info->acted = !code;
    return code ? code : failure;
}

/* Information is given also when items had to stay. */
static int give(int code, const ffmk_balance_info *found, ffmk_balance_info *info)
{
    if (info && found->acted)
        *info = *found;
    return code;
}

int ffmk_rebalance(ffmk_items *items, ffmk_balance_info *info)
{
    int code = ffmk_registry_enter(items, __func__);
    if (code)
        return code;
    ffmk_balance_info found = FFMK_BALANCE_INFO_INIT;
    code = check_moves(items, info, __func__);
    return give(carry_out(items, code, FFMK_PLAN_MOVES, NULL, &found), &found, info);
}

int ffmk_migrate(ffmk_items *items, const int *destinations, ffmk_balance_info *info)
{
    int code = ffmk_registry_enter(items, __func__);
    if (code)
        return code;
    ffmk_balance_info found = FFMK_BALANCE_INFO_INIT;
    static const int none;
    code = check_moves(items, info, __func__);
    if (!code && !destinations && items->table.n > 0)
        code = ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__,
                                    "destinations is NULL for %zu items", items->table.n);
    for (size_t i = 0; destinations && i < items->table.n && !code; i++)
        if (destinations[i] < 0 || destinations[i] >= items->team.size)
            code = ffmk_registry_refuse(FFMK_ERR_ARGUMENT, __func__,
                                        "destinations[%zu] is %d and must be 0 to %d", i,
                                        destinations[i], items->team.size - 1);
    code = carry_out(items, code, FFMK_PLAN_GIVEN, destinations ? destinations : &none, &found);
    return give(code, &found, info);
}

/* When it pays */

/* Capacities in proportion to what each rank got through a second. A rank that did nothing is like
 * the mean. Half of what was believed stays, for one measurement is noisy. */
static void calibrate(ffmk_items *items, double load, double seconds, double load_all,
                      double seconds_all)
{
    static const double MOST = 64; /* times as fast or slow as the mean */
    if (!(load > 0 && seconds > 0 && load_all > 0 && seconds_all > 0))
        return;
    const double speed = load / seconds / (load_all / seconds_all);
    if (!isfinite(speed)) /* weights that cannot be summed */
        return;
    const double bounded = fmin(fmax(speed, 1 / MOST), MOST);
    items->able.capacity = (items->able.capacity + bounded) / 2;
}

static void explain(const struct ffmk_ledger *ledger, bool due, ffmk_balance_info *info)
{
    const double left = ffmk_ledger_entries_left(ledger);
    info->lost_s = ledger->rate;
    info->price_s = ledger->price;
    if (due && ledger->paid == 0)
        snprintf(info->reason, sizeof info->reason,
                 "imbalance loses %.3g ms a step; what moving costs is not known yet",
                 1e3 * ledger->rate);
    else if (due)
        snprintf(info->reason, sizeof info->reason,
                 "imbalance lost %.3g ms since the last time, moving costs %.3g ms",
                 1e3 * ledger->lost, 1e3 * ledger->price);
    else if (isfinite(left))
        snprintf(info->reason, sizeof info->reason,
                 "moving costs %.3g ms, imbalance loses %.3g ms a step: pays after %.0f more",
                 1e3 * ledger->price, 1e3 * ledger->rate, left);
    else
        snprintf(info->reason, sizeof info->reason, "balanced: nothing is lost");
}

/* What the caller says, or what was measured since the last such call. */
static int take_seconds(ffmk_items *items, double *seconds, const char *call)
{
    const double before = items->useful_s;
    items->useful_s = ffmk_useful_s();
    if (*seconds == FFMK_MEASURED && (before < 0 || items->useful_s < 0))
        return ffmk_registry_refuse(FFMK_ERR_STATE, call,
                                    "seconds is FFMK_MEASURED, and nothing is measured here: MPI "
                                    "has to start with libffmk loaded, and without FFMK_DISABLE");
    if (*seconds == FFMK_MEASURED)
        *seconds = fmax(items->useful_s - before, 0);
    if (isfinite(*seconds) && *seconds >= 0)
        return FFMK_SUCCESS;
    return ffmk_registry_refuse(FFMK_ERR_ARGUMENT, call,
                                "seconds %g must be finite and not negative, or FFMK_MEASURED",
                                *seconds);
}

/* Begin, and find the seconds of the slowest rank. */
static int enter_if_worth(const ffmk_items *items, int code, double seconds, double *longest_p)
{
    uint64_t values[FFMK_ENTRANCE_VALUES] = {0};
    memcpy(&values[0], &seconds, sizeof seconds); /* in the order of the values: not negative */
    values[0] = ~values[0];
    code = ffmk_entrance_enter(&items->team, FFMK_ENTRANCE_IF_WORTH, code, values);
    values[0] = ~values[0];
    memcpy(longest_p, &values[0], sizeof *longest_p);
    return code;
}

int ffmk_rebalance_if_worth(ffmk_items *items, double seconds, ffmk_balance_info *info)
{
    int code = ffmk_registry_enter(items, __func__);
    if (code)
        return code;
    ffmk_balance_info found = FFMK_BALANCE_INFO_INIT;
    code = check_moves(items, info, __func__);
    if (!code)
        code = take_seconds(items, &seconds, __func__);
    double load = 0;
    for (size_t i = 0; i < items->table.n; i++)
        load += items->table.entries[i].weight;
    double sums[2] = {code ? 0 : seconds, load}, longest;
    code = enter_if_worth(items, code, sums[0], &longest);
    if (!code)
        code = ffmk_team_sum(&items->team, sums, 2);
    if (code)
        return code;
    if (items->options.calibrate)
        calibrate(items, load, seconds, sums[1], sums[0]);

    /* What a plan may leave is not lost to imbalance that it could mend. */
    const double lost = longest - items->options.imbalance * sums[0] / items->team.size;
    ffmk_ledger_lose(&items->ledger, fmax(lost, 0));
    const bool due = ffmk_ledger_is_due(&items->ledger);
    explain(&items->ledger, due, &found);
    if (items->team.rank == 0)
        ffmk_log_debug("balance: %s", found.reason);
    if (due)
        return give(carry_out(items, code, FFMK_PLAN_MOVES, NULL, &found), &found, info);
    if (info)
        *info = found;
    return FFMK_SUCCESS;
}

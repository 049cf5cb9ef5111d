/* SPDX-License-Identifier: BSD-3-Clause
 * When a plan is good enough. */
#include "balance/course.h"

#include <math.h>

enum { STALLS_MOST = 8 }; /* passes without progress before it gives up */

/* By so much of what is allowed above the mean parts aim lower, for each pass that left too much
 * somewhere; and at most. Items are too coarse to end just at a limit. */
static const double STRICTER = 0.15, STRICTEST = 0.6;

/* With so little above limits, in mean loads a part, it is settled. */
static const double SETTLED = 0.01;

/* What a pass brings is less than half of what the one before did: with less than this, in what is
 * worth a pass, the next one is the last. */
static const double SOON = 4;

/* A load so little above its limit is at it. */
static const double ROUNDING = 1e-9;

/* Flows aim so far below a limit that is a part's own. */
static const double BELOW = 0.95;

static void set_scale(struct ffmk_course *course, const struct ffmk_rules *rules,
                      const struct ffmk_totals *totals)
{
    struct ffmk_scale *scale = &course->scale;
    for (unsigned d = 0; d < rules->n_weights; d++) {
        const bool shared = d < rules->n_shared;
        scale->item[d] = totals->of[d].load > 0 ? totals->of[d].load / (double)totals->n_items : 1;
        scale->mean[d] = shared ? totals->of[d].load / totals->capacity : 1;
        scale->bound[d] = shared ? rules->imbalance[d] : 1;
        if (shared && scale->mean[d] > 0)
            scale->bound[d] = fmax(scale->bound[d], totals->of[d].heaviest /
                                                        (scale->mean[d] * totals->capacity_most));
    }
    scale->link = totals->links > 0 ? totals->links / (double)totals->n_links : 1;
    course->result.cut_before = totals->cut / 2; /* seen from both ends */
}

static double share_of(const struct ffmk_course *course, const struct ffmk_totals *totals,
                       unsigned weight)
{
    const double allowed = course->scale.bound[weight] * course->scale.mean[weight];
    const double share = allowed > 0 ? totals->of[weight].largest / allowed : 0;
    return share > 1 + ROUNDING ? share : 1;
}

static struct ffmk_course_quality judge(const struct ffmk_course *course,
                                        const struct ffmk_rules *rules,
                                        const struct ffmk_totals *totals)
{
    struct ffmk_course_quality quality = {.over = 1, .ratio = 1, .gained = course->gained};
    for (unsigned d = 0; d < rules->n_weights; d++) {
        double *share = d < rules->n_shared ? &quality.ratio : &quality.over;
        *share = fmax(*share, share_of(course, totals, d));
    }
    /* Where there are too few items for all, nothing is missing. */
    if (totals->n_items >= (uint64_t)rules->least_items * totals->n_parts)
        quality.missing = totals->missing;
    return quality;
}

static bool is_better(const struct ffmk_course_quality *a, const struct ffmk_course_quality *b)
{
    if (a->over != b->over)
        return a->over < b->over;
    if (a->missing != b->missing)
        return a->missing < b->missing;
    if (a->ratio != b->ratio)
        return a->ratio < b->ratio;
    return a->gained > b->gained;
}

static void set_imbalance(const struct ffmk_course *course, const struct ffmk_rules *rules,
                          const struct ffmk_totals *totals, double *imbalance_p, double *bound_p)
{
    *imbalance_p = *bound_p = 1;
    for (unsigned d = 0; d < rules->n_shared; d++) {
        const double mean = course->scale.mean[d], bound = course->scale.bound[d];
        const double here = mean > 0 ? totals->of[d].largest / mean : 1;
        /* What differs from the bound by rounding only is at the bound. */
        *imbalance_p = fmax(*imbalance_p, fabs(here - bound) <= ROUNDING * bound ? bound : here);
        *bound_p = fmax(*bound_p, bound);
    }
}

static void set_aim(struct ffmk_course *course, const struct ffmk_rules *rules,
                    const struct ffmk_totals *totals, bool missing)
{
    const double strict = course->refines ? 0 : fmin(STRICTER * course->strict, STRICTEST);
    for (unsigned d = 0; d < rules->n_weights; d++) {
        const bool shared = d < rules->n_shared;
        const double slack = course->scale.bound[d] - 1;
        course->share[d] = shared ? (1 + (1 - strict) * slack) / (1 + slack) : 1;
        course->aim[d] = INFINITY;
        if (share_of(course, totals, d) > 1)
            course->aim[d] =
                shared ? course->scale.mean[d] * (1 + rules->aim / (1 + course->stalls) * slack)
                       : BELOW;
    }
    if (missing) /* what is empty gets as much as all have */
        course->aim[0] = course->scale.mean[0];
}

bool ffmk_course_decide(struct ffmk_course *course, const struct ffmk_rules *rules,
                        const struct ffmk_totals *totals)
{
    struct ffmk_part_result *result = &course->result;
    const bool first = result->passes == 0;
    course->improved = false;
    if (totals->code) {
        result->code = totals->code;
        return false;
    }
    if (first)
        set_scale(course, rules, totals);
    else
        course->gained += totals->improved;
    const struct ffmk_course_quality quality = judge(course, rules, totals);
    const bool balanced = quality.over <= 1 && quality.missing == 0 && quality.ratio <= 1;
    double imbalance, bound;
    set_imbalance(course, rules, totals, &imbalance, &bound);
    if (first) {
        result->imbalance_before = result->imbalance_after = imbalance;
        result->bound = bound;
        course->best = quality;
        course->strict = (int)ffmk_tree_levels(rules) / 2; /* of many, one ends above sooner */
        course->least_excess = course->least_to_carry = INFINITY;
        if (balanced)
            return false;
    } else {
        course->stalls++;
        if (quality.ratio < course->best.ratio * 0.998 || quality.missing < course->best.missing ||
            totals->excess < course->least_excess * 0.98 ||
            totals->to_carry < course->least_to_carry * 0.98)
            course->stalls = 0;
        course->least_excess = fmin(course->least_excess, totals->excess);
        course->least_to_carry = fmin(course->least_to_carry, totals->to_carry);
        course->improved = is_better(&quality, &course->best);
        if (course->improved) {
            course->best = quality;
            result->imbalance_after = imbalance;
        }
        const double worth = rules->worth * totals->cut / 2 / course->scale.link;
        /* What is balanced stays so, or nearly: only who is not says what borders it has. */
        if (course->last || (course->refines ? !balanced || totals->improved < worth
                                             : !balanced && course->stalls >= STALLS_MOST))
            return false;
    }
    course->last = result->passes + 1 >= rules->passes_most ||
                   (balanced && course->refines && !first &&
                    totals->improved < SOON * rules->worth * totals->cut / 2 / course->scale.link);
    course->refines = balanced;
    course->settled = !first && (balanced || totals->excess < SETTLED * rules->n_parts);
    set_aim(course, rules, totals, quality.missing > 0);
    course->strict += !balanced;
    result->passes++;
    return true;
}

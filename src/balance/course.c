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

/* A part is full that has less room than this, as a share of its limit, or than for an item. After
 * so many passes without balance what it holds is taken to be all that it can have. */
static const double FREE = 0.1;
enum { TRUST = 4 };

/* After so many passes without balance, and with little above limits, one does without flows, and
 * more such ones follow as long as each leaves less than this share of it. */
enum { TRIED = 2 };
static const double HALF = 0.5;

/* After so many, parts mix items, if the heaviest has more than this share of what is allowed above
 * the mean. */
enum { FAILED = 3 };
static const double COARSE = 0.5;

/* Flows aim so far below a limit that is a part's own. */
static const double BELOW = 0.95;

/* In the first pass a flow of less than this share of what may be above the aim is not worth a
 * meeting. */
static const double CRUMB = 0.25;

static void set_scale(struct ffmk_course *course, const struct ffmk_rules *rules,
                      const struct ffmk_totals *totals)
{
    struct ffmk_scale *scale = &course->scale;
    for (unsigned d = 0; d < rules->n_weights; d++) {
        const bool shared = d < rules->n_shared;
        scale->item[d] = totals->of[d].load > 0 ? totals->of[d].load / (double)totals->n_items : 1;
        const double limited = totals->of[rules->n_weights - 1].load;
        scale->dense[d] = rules->n_shared < rules->n_weights && limited > 0
                              ? totals->of[d].load / limited
                              : INFINITY;
        scale->mean[d] = shared ? totals->of[d].load / totals->capacity : 1;
        scale->bound[d] = shared ? rules->imbalance[d] : 1;
        if (shared && scale->mean[d] > 0)
            scale->bound[d] = fmax(scale->bound[d], totals->of[d].heaviest /
                                                        (scale->mean[d] * totals->capacity_most));
    }
    scale->link = totals->links > 0 ? totals->links / (double)totals->n_links : 1;
    course->result.cut_before = totals->cut / 2; /* seen from both ends */
}

void ffmk_course_count(const struct ffmk_course *course, const struct ffmk_rules *rules,
                       unsigned weight, double capacity, const double *load,
                       const double *own_limit, struct ffmk_totals_of *of)
{
    const unsigned last = rules->n_weights - 1;
    const double dense = course->scale.dense[weight]; /* 0 as long as nothing is known */
    of->open = weight < rules->n_shared ? capacity : own_limit[weight];
    of->held = 0;
    if (weight >= rules->n_shared || !(dense > 0 && dense < INFINITY))
        return;
    const double room = own_limit[last] - load[last];
    if (room > fmax(course->scale.item[last], FREE * own_limit[last]))
        return;
    double most = load[weight] / fmax(load[last] / own_limit[last], 1) + fmax(room, 0) * dense;
    if (course->strict < TRUST)
        most = fmax(most, own_limit[last] * dense);
    if (most < course->level[weight] * capacity) {
        of->open = 0;
        of->held = most;
    }
}

double ffmk_course_aim(const struct ffmk_course *course, const struct ffmk_rules *rules,
                       unsigned weight, double capacity, const double *load,
                       const double *own_limit)
{
    struct ffmk_totals_of of;
    if (weight >= rules->n_shared || !isfinite(course->wish.aim[weight]))
        return INFINITY;
    ffmk_course_count(course, rules, weight, capacity, load, own_limit, &of);
    return course->wish.aim[weight] * of.open + of.held;
}

double ffmk_course_limit(const struct ffmk_course *course, const struct ffmk_rules *rules,
                         unsigned weight, double capacity, const double *load,
                         const double *own_limit)
{
    struct ffmk_totals_of of;
    const double most = course->scale.bound[weight] * course->scale.mean[weight] * course->rise;
    if (weight >= rules->n_shared)
        return own_limit[weight];
    ffmk_course_count(course, rules, weight, capacity, load, own_limit, &of);
    return of.open > 0 ? most * of.open : most / course->level[weight] * of.held;
}

/* What parts cannot have that are full the others share. */
static void set_level(struct ffmk_course *course, const struct ffmk_rules *rules,
                      const struct ffmk_totals *totals)
{
    course->rise = 1;
    for (unsigned d = 0; d < rules->n_shared; d++) {
        const struct ffmk_totals_of *of = &totals->of[d];
        const double mean = course->scale.mean[d];
        course->level[d] = mean;
        if (mean > 0 && of->open > 0 && of->open < totals->capacity) {
            course->level[d] = fmax(mean, (of->load - of->held) / of->open);
            course->rise = fmax(course->rise, course->level[d] / mean);
        }
    }
}

/* By what a weight is above what is asked of it and may be exceeded `rise` times; 1 when below. */
static double share_of(const struct ffmk_course *course, const struct ffmk_totals *totals,
                       unsigned weight, double rise)
{
    const double allowed = course->scale.bound[weight] * course->scale.mean[weight] * rise;
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
        *share = fmax(*share, share_of(course, totals, d, 1));
    }
    /* Where there are too few items for all, nothing is missing. */
    if (totals->n_items >= (uint64_t)rules->least_items * totals->n_parts)
        quality.missing = totals->missing;
    return quality;
}

/* Below `least` no imbalance is better than another. */
static bool is_better(const struct ffmk_course_quality *a, const struct ffmk_course_quality *b,
                      double least)
{
    const double ratio[2] = {fmax(a->ratio, least), fmax(b->ratio, least)};
    if (a->over != b->over)
        return a->over < b->over;
    if (a->missing != b->missing)
        return a->missing < b->missing;
    if (ratio[0] != ratio[1])
        return ratio[0] < ratio[1];
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
    /* Of many parts, one ends above sooner. */
    const int failed = course->strict + (int)ffmk_tree_levels(rules) / 2;
    const double strict =
        course->refines || course->repairs ? 0 : fmin(STRICTER * failed, STRICTEST);
    for (unsigned d = 0; d < rules->n_weights; d++) {
        const bool shared = d < rules->n_shared;
        const double above = shared && course->level[d] > 0 /* 1 unless parts are full */
                                 ? course->scale.mean[d] * course->rise / course->level[d]
                                 : 1;
        const double slack = course->scale.bound[d] * above - 1;
        course->share[d] = shared ? (1 + (1 - strict) * slack) / (1 + slack) : 1;
        course->wish.aim[d] = INFINITY;
        if (!course->repairs && share_of(course, totals, d, shared ? course->rise : 1) > 1)
            course->wish.aim[d] =
                shared ? course->level[d] * (1 + rules->aim / (1 + course->stalls) * slack) : BELOW;
        course->wish.crumb[d] =
            shared && course->result.passes == 0
                ? CRUMB * fmax(course->level[d] * (1 + slack) - course->wish.aim[d], 0)
                : 0;
    }
    if (missing) /* what is empty gets as much as all have */
        course->wish.aim[0] = course->level[0];
}

/* Items are too coarse for small flows: who takes some because it is to pass on as much may be left
 * with it, and so some part somewhere is above again. Where only the limits count, none gets there.
 */
static void set_repairs(struct ffmk_course *course, const struct ffmk_rules *rules,
                        const struct ffmk_totals *totals, bool missing)
{
    const bool failed = course->repairs && totals->excess > HALF * course->excess;
    course->repairs = !course->refines && !missing && course->strict >= TRIED && !failed &&
                      totals->excess > 0 && totals->excess < rules->little * rules->n_parts;
    course->excess = totals->excess;
}

/* When what is too much in the fullest part is less than an item, and items are not small against
 * what is allowed above the mean, it may be that parts are of heavy ones only, and nothing fits. */
static void set_grain(struct ffmk_course *course, const struct ffmk_totals *totals)
{
    struct ffmk_scale *scale = &course->scale;
    const double grain = totals->of[0].heaviest / totals->capacity_most;
    const double most = scale->bound[0] * scale->mean[0] * course->rise;
    const double above = totals->of[0].largest - most;
    const bool coarse = grain > COARSE * (most - course->level[0]);
    course->wish.mixes = !course->repairs && course->strict >= FAILED && above > ROUNDING * most &&
                         above <= grain && coarse;
    scale->grain = course->wish.mixes ? totals->of[0].heaviest : 0;
}

bool ffmk_course_decide(struct ffmk_course *course, const struct ffmk_rules *rules,
                        const struct ffmk_totals *totals)
{
    struct ffmk_part_result *result = &course->result;
    const bool first = result->passes == 0;
    const bool again = course->weighs;
    course->improved = course->weighs = false;
    if (totals->code) {
        result->code = totals->code;
        return false;
    }
    if (first && !again)
        set_scale(course, rules, totals);
    else if (!first)
        course->gained += totals->improved;
    set_level(course, rules, totals);
    const struct ffmk_course_quality quality = judge(course, rules, totals);
    const bool balanced =
        quality.over <= 1 && quality.missing == 0 && quality.ratio <= course->rise * (1 + ROUNDING);
    double imbalance, bound;
    set_imbalance(course, rules, totals, &imbalance, &bound);
    if (first) {
        result->imbalance_before = result->imbalance_after = imbalance;
        result->bound = bound;
        course->best = quality;
        course->first_ratio = quality.ratio;
        course->least_excess = course->least_to_carry = INFINITY;
        if (balanced)
            return false;
        course->weighs = !again && rules->n_shared < rules->n_weights;
        if (course->weighs)
            return true;
    } else {
        course->stalls++;
        if (quality.ratio < course->best.ratio * 0.998 || quality.missing < course->best.missing ||
            totals->excess < course->least_excess * 0.98 ||
            totals->to_carry < course->least_to_carry * 0.98)
            course->stalls = 0;
        course->least_excess = fmin(course->least_excess, totals->excess);
        course->least_to_carry = fmin(course->least_to_carry, totals->to_carry);
        course->improved =
            is_better(&quality, &course->best, fmin(course->rise, course->first_ratio));
        if (course->improved) {
            course->best = quality;
            result->imbalance_after = imbalance;
        }
        const double worth = rules->worth * totals->cut / 2 / course->scale.link;
        /* What is balanced stays so, or nearly: only who is not says what borders it has. */
        if (course->last || (course->refines ? !balanced || totals->improved <= worth
                                             : !balanced && course->stalls >= STALLS_MOST))
            return false;
    }
    course->last = result->passes + 1 >= rules->passes_most ||
                   (balanced && course->refines && !first &&
                    totals->improved <= SOON * rules->worth * totals->cut / 2 / course->scale.link);
    course->refines = balanced;
    course->settled = !first && (balanced || totals->excess < SETTLED * rules->n_parts);
    set_repairs(course, rules, totals, quality.missing > 0);
    set_aim(course, rules, totals, quality.missing > 0);
    set_grain(course, totals);
    course->strict += !balanced;
    result->passes++;
    return true;
}

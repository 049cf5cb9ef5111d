/* SPDX-License-Identifier: BSD-3-Clause
 * How long to disseminate and how far to correct. */
#include "gossip/tune.h"

#include <math.h>

enum {
    MOST_REACH = 64,
    /* Rounds beyond the best so far that are tried before giving up. */
    PATIENCE = 24
};

/* Who is dead is alike for neighbours on the ring, whose parents are neighbours, too. Simulations
 * miss up to four times as often as the formula says (tests/gossip/test_tune.c compares them). */
static const double MARGIN = 8;

/* With fewer participants than this among all nodes a correction is a sweep of the ring. */
static const double LEAST_SHARE = 0.01;

/* What the dissemination leaves behind. */
struct spread {
    double coloured;     /* nodes */
    double participants; /* nodes */
    double messages;
    double crowding; /* of gossip's random messages: those that come to a node together wait */
};

static double living(const struct ffmk_tune_case *wanted)
{
    double most = wanted->nodes * (1 - wanted->dead_rate);
    return most > 1 ? most : 1;
}

/* New nodes among the targets of `senders` uniformly random messages (gossip), or of as many that
 * go to different nodes (circulant), when `dark` living nodes of `among` do not have it yet. */
static double reached(const struct ffmk_tune_case *wanted, double senders, double dark,
                      double among)
{
    if (dark <= 0 || among <= 0)
        return 0;
    if (wanted->table == FFMK_SCHEDULE_GOSSIP)
        return dark * -expm1(-senders / among);
    return fmin(dark, senders * dark / among);
}

static struct spread spread(const struct ffmk_tune_case *wanted, uint32_t rounds)
{
    enum { WINDOW = FFMK_SCHEDULE_MAX_HOP + 1 };
    double at[WINDOW] = {0};     /* coloured in slot t, by t modulo WINDOW */
    double region[WINDOW] = {0}; /* R(t): positions that the tree has sent to by slot t */
    uint32_t k = wanted->table_hop;
    bool tree = wanted->table == FFMK_SCHEDULE_CIRCULANT;
    uint32_t tree_rounds = tree ? ffmk_schedule_tree_rounds(wanted->nodes, k) : 0;
    bool wraps = wanted->rules == FFMK_RUMOR_PUBLISHED || rounds > tree_rounds;
    double n = wanted->nodes;
    double live = living(wanted);
    struct spread spread = {.participants = 1};
    for (uint32_t t = 0; t < rounds + k; t++) {
        double before = t > 0 ? at[(t - 1) % WINDOW] : 1;
        double now = before;
        region[t % WINDOW] = t < k ? 1 : region[(t - 1) % WINDOW] + region[(t - k) % WINDOW];
        if (t >= k && t - k < rounds) {
            uint32_t sent = t - k;
            double senders = at[sent % WINDOW];
            if (tree && sent < tree_rounds) {
                double width = region[sent % WINDOW];
                double first = region[(t - 1) % WINDOW];
                double fresh = fmax(0, fmin(width, n - first)) / width;
                now += senders * fresh * (1 - wanted->dead_rate);
                spread.messages += senders * (wraps ? 1 : fresh);
                if (wraps) {
                    double among = fmin(first, n);
                    double dark = among * live / n - before;
                    now += reached(wanted, senders * (1 - fresh), dark, among);
                }
            } else {
                now += reached(wanted, senders, live - before, n - 1);
                spread.messages += senders;
                spread.crowding += tree ? 0 : senders / n * (senders / n);
            }
        }
        at[t % WINDOW] = fmin(now, live);
        if (t < rounds || tree)
            spread.participants = at[t % WINDOW];
    }
    spread.coloured = rounds > 0 ? at[(rounds + k - 1) % WINDOW] : 1;
    return spread;
}

/* Chance that fewer than `needed` of `distance` nodes are participants, each being one with
 * chance q. */
static double fewer(uint32_t needed, uint32_t distance, double q)
{
    if (q >= 1)
        return distance < needed;
    double term = pow(1 - q, distance); /* none of them */
    double sum = 0;
    for (uint32_t i = 0; i < needed && i <= distance; i++) {
        sum += term;
        term *= (double)(distance - i) / (i + 1) * q / (1 - q);
    }
    return sum;
}

/* Expected largest distance to the needed-th participant, over all of them. */
static double largest_distance(uint32_t needed, double participants, double q, uint32_t nodes)
{
    double largest = 0;
    if (q < LEAST_SHARE)
        return nodes;
    for (uint32_t d = 0; d < nodes; d++) {
        double some = -expm1(-participants * fewer(needed, d, q));
        largest += some;
        if (some < 1e-6)
            break;
    }
    return largest;
}

/* Chance that a living node is missed: by what the dissemination leaves dark and what `reach` on
 * each side then leaves. The first m messages of the root are lost on dead nodes with a chance of
 * p^m, which delays all by m slots; nothing else moves the number of coloured nodes as far from
 * what is expected. */
static double miss(const struct ffmk_tune_case *wanted, uint32_t rounds, uint32_t reach)
{
    double p = wanted->dead_rate;
    double chance = 1 - p;
    double sum = 0;
    for (uint32_t m = 0; m <= rounds; m++) {
        struct spread found = spread(wanted, rounds - m);
        double dark = fmax(0, living(wanted) - found.coloured);
        double q = fmin(1, found.participants / wanted->nodes);
        sum += chance * fmin(1, dark * pow(1 - q, 2.0 * reach));
        chance *= p;
        if (chance <= 1e-18)
            break;
    }
    return fmin(1, p > 0 ? MARGIN * sum : sum);
}

/* The largest distance, over the delays by the root's first messages that are lost on dead nodes.
 */
static double expected_largest(const struct ffmk_tune_case *wanted, uint32_t rounds,
                               uint32_t needed)
{
    const double rare = 1e-3;
    double sum = 0;
    double chance = 1 - wanted->dead_rate;
    double rest = 1; /* of all chances */
    for (uint32_t m = 0; m <= rounds && rest > rare; m++) {
        const double participants = spread(wanted, rounds - m).participants;
        const double q = fmin(1, participants / wanted->nodes);
        sum += chance * largest_distance(needed, participants, q, wanted->nodes);
        rest -= chance;
        chance *= wanted->dead_rate;
    }
    return sum / (1 - rest);
}

/* The checked correction, and the failure-proof one: what it adds to time and messages. */
static void predict_checked(const struct ffmk_tune_case *wanted, const struct ffmk_rumor_plan *plan,
                            const struct spread *found, struct ffmk_tune_choice *choice)
{
    double participants = found->participants;
    double needed = plan->needed;
    double q = fmin(1, participants / wanted->nodes);
    double beyond = expected_largest(wanted, choice->rounds, plan->needed) - needed;
    double short_of = fewer(plan->needed, plan->needed, q); /* chance that a side needs more */
    double more = needed / q - needed;                      /* messages on a side, then */
    double after = wanted->hop_slots - 1;                   /* slots from a message to its answer */
    /* By simulations; a table of common shifts crowds nobody. */
    choice->done += 2 * needed + after + fmax(0, 1.25 * (found->crowding - 1));
    if (plan->pause) {
        choice->done += -expm1(-beyond) * after + beyond;
        more += short_of * after;
    } else {
        /* Now on both sides, now on one, which the more they look for is the rarer. */
        choice->done += (2 - 0.8 / needed) * beyond;
        more += after / 2;
    }
    choice->messages += participants / living(wanted) * 2 * (needed + more);
}

struct ffmk_tune_choice ffmk_tune_predict(const struct ffmk_tune_case *wanted, uint32_t rounds,
                                          uint32_t reach)
{
    enum { FINE = 64 }; /* parts of a slot */
    const struct ffmk_schedule schedule = {
        .table = wanted->table, .nodes = wanted->nodes, .hop = wanted->table_hop, .rounds = rounds};
    bool fixed = wanted->mode == FFMK_RUMOR_OPPORTUNISTIC;
    struct ffmk_rumor_plan plan = ffmk_rumor_plan(&schedule, wanted->rules, wanted->mode,
                                                  fixed ? reach : wanted->deaths_or_reach, FINE,
                                                  (uint64_t)llround(wanted->hop_slots * FINE));
    struct spread found = spread(wanted, rounds);
    struct ffmk_tune_choice choice = {.rounds = rounds,
                                      .reach = fixed ? reach : 0,
                                      .coloured = found.coloured / living(wanted),
                                      .messages = found.messages / living(wanted),
                                      .done = (double)plan.settled_after / FINE};
    if (plan.needed > 0) {
        predict_checked(wanted, &plan, &found, &choice);
        return choice;
    }
    choice.miss = miss(wanted, rounds, choice.reach);
    choice.messages += 2.0 * choice.reach * found.participants / living(wanted);
    choice.done += 2.0 * choice.reach;
    return choice;
}

/* The smallest reach that is good enough, or MOST_REACH. */
static uint32_t reach_for(const struct ffmk_tune_case *wanted, uint32_t rounds)
{
    uint32_t reach = MOST_REACH;
    for (uint32_t least = 1; least < reach;) {
        uint32_t middle = (least + reach) / 2;
        if (miss(wanted, rounds, middle) > wanted->miss)
            least = middle + 1;
        else
            reach = middle;
    }
    return reach;
}

struct ffmk_tune_choice ffmk_tune_choose(const struct ffmk_tune_case *wanted)
{
    struct ffmk_tune_choice best = {.done = INFINITY};
    bool tree = wanted->table == FFMK_SCHEDULE_CIRCULANT;
    uint32_t first = tree ? ffmk_schedule_tree_rounds(wanted->nodes, wanted->table_hop) : 1;
    uint32_t enough = 0;
    if (wanted->nodes < 2)
        return ffmk_tune_predict(wanted, 0, 0);
    for (uint32_t rounds = first; rounds <= FFMK_SCHEDULE_MAX_ROUNDS; rounds++) {
        bool choose_reach = wanted->mode == FFMK_RUMOR_OPPORTUNISTIC;
        uint32_t reach = 0;
        if (choose_reach)
            reach = wanted->deaths_or_reach ? wanted->deaths_or_reach : reach_for(wanted, rounds);
        struct ffmk_tune_choice choice = ffmk_tune_predict(wanted, rounds, reach);
        bool good = wanted->mode >= FFMK_RUMOR_CHECKED || choice.miss <= wanted->miss;
        if (good && choice.done < best.done - 1e-9)
            best = choice;
        /* With few participants all rounds are alike bad, a sweep of the ring; and who is coloured
         * now may be one in a hop's time. */
        if (choice.coloured < 0.5 || best.rounds == 0)
            enough = rounds + (uint32_t)wanted->hop_slots;
        if (rounds > best.rounds + PATIENCE && rounds > enough + PATIENCE)
            break;
    }
    return best.rounds > 0 ? best : ffmk_tune_predict(wanted, FFMK_SCHEDULE_MAX_ROUNDS, MOST_REACH);
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves of simulated plans: what they come to does not depend on when letters arrive, on
 * no network and not on computing; it is what parts that are driven without any time come to; every
 * item has one rank; the same case gives the same, to the nanosecond; letters are all counted. Of
 * the network: times are those of LogGP. */
#include "sim/balance.h"
#include "sim/start.h"

#include "balance/part.h"

#include "cases.h"
#include <ffmk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 12, SIDE = 4, CELLS = RANKS * SIDE * SIDE * SIDE, STEPS = 2 };

static struct ffmk_sim_balance_case usual(void)
{
    return (struct ffmk_sim_balance_case){.workload = "hotspot",
                                          .ranks = RANKS,
                                          .side = SIDE,
                                          .seed = 3,
                                          .fanout = 3,
                                          .imbalance = 1.1,
                                          .times = ffmk_loggp_named(0)->times};
}

struct outcome {
    struct ffmk_sim_balance_call calls[STEPS + 1];
    int32_t owner[STEPS + 1][CELLS];
};

static struct outcome *run(const struct ffmk_sim_balance_case *wanted)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    struct ffmk_sim_balance *sim = ffmk_sim_balance_create(wanted);
    ck_assert_ptr_nonnull(outcome);
    ck_assert_ptr_nonnull(sim);
    for (int64_t step = 0; step <= STEPS; step++) {
        ck_assert(ffmk_sim_balance_plan(sim, step, NULL, NULL, &outcome->calls[step]));
        for (uint64_t id = 0; id < CELLS; id++)
            outcome->owner[step][id] = ffmk_sim_balance_owner(sim, id);
    }
    ffmk_sim_balance_destroy(sim);
    return outcome;
}

START_TEST(time_does_not_change_what_is_planned)
{
    static const struct ffmk_loggp_times networks[] = {
        {0, 0, 0, 0}, {100000, 1, 1, 0}, {1, 5000, 20000, 30}};
    struct ffmk_sim_balance_case wanted = usual();
    struct outcome *first = run(&wanted);
    for (size_t n = 0; n < sizeof networks / sizeof networks[0]; n++) {
        wanted.times = networks[n];
        struct outcome *other = run(&wanted);
        ck_assert_mem_eq(first->owner, other->owner, sizeof first->owner);
        for (int step = 0; step <= STEPS; step++) {
            ck_assert_int_eq(first->calls[step].passes, other->calls[step].passes);
            ck_assert_uint_eq(first->calls[step].messages, other->calls[step].messages);
            ck_assert_uint_eq(first->calls[step].bytes, other->calls[step].bytes);
        }
        free(other);
    }
    ck_assert_int_gt(first->calls[0].passes, 0);
    ck_assert_double_lt(first->calls[0].imbalance_after, first->calls[0].imbalance_before);
    free(first);
}
END_TEST

START_TEST(the_same_case_gives_the_same)
{
    const struct ffmk_sim_balance_case wanted = usual();
    struct outcome *first = run(&wanted), *second = run(&wanted);
    ck_assert_mem_eq(first, second, sizeof *first);
    free(first);
    free(second);
}
END_TEST

static uint64_t clock_that_ticks(void)
{
    static uint64_t now;
    return now += 1 + now % 1000;
}

START_TEST(nor_does_measured_computing)
{
    struct ffmk_sim_balance_case wanted = usual();
    struct outcome *model = run(&wanted);
    wanted.clock_ns = clock_that_ticks;
    struct outcome *measured = run(&wanted);
    ck_assert_mem_eq(model->owner, measured->owner, sizeof model->owner);
    ck_assert_double_ne(model->calls[0].ns, measured->calls[0].ns);
    free(model);
    free(measured);
}
END_TEST

START_TEST(every_item_has_one_rank_and_sums_agree)
{
    struct ffmk_workload workload;
    for (size_t w = 0; ffmk_workload_name(w); w++) {
        struct ffmk_sim_balance_case wanted = usual();
        wanted.workload = ffmk_workload_name(w);
        ck_assert(ffmk_workload_begin(&workload, wanted.workload, RANKS, SIDE, wanted.seed));
        struct outcome *outcome = run(&wanted);
        for (int step = 0; step <= STEPS; step++) {
            const struct ffmk_sim_balance_call *call = &outcome->calls[step];
            double phases = 0;
            for (uint64_t id = 0; id < CELLS; id++) {
                const int32_t owner = outcome->owner[step][id];
                ck_assert_int_eq(owner >= 0, ffmk_workload_has(&workload, id));
                ck_assert_int_lt(owner, RANKS);
            }
            for (int p = 0; p < FFMK_SIM_BALANCE_PHASES; p++)
                phases += call->phase_ns[p];
            ck_assert_double_le_tol(fabs(phases - call->ns), 0, 1e-6 * call->ns);
            ck_assert_double_le(call->imbalance_after, call->imbalance_before * (1 + 1e-9));
            ck_assert_uint_le(call->messages_most * 1, call->messages);
            ck_assert_uint_ge(call->messages_most * RANKS, call->messages);
        }
        free(outcome);
    }
}
END_TEST

/* Letters in the order in which they were written, without any time. */
struct queue {
    struct queued {
        int32_t from, to;
        enum ffmk_part_letter kind;
        struct ffmk_wire_out letter;
    } * letters;
    size_t n, capacity;
};

static void post(void *context, int32_t from, int32_t to, enum ffmk_part_letter kind,
                 struct ffmk_wire_out *letter)
{
    struct queue *queue = context;
    if (queue->n == queue->capacity) {
        queue->capacity = 2 * queue->capacity + 64;
        queue->letters = realloc(queue->letters, queue->capacity * sizeof *queue->letters);
        ck_assert_ptr_nonnull(queue->letters);
    }
    queue->letters[queue->n++] = (struct queued){from, to, kind, *letter};
}

START_TEST(parts_driven_without_time_come_to_the_same)
{
    const struct ffmk_sim_balance_case wanted = usual();
    struct outcome *outcome = run(&wanted);
    struct ffmk_sim_balance *sim = ffmk_sim_balance_create(&wanted);
    static struct ffmk_part parts[RANKS];
    struct queue queue = {0};
    struct ffmk_workload workload;
    double heaviest = 0;
    size_t items = 0;
    ck_assert_ptr_nonnull(sim);
    ck_assert(ffmk_workload_begin(&workload, wanted.workload, RANKS, SIDE, wanted.seed));
    for (uint64_t id = 0; id < CELLS; id++)
        heaviest = fmax(heaviest, ffmk_workload_weight(&workload, id, 0));
    for (int32_t p = 0; p < RANKS; p++) {
        ffmk_part_begin(&parts[p], ffmk_sim_balance_rules(sim), p, post, &queue);
        for (uint64_t id = 0; id < CELLS; id++) {
            ffmk_link links[FFMK_WORKLOAD_MAX_LINKS];
            struct ffmk_graph_target targets[FFMK_WORKLOAD_MAX_LINKS];
            struct ffmk_graph_record record = {
                .id = id, .home = p, .origin = p, .best = p, .placed = 1};
            double position[3];
            if (ffmk_sim_balance_owner(sim, id) != p)
                continue;
            record.n_links = (uint32_t)ffmk_workload_links(&workload, id, links);
            for (uint32_t k = 0; k < record.n_links; k++)
                targets[k] = (struct ffmk_graph_target){links[k].id, (float)links[k].weight,
                                                        ffmk_sim_balance_owner(sim, links[k].id)};
            ffmk_workload_position(&workload, id, position);
            for (int axis = 0; axis < 3; axis++)
                record.position[axis] = (float)position[axis];
            const double weight = ffmk_workload_weight(&workload, id, 0) / heaviest;
            ck_assert(ffmk_graph_reserve(&parts[p].graph, 1, record.n_links, record.n_links));
            ffmk_graph_add(&parts[p].graph, &record, &weight, targets);
        }
    }
    for (int32_t p = 0; p < RANKS; p++)
        ffmk_part_start(&parts[p], FFMK_SUCCESS);
    for (size_t at = 0; at < queue.n; at++) {
        struct queued one = queue.letters[at];
        ffmk_part_hear(&parts[one.to], one.from, one.kind, &one.letter);
        ffmk_wire_free(&one.letter);
    }
    ck_assert_uint_eq(queue.n, outcome->calls[0].messages);
    for (int32_t p = 0; p < RANKS; p++) {
        const struct ffmk_graph *graph = &parts[p].graph;
        ck_assert(parts[p].done);
        for (uint32_t i = 0; i < graph->n_places; i++)
            if (ffmk_graph_is_held(graph, i)) {
                ck_assert_int_eq(graph->items[i].best, outcome->owner[0][ffmk_graph_id(graph, i)]);
                items++;
            }
        ffmk_part_free(&parts[p]);
    }
    ck_assert_uint_eq(items, CELLS);
    free(queue.letters);
    free(outcome);
    ffmk_sim_balance_destroy(sim);
}
END_TEST

START_TEST(bisection_is_balanced_and_a_curve_numbers_all)
{
    struct ffmk_sim_balance_case wanted = usual();
    struct ffmk_workload workload;
    int32_t number[60];
    bool seen[60] = {false};
    wanted.bisected = true;
    struct outcome *outcome = run(&wanted);
    ck_assert_double_lt(outcome->calls[0].imbalance_before, 1.3);
    free(outcome);
    ck_assert(ffmk_workload_begin(&workload, "noise", 60, 2, 1));
    ffmk_start_number(&workload, number);
    for (int rank = 0; rank < 60; rank++) {
        ck_assert_int_ge(number[rank], 0);
        ck_assert_int_lt(number[rank], 60);
        ck_assert(!seen[number[rank]]);
        seen[number[rank]] = true;
    }
}
END_TEST

/* L 100, o 10, g 20, G 2, in ns. */
START_TEST(letters_take_the_times_of_loggp)
{
    const struct ffmk_loggp_times times = {100, 10, 20, 2};
    struct ffmk_loggp *loggp = ffmk_loggp_create(3, &times);
    struct ffmk_loggp_letter letter;
    ck_assert_ptr_nonnull(loggp);
    /* Two letters of 6 bytes from 0: at 0, and once the way out is free at 20 + 5 · 2 = 30. */
    for (uint32_t to = 1; to <= 2; to++) {
        letter = (struct ffmk_loggp_letter){.from = 0, .to = to, .kind = to, .bytes = 6};
        ck_assert(ffmk_loggp_send(loggp, &letter));
    }
    ck_assert_double_eq(ffmk_loggp_now_ns(loggp, 0), 40);
    ck_assert(ffmk_loggp_next(loggp, &letter));
    ck_assert_uint_eq(letter.to, 1);
    ck_assert_double_eq(ffmk_loggp_now_ns(loggp, 1), 0 + 10 + 100 + 10 + 10);
    ck_assert(ffmk_loggp_next(loggp, &letter));
    ck_assert_uint_eq(letter.to, 2);
    ck_assert_double_eq(ffmk_loggp_now_ns(loggp, 2), 30 + 10 + 100 + 10 + 10);
    ck_assert_uint_eq(ffmk_loggp_chain(loggp, 2), 1);
    /* 1 and 2 to 0: who comes second waits for the way in; who computes takes it later. */
    ffmk_loggp_compute(loggp, 2, 5);
    for (uint32_t from = 1; from <= 2; from++) {
        letter = (struct ffmk_loggp_letter){.from = from, .to = 0, .bytes = 1};
        ck_assert(ffmk_loggp_send(loggp, &letter));
    }
    ffmk_loggp_compute(loggp, 0, 205); /* until 245 */
    ck_assert(ffmk_loggp_next(loggp, &letter));
    ck_assert_uint_eq(letter.from, 1); /* 130 + 10 + 100 = 240, so it waits until 245 */
    ck_assert_double_eq(ffmk_loggp_now_ns(loggp, 0), 255);
    ck_assert(ffmk_loggp_next(loggp, &letter));
    ck_assert_double_eq(ffmk_loggp_now_ns(loggp, 0), 165 + 10 + 100 + 10);
    ck_assert_uint_eq(ffmk_loggp_chain(loggp, 0), 2);
    ck_assert(!ffmk_loggp_next(loggp, &letter));
    ffmk_loggp_destroy(loggp);
}
END_TEST

CASES("sim balance", time_does_not_change_what_is_planned, the_same_case_gives_the_same,
      nor_does_measured_computing, every_item_has_one_rank_and_sums_agree,
      parts_driven_without_time_come_to_the_same, bisection_is_balanced_and_a_curve_numbers_all,
      letters_take_the_times_of_loggp)

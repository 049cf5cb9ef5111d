/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: the promises of docs/gossip.md under deaths during a broadcast, on the production
 * engine: every single death (node × slot) up to 64 nodes, every pair up to 16, random and
 * searched-for ones beyond; that all living nodes have the payload (all or none when the root
 * died), and that they are done within the bound. Where deaths exceed the promise, that it ends. */
#include "core/rng.h"
#include "sim/gossip.h"
#include "sim/network.h"

#include "cases.h"
#include <ffmk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE = 1, OVERHEAD = 1, HOP = WIRE + 2 * OVERHEAD, MOST_DEATHS = 512 };

/* ck_assert_msg() writes a line to a file each time; here it is asked millions of times. */
#define DEMAND(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* A way to broadcast, and what it can do. */
struct kind {
    const char *name;
    enum ffmk_sim_algorithm algorithm;
    enum ffmk_rumor_rules rules;
    enum ffmk_rumor_mode mode;
    uint32_t f;
};

static const struct kind kinds[] = {
    {"circulant checked", FFMK_SIM_CIRCULANT, FFMK_RUMOR_OURS, FFMK_RUMOR_CHECKED, 1},
    {"circulant failure-proof:1", FFMK_SIM_CIRCULANT, FFMK_RUMOR_OURS, FFMK_RUMOR_FAILURE_PROOF, 1},
    {"circulant failure-proof:2", FFMK_SIM_CIRCULANT, FFMK_RUMOR_OURS, FFMK_RUMOR_FAILURE_PROOF, 2},
    {"circulant failure-proof:3", FFMK_SIM_CIRCULANT, FFMK_RUMOR_OURS, FFMK_RUMOR_FAILURE_PROOF, 3},
    {"gossip checked", FFMK_SIM_GOSSIP, FFMK_RUMOR_OURS, FFMK_RUMOR_CHECKED, 1},
    {"gossip failure-proof:2", FFMK_SIM_GOSSIP, FFMK_RUMOR_OURS, FFMK_RUMOR_FAILURE_PROOF, 2},
    {"gossip failure-proof:3", FFMK_SIM_GOSSIP, FFMK_RUMOR_OURS, FFMK_RUMOR_FAILURE_PROOF, 3},
    {"published checked", FFMK_SIM_GOSSIP, FFMK_RUMOR_PUBLISHED, FFMK_RUMOR_CHECKED, 1},
    {"published failure-proof:1", FFMK_SIM_GOSSIP, FFMK_RUMOR_PUBLISHED, FFMK_RUMOR_FAILURE_PROOF,
     1},
    {"published failure-proof:2", FFMK_SIM_GOSSIP, FFMK_RUMOR_PUBLISHED, FFMK_RUMOR_FAILURE_PROOF,
     2},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Each kind is tested with as many rounds as suit it and, so that the correction finds dark nodes
 * without any dead ones, too, with fewer. */
enum { FEWER = 4 };

static struct ffmk_sim_gossip *broadcasts(const struct kind *kind, bool few, uint32_t nodes)
{
    uint32_t rounds = ffmk_schedule_tree_rounds(nodes, HOP);
    if (kind->algorithm == FFMK_SIM_GOSSIP)
        rounds += 2;
    if (few)
        rounds = rounds > FEWER ? rounds - FEWER : 1;
    struct ffmk_sim_setup setup = {.algorithm = kind->algorithm,
                                   .rules = kind->rules,
                                   .mode = kind->mode,
                                   .deaths_or_reach = kind->f,
                                   .nodes = nodes,
                                   .wire = WIRE,
                                   .overhead = OVERHEAD,
                                   .rounds = rounds};
    return ffmk_sim_gossip_create(&setup);
}

static bool died(uint32_t node, const struct ffmk_sim_death *deaths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (deaths[i].node == node)
            return true;
    return false;
}

/* The bound of docs/gossip.md, from who survived: settled + the least of
 *   ask_after + 2 (G - D) o + 2 hop   (G: distance within which everybody finds `needed` surviving
 *                                      participants beyond the D that were sent to unasked)
 *   pause_until + (N - 1) o + hop     (the whole ring)
 * and, where reserves had to wake, that once more after each of f + 1 turns of reserves. A death
 * and an answer take a slot more each. */
static uint64_t bound(const struct ffmk_sim_gossip *gossip, uint32_t nodes,
                      const struct ffmk_sim_death *deaths, size_t n)
{
    const struct ffmk_rumor_plan *plan = ffmk_sim_gossip_plan(gossip);
    bool *stays = calloc(nodes, sizeof *stays);
    bool woken = false;
    for (uint32_t i = 0; i < nodes; i++) {
        const struct ffmk_rumor *rumor = ffmk_sim_gossip_node(gossip, i);
        /* Woken reserves know of nobody that coloured them before the correction. */
        stays[i] = rumor->participant && !died(i, deaths, n);
        woken |= rumor->participant && rumor->at > plan->settled_after;
    }
    uint64_t unasked = plan->needed + (plan->ask_after - plan->pause_until) / plan->slot + 1;
    uint64_t reach = 0;
    for (uint32_t i = 0; i < nodes && plan->needed > 0; i++)
        for (int up = 0; up < 2; up++) {
            uint64_t d = unasked;
            for (uint32_t found = 0; found < plan->needed && d < nodes; d++)
                found += stays[(i + (up ? d : nodes - d)) % nodes];
            if (d > reach)
                reach = d;
        }
    free(stays);
    uint64_t asked = plan->ask_after + 2 * (reach - unasked) * plan->slot + 2 * HOP;
    uint64_t swept = plan->pause_until + (nodes - 1) * plan->slot + HOP;
    uint64_t correction = (asked < swept ? asked : swept) + 2 * (n + 1) * plan->slot;
    uint64_t turns = woken ? plan->deaths + 1 : 0;
    return plan->settled_after + correction + turns * (plan->reserve_after + correction);
}

/* Run, and check what is promised. \return when it was done. */
static uint32_t broadcast(struct ffmk_sim_gossip *gossip, const struct kind *kind, uint32_t nodes,
                          uint64_t seed, const struct ffmk_sim_death *deaths, size_t n)
{
    struct ffmk_sim_result result;
    DEMAND(ffmk_sim_gossip_run(gossip, seed, deaths, n, NULL, &result), "out of memory");
    size_t during = 0;
    char story[400] = "";
    for (size_t i = 0; i < n; i++) {
        during += deaths[i].at > 0;
        if (i < 8)
            sprintf(story + strlen(story), " %u@%u", deaths[i].node, deaths[i].at);
    }
    uint32_t survivors = 0; /* participants */
    for (uint32_t i = 0; i < nodes; i++)
        survivors += ffmk_sim_gossip_node(gossip, i)->participant && !died(i, deaths, n);
    /* Without reserves a survivor is needed, with them only somebody who has it. */
    bool reserves = kind->mode == FFMK_RUMOR_FAILURE_PROOF;
    bool promised = during <= kind->f && (survivors > 0 || reserves);
    if (promised && result.missed > 0)
        DEMAND(result.missed == result.living && died(0, deaths, n),
               "%s, %u nodes, seed %lu, deaths%s: missed %u of %u", kind->name, nodes,
               (unsigned long)seed, story, result.missed, result.living);
    if (during <= kind->f) {
        uint64_t most = bound(gossip, nodes, deaths, n);
        DEMAND(result.done_at <= most, "%s, %u nodes, seed %lu, deaths%s: done at %u > %lu",
               kind->name, nodes, (unsigned long)seed, story, result.done_at, (unsigned long)most);
    }
    for (uint32_t i = 0; i < nodes; i++) {
        unsigned state = ffmk_sim_gossip_node(gossip, i)->state;
        DEMAND(died(i, deaths, n) || state == FFMK_RUMOR_DARK || state == FFMK_RUMOR_DONE,
               "%s, %u nodes, seed %lu, deaths%s: node %u never ends", kind->name, nodes,
               (unsigned long)seed, story, i);
    }
    return result.done_at;
}

START_TEST(every_single_death)
{
    const struct kind *kind = &kinds[_i / 2];
    for (uint32_t nodes = 2; nodes <= 64; nodes += nodes < 20                   ? 1
                                                   : nodes == 31 || nodes == 32 ? 1
                                                                                : 11) {
        struct ffmk_sim_gossip *gossip = broadcasts(kind, _i % 2, nodes);
        uint32_t end = broadcast(gossip, kind, nodes, 1, NULL, 0) + HOP;
        for (uint32_t node = 0; node < nodes; node++)
            for (uint32_t at = 0; at <= end; at++)
                broadcast(gossip, kind, nodes, 1 + at % 3,
                          &(struct ffmk_sim_death){.node = node, .at = at + (node == 0)}, 1);
        ffmk_sim_gossip_destroy(gossip);
    }
}
END_TEST

START_TEST(every_pair_of_deaths)
{
    const struct kind *kind = &kinds[_i / 2];
    static const uint32_t sizes[] = {3, 4, 5, 6, 8, 11, 16};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint32_t nodes = sizes[s];
        struct ffmk_sim_gossip *gossip = broadcasts(kind, _i % 2, nodes);
        uint32_t end = broadcast(gossip, kind, nodes, 1, NULL, 0) + 1;
        for (uint32_t a = 0; a < nodes; a++)
            for (uint32_t b = a + 1; b < nodes; b++)
                for (uint32_t at = 0; at <= end; at++)
                    for (uint32_t bt = 0; bt <= end; bt++) {
                        const struct ffmk_sim_death deaths[] = {{a, at + (a == 0)}, {b, bt}};
                        broadcast(gossip, kind, nodes, 5, deaths, 2);
                    }
        ffmk_sim_gossip_destroy(gossip);
    }
}
END_TEST

/* Deaths of distinct nodes: some before, some during; the root among the latter now and then. */
static size_t draw(uint64_t *state, uint32_t nodes, size_t before, size_t during, uint32_t end,
                   struct ffmk_sim_death *deaths)
{
    size_t n = 0;
    while (n < before + during) {
        uint32_t node = (uint32_t)ffmk_rng_below(state, nodes);
        bool early = n < before;
        if (died(node, deaths, n) || (node == 0 && early))
            continue;
        deaths[n].node = node;
        deaths[n].at = early ? 0 : 1 + (uint32_t)ffmk_rng_below(state, end);
        n++;
    }
    return n;
}

START_TEST(random_deaths)
{
    const struct kind *kind = &kinds[_i / 2];
    static const struct {
        uint32_t nodes;
        int runs;
    } sizes[] = {{8, 4000}, {16, 4000}, {64, 3000}, {333, 600}, {4096, 30}};
    uint64_t state = 17 + (uint64_t)_i;
    struct ffmk_sim_death deaths[MOST_DEATHS];
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint32_t nodes = sizes[s].nodes;
        struct ffmk_sim_gossip *gossip = broadcasts(kind, _i % 2, nodes);
        uint32_t end = broadcast(gossip, kind, nodes, 1, NULL, 0) + HOP;
        for (int run = 0; run < sizes[s].runs; run++) {
            uint64_t seed = state;
            size_t before = ffmk_rng_below(&state, 1 + (nodes < 1000 ? nodes / 3 : nodes / 10));
            size_t during = ffmk_rng_below(&state, kind->f + 3);
            if (before + during > nodes - 1)
                during = nodes - 1 - before;
            size_t n = draw(&state, nodes, before, during, end, deaths);
            broadcast(gossip, kind, nodes, seed, deaths, n);
        }
        ffmk_sim_gossip_destroy(gossip);
    }
}
END_TEST

/* Climb towards the deaths that delay it most: what breaks a bound or a promise lies that way. */
START_TEST(searched_for_deaths)
{
    const struct kind *kind = &kinds[_i / 2];
    uint64_t state = 23;
    for (uint32_t nodes = 32; nodes <= 256; nodes *= 2) {
        struct ffmk_sim_gossip *gossip = broadcasts(kind, _i % 2, nodes);
        uint32_t end = broadcast(gossip, kind, nodes, 1, NULL, 0) + HOP;
        for (int climb = 0; climb < 12; climb++) {
            struct ffmk_sim_death best[MOST_DEATHS];
            size_t before = ffmk_rng_below(&state, nodes / 4);
            size_t n = draw(&state, nodes, before, kind->f, end, best);
            uint32_t most = broadcast(gossip, kind, nodes, 3, best, n);
            for (int step = 0; step < 150; step++) {
                struct ffmk_sim_death other[MOST_DEATHS];
                memcpy(other, best, n * sizeof *best);
                size_t i = ffmk_rng_below(&state, n);
                uint32_t node = 1 + (uint32_t)ffmk_rng_below(&state, nodes - 1);
                if (ffmk_rng_below(&state, 2) && !died(node, other, n))
                    other[i].node = node;
                else if (other[i].at > 0)
                    other[i].at = 1 + (uint32_t)ffmk_rng_below(&state, most + 1);
                uint32_t done = broadcast(gossip, kind, nodes, 3, other, n);
                if (done >= most) {
                    most = done;
                    memcpy(best, other, n * sizeof *best);
                }
            }
        }
        ffmk_sim_gossip_destroy(gossip);
    }
}
END_TEST

/* The deaths that are worst for a dark node: of the participants nearest to it, while they correct.
 * `choice` is a set of f among the four nearest, `when` their times. */
static void kill_beside(struct ffmk_sim_gossip *gossip, const struct kind *kind, uint32_t nodes,
                        struct ffmk_sim_death *deaths, size_t n, const uint32_t nearest[4],
                        uint32_t settled)
{
    enum { WINDOW = 11 };
    for (unsigned choice = 1; choice < 16; choice++) {
        if ((uint32_t)__builtin_popcount(choice) != kind->f)
            continue;
        uint32_t times = 1;
        for (uint32_t i = 0; i < kind->f; i++)
            times *= WINDOW;
        for (uint32_t when = 0; when < times; when++) {
            size_t all = n;
            uint32_t left = when;
            for (int i = 0; i < 4; i++)
                if (choice >> i & 1) {
                    deaths[all++] = (struct ffmk_sim_death){nearest[i], settled + left % WINDOW};
                    left /= WINDOW;
                }
            broadcast(gossip, kind, nodes, 9, deaths, all);
        }
    }
}

START_TEST(deaths_beside_a_dark_node)
{
    enum { NODES = 96, GAP = 3 };
    const struct kind *kind = &kinds[_i / 2];
    struct ffmk_sim_gossip *gossip = broadcasts(kind, _i % 2, NODES);
    struct ffmk_sim_death deaths[MOST_DEATHS];
    uint64_t state = 31;
    int found = 0;
    for (int run = 0; run < 40 && found < 3; run++) {
        size_t n = draw(&state, NODES, NODES / 5, 0, 1, deaths);
        broadcast(gossip, kind, NODES, 9, deaths, n);
        uint32_t participants[NODES + 4];
        uint32_t count = 0;
        for (uint32_t i = 0; i < NODES; i++)
            if (ffmk_sim_gossip_node(gossip, i)->participant)
                participants[count++] = i;
        uint32_t settled = (uint32_t)ffmk_sim_gossip_plan(gossip)->settled_after;
        for (uint32_t i = 1; i + 2 < count; i++) {
            uint32_t first = participants[i];
            uint32_t last = participants[i + 1];
            bool living = false;
            for (uint32_t x = first + 2; x + 1 < last; x++)
                living |= !died(x, deaths, n);
            if (last - first <= GAP || !living || found >= 3 || participants[i - 1] == 0)
                continue;
            found++;
            const uint32_t nearest[4] = {participants[i - 1], first, last, participants[i + 2]};
            kill_beside(gossip, kind, NODES, deaths, n, nearest, settled);
        }
    }
    DEMAND(found > 0, "no dark node was found");
    ffmk_sim_gossip_destroy(gossip);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deaths");
    TCase *cases = tcase_create("deaths");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, every_single_death, 0, 2 * KINDS);
    tcase_add_loop_test(cases, every_pair_of_deaths, 0, 2 * KINDS);
    tcase_add_loop_test(cases, random_deaths, 0, 2 * KINDS);
    tcase_add_loop_test(cases, searched_for_deaths, 0, 2 * KINDS);
    tcase_add_loop_test(cases, deaths_beside_a_dark_node, 0, 2 * KINDS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: wherever memory runs out while a plan is made, all parts come to an end, with
 * what was kept back for that, and say that there was too little unless the plan was all but made.
 */
#include "core/rng.h"
#include "core/spare.h"

#include "cases.h"
#include "world.h"
#include <stdio.h>
#include <stdlib.h>

/* Between the parts and malloc (the linker's --wrap): from one request on all fail, until what was
 * kept back is given back. */
static int64_t requests, failing = INT64_MAX;

int __real_munmap(void *start, size_t bytes);
int __wrap_munmap(void *start, size_t bytes);
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return requests++ >= failing ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return requests++ >= failing ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return requests++ >= failing ? NULL : __real_realloc(old, bytes);
}

int __wrap_munmap(void *start, size_t bytes)
{
    failing = INT64_MAX;
    return __real_munmap(start, bytes);
}

/* A plan in which requests from this number on fail. \return the least code of all parts. */
static int plan(struct world *world, int64_t number)
{
    enum { LETTERS = 4096 }; /* so many are never under way: the post asks for no memory */
    static struct ffmk_part parts[PARTS];
    struct post post = {.capacity = LETTERS};
    const int n_parts = world->rules.n_parts;
    uint64_t order = world->seed + (uint64_t)number;
    post.letters = malloc(LETTERS * sizeof *post.letters);
    ck_assert_ptr_nonnull(post.letters);
    for (int p = 0; p < n_parts; p++) {
        ffmk_part_begin(&parts[p], &world->rules, p, post_send, &post);
        world_fill(&parts[p], world, p, world->seed % 2);
    }
    ffmk_spare_begin();
    requests = 0;
    failing = number;
    for (int p = 0; p < n_parts; p++)
        ffmk_part_start(&parts[p], 0);
    while (post.n > 0)
        post_deliver(&post, parts, ffmk_rng_below(&order, post.n));
    failing = INT64_MAX;
    ffmk_spare_end();
    ck_assert_uint_eq(post.capacity, LETTERS);
    int code = FFMK_SUCCESS;
    for (int p = 0; p < n_parts; p++) {
        const int own = parts[p].course.result.code;
        ck_assert_msg(parts[p].done, "seed %d, request %d: part %d waits for ever",
                      (int)world->seed, (int)number, p);
        ck_assert_msg(own == FFMK_SUCCESS || own == FFMK_ERR_NO_MEMORY,
                      "seed %d, request %d: part %d ends with %d", (int)world->seed, (int)number, p,
                      own);
        code = own < code ? own : code;
        ffmk_part_free(&parts[p]);
    }
    free(post.letters);
    return code;
}

START_TEST(memory_that_runs_out)
{
    enum { SEEDS = 200, TIMES = 20 };
    static struct world world;
    int failed = 0, runs = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_draw(&world, seed);
        ck_assert_int_eq(plan(&world, INT64_MAX), FFMK_SUCCESS);
        const uint64_t most = (uint64_t)requests;
        uint64_t state = seed;
        for (int time = 0; time < TIMES && most > 0; time++, runs++) {
            failed += plan(&world, (int64_t)ffmk_rng_below(&state, most)) != FFMK_SUCCESS;
        }
    }
    printf("%d of %d plans that were short of memory say so\n", failed, runs);
    ck_assert_int_gt(failed, runs / 2);
}
END_TEST

CASES("short", memory_that_runs_out)

/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: whatever callbacks do and arrays hold, no call crashes or hangs, all ranks get
 * the same code, and no item is lost or doubled. Callbacks that fail at random, write past what
 * they said, say more than there is, call the registry, or take their time; questions that are
 * answered with lies; arrays that contradict themselves. Runs on any number of ranks. */
#include <ffmk.h>

#include "core/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EACH = 40, BYTES = 24 };

static int me, n_ranks;
static const char *scene; /* for messages */

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d of %d, line %d, %s: ", me, n_ranks, __LINE__, scene);         \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

#define EXPECT(call, wanted)                                                                       \
    do {                                                                                           \
        const int got = (call);                                                                    \
        CHECK(got == (wanted), "%s gave %d (%s)", #call, got, ffmk_strerror(got));                 \
    } while (0)

/* All ranks have the same code; it is this. */
static int same(int code)
{
    int codes[2] = {code, -code};
    MPI_Allreduce(MPI_IN_PLACE, codes, 2, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    CHECK(codes[0] == -codes[1], "code %d here, %d to %d elsewhere", code, codes[0], -codes[1]);
    return code;
}

/* Items, and the callbacks that move them */

enum manner {
    GOOD,
    PACK_FAILS,   /* now and then */
    UNPACK_FAILS, /* now and then */
    UNPACK_NEVER,
    SAYS_MORE,    /* than there is room for */
    SAYS_MOST,    /* SIZE_MAX */
    SAYS_NOTHING, /* 0 bytes */
    CALLS_BACK,   /* into the registry */
    BLOCKS,       /* in drop */
    MANNERS
};

static const char *const manners[MANNERS] = {"good",         "pack fails",     "unpack fails",
                                             "unpack never", "pack says more", "pack says SIZE_MAX",
                                             "0 bytes",      "calls back",     "drop blocks"};

static struct {
    ffmk_items *items;
    bool *here;
    enum manner manner;
    uint64_t luck;
    size_t n;
} app;

static bool unlucky(void)
{
    return ffmk_rng_below(&app.luck, 3) == 0;
}

/* Each is turned away, and nothing has changed. */
static void call_back(uint64_t id)
{
    ffmk_item item = FFMK_ITEM_INIT;
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    const double weights[2] = {1, 2};
    int ranks[8];
    item.id = 1 << 30;
    EXPECT(ffmk_items_add(app.items, &item), FFMK_ERR_STATE);
    EXPECT(ffmk_items_remove(app.items, id), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_weight(app.items, id, 5), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_weights(app.items, id, 2, weights), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_pinned(app.items, id, 1), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_bytes(app.items, id, 0), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_capacity(app.items, 2), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_memory_limit(app.items, 0), FFMK_ERR_STATE);
    EXPECT(ffmk_items_set_options(app.items, &options), FFMK_ERR_STATE);
    EXPECT(ffmk_items_link_ranks(app.items, id, ranks, 8), FFMK_ERR_STATE);
    EXPECT(ffmk_balance_plan(app.items, ranks, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance(app.items, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_rebalance_if_worth(app.items, 1, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_migrate(app.items, ranks, NULL), FFMK_ERR_STATE);
    EXPECT(ffmk_items_destroy(app.items), FFMK_ERR_STATE);
}

static int pack(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p)
{
    (void)context;
    CHECK(app.here[id], "pack of item %d, which is not here", (int)id);
    CHECK(capacity == BYTES, "room for %zu", capacity);
    if (app.manner == CALLS_BACK)
        call_back(id);
    memset(buffer, (int)(id % 251), capacity);
    *written_p = app.manner == SAYS_MORE && unlucky()   ? capacity + 1
                 : app.manner == SAYS_MOST && unlucky() ? SIZE_MAX
                 : app.manner == SAYS_NOTHING           ? 0
                                                        : capacity;
    return app.manner == PACK_FAILS && unlucky() ? -9 : 0;
}

static int unpack(void *context, uint64_t id, const void *buffer, size_t bytes)
{
    (void)context;
    CHECK(!app.here[id], "unpack of item %d, which is here", (int)id);
    CHECK(bytes == (app.manner == SAYS_NOTHING ? 0 : BYTES), "%zu bytes came", bytes);
    for (size_t at = 0; at < bytes; at++)
        CHECK(((const unsigned char *)buffer)[at] == id % 251, "what came for item %d", (int)id);
    if (app.manner == CALLS_BACK)
        call_back(id);
    if (app.manner == UNPACK_NEVER || (app.manner == UNPACK_FAILS && unlucky()))
        return 77;
    app.here[id] = true;
    return 0;
}

static void drop(void *context, uint64_t id)
{
    (void)context;
    CHECK(app.here[id], "drop of item %d, which is not here", (int)id);
    if (app.manner == CALLS_BACK)
        call_back(id);
    if (app.manner == BLOCKS)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    app.here[id] = false;
}

/* A line of items, most of them with rank 0. */
static void begin(void)
{
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    app.n = (size_t)n_ranks * EACH;
    app.here = calloc(app.n, sizeof *app.here);
    app.luck = 17 + (uint64_t)me;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, NULL, &app.items), FFMK_SUCCESS);
    for (size_t i = 0; i < app.n; i++) {
        ffmk_item item = FFMK_ITEM_INIT;
        const ffmk_link link = {i + 1, 1};
        if (me != (i % 4 ? 0 : (int)(i / EACH)))
            continue;
        item.id = i;
        item.bytes = BYTES;
        item.links = &link;
        item.n_links = i + 1 < app.n;
        EXPECT(ffmk_items_add(app.items, &item), FFMK_SUCCESS);
        app.here[i] = true;
    }
}

static void end(void)
{
    EXPECT(ffmk_items_destroy(app.items), FFMK_SUCCESS);
    free(app.here);
}

/* Every item is once in an application and its registry, and links lead where they should. */
static void audit(void)
{
    size_t count = 0;
    ffmk_items_count(app.items, &count);
    uint64_t *ids = calloc(count + 1, sizeof *ids);
    int *held = calloc(2 * app.n, sizeof *held), *owner = held + app.n;
    EXPECT(ffmk_items_ids(app.items, ids, count), FFMK_SUCCESS);
    for (size_t k = 0; k < count; k++) {
        CHECK(app.here[ids[k]], "item %d is only registered", (int)ids[k]);
        held[ids[k]] = 1;
        owner[ids[k]] = me;
    }
    for (size_t i = 0; i < app.n; i++)
        CHECK(app.here[i] == held[i], "item %zu is not registered", i);
    MPI_Allreduce(MPI_IN_PLACE, held, (int)(2 * app.n), MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (size_t i = 0; i < app.n; i++)
        CHECK(held[i] == 1, "item %zu is there %d times", i, held[i]);
    for (size_t k = 0; k < count; k++) {
        int rank = -1;
        if (ids[k] + 1 == app.n)
            continue;
        EXPECT(ffmk_items_link_ranks(app.items, ids[k], &rank, 1), FFMK_SUCCESS);
        CHECK(rank == owner[ids[k] + 1], "item %d: rank %d, not %d", (int)ids[k], rank,
              owner[ids[k] + 1]);
    }
    free(ids);
    free(held);
}

static int expected(enum manner manner, const ffmk_balance_info *info)
{
    const bool may_fail = manner >= PACK_FAILS && manner <= SAYS_MOST;
    return may_fail && info->items_kept > 0 ? FFMK_ERR_CALLBACK : FFMK_SUCCESS;
}

static void callbacks(void)
{
    for (int manner = GOOD; manner < MANNERS; manner++) {
        scene = manners[manner];
        app.manner = manner;
        begin();
        for (int step = 0; step < 4; step++) {
            ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
            for (size_t i = 0; i < app.n; i++)
                if (app.here[i])
                    EXPECT(ffmk_items_set_weight(app.items, i,
                                                 1 + 4.0 * (i / EACH == (size_t)(step % n_ranks))),
                           FFMK_SUCCESS);
            const int code = same(ffmk_rebalance(app.items, &info));
            CHECK(code == expected(manner, &info), "%s", ffmk_strerror(code));
            CHECK(n_ranks == 1 || manner != UNPACK_NEVER || info.items_moved == 0, "it moved");
            audit();
        }
        app.manner = GOOD; /* the registry is as good as before */
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        EXPECT(ffmk_rebalance(app.items, &info), FFMK_SUCCESS);
        CHECK(info.imbalance_after < 1.2, "imbalance %g in the end", info.imbalance_after);
        audit();
        end();
    }
}

/* Questions answered with lies */

enum lie {
    TRUTH,
    COUNT_FAILS,
    LIST_FAILS,
    POSITION_FAILS,
    LINK_COUNT_FAILS,
    LINKS_FAIL,
    WRITES_LESS, /* ids than it said */
    DUPLICATES,
    FOREIGN_DUPLICATE, /* another rank's id */
    UNKNOWN_LINK,
    SELF_LINK,
    NEGATIVE_WEIGHT,
    NAN_WEIGHT,
    INFINITE_LINK,
    NEGATIVE_LINK,
    NAN_POSITION,
    NO_MEMORY_COUNT, /* SIZE_MAX objects */
    NO_MEMORY_LINKS,
    CHANGING, /* the number of links differs from call to call: that is what is there then */
    HUGE_IDS,
    LIES
};

static const int wanted[LIES] = {
    [COUNT_FAILS] = FFMK_ERR_CALLBACK,      [LIST_FAILS] = FFMK_ERR_CALLBACK,
    [POSITION_FAILS] = FFMK_ERR_CALLBACK,   [LINK_COUNT_FAILS] = FFMK_ERR_CALLBACK,
    [LINKS_FAIL] = FFMK_ERR_CALLBACK,       [WRITES_LESS] = FFMK_ERR_DUPLICATE,
    [DUPLICATES] = FFMK_ERR_DUPLICATE,      [FOREIGN_DUPLICATE] = FFMK_ERR_DUPLICATE,
    [UNKNOWN_LINK] = FFMK_ERR_UNKNOWN_ITEM, [SELF_LINK] = FFMK_ERR_ARGUMENT,
    [NEGATIVE_WEIGHT] = FFMK_ERR_ARGUMENT,  [NAN_WEIGHT] = FFMK_ERR_ARGUMENT,
    [INFINITE_LINK] = FFMK_ERR_ARGUMENT,    [NEGATIVE_LINK] = FFMK_ERR_ARGUMENT,
    [NAN_POSITION] = FFMK_ERR_ARGUMENT,     [NO_MEMORY_COUNT] = FFMK_ERR_NO_MEMORY,
    [NO_MEMORY_LINKS] = FFMK_ERR_NO_MEMORY};

struct answers {
    enum lie lie; /* this rank's */
    uint64_t base;
    int asked;
};

static int count_of(void *context, size_t *n_p)
{
    const struct answers *answers = context;
    *n_p = answers->lie == NO_MEMORY_COUNT ? SIZE_MAX : EACH;
    return answers->lie == COUNT_FAILS;
}

static int list_of(void *context, size_t n, uint64_t *ids, double *weights)
{
    const struct answers *answers = context;
    for (size_t i = 0; i < n; i++) {
        ids[i] = answers->base + i;
        weights[i] = 1 + (double)(me == 0) * 3;
    }
    if (answers->lie == DUPLICATES || answers->lie == WRITES_LESS)
        ids[n - 1] = ids[0];
    if (answers->lie == FOREIGN_DUPLICATE)
        ids[0] = answers->base - (uint64_t)n_ranks * EACH;
    if (answers->lie == NEGATIVE_WEIGHT || answers->lie == NAN_WEIGHT)
        weights[3] = answers->lie == NAN_WEIGHT ? NAN : -1;
    return answers->lie == LIST_FAILS;
}

static int position_of(void *context, uint64_t id, double position[3])
{
    const struct answers *answers = context;
    position[0] = (double)(id - answers->base);
    position[1] = 0;
    position[2] = answers->lie == NAN_POSITION ? NAN : 0;
    return answers->lie == POSITION_FAILS ? -1 : 0;
}

static int link_count_of(void *context, uint64_t id, size_t *n_p)
{
    struct answers *answers = context;
    (void)id;
    *n_p = answers->lie == NO_MEMORY_LINKS ? SIZE_MAX / 8
           : answers->lie == CHANGING      ? (size_t)(answers->asked++ % 3)
                                           : 1;
    return answers->lie == LINK_COUNT_FAILS;
}

static int links_of(void *context, uint64_t id, size_t n, ffmk_link *links)
{
    const struct answers *answers = context;
    const uint64_t next = id - answers->base + 1 < EACH ? id + 1 : answers->base;
    for (size_t k = 0; k < n; k++)
        links[k] = (ffmk_link){next, 1};
    if (n > 0 && answers->lie == UNKNOWN_LINK)
        links[0].id = 12345;
    if (n > 0 && answers->lie == SELF_LINK)
        links[0].id = id;
    if (n > 0 && (answers->lie == INFINITE_LINK || answers->lie == NEGATIVE_LINK))
        links[0].weight = answers->lie == INFINITE_LINK ? INFINITY : -1;
    return answers->lie == LINKS_FAIL;
}

static void questions(void)
{
    for (int lie = TRUTH; lie < LIES; lie++) {
        char name[32];
        snprintf(name, sizeof name, "question %d", lie);
        scene = name;
        if (lie == FOREIGN_DUPLICATE && n_ranks == 1)
            continue;
        const bool mine = me == n_ranks - 1;
        const uint64_t first =
            lie == HUGE_IDS ? UINT64_MAX - (uint64_t)n_ranks * EACH + 1 : (uint64_t)1000000;
        struct answers answers = {mine || lie == CHANGING ? lie : TRUTH,
                                  first + (uint64_t)me * EACH, 0};
        if (lie == FOREIGN_DUPLICATE && mine) /* the first rank has one of these */
            answers.base = first + (uint64_t)n_ranks * EACH;
        ffmk_query query = FFMK_QUERY_INIT;
        ffmk_exports exports = FFMK_EXPORTS_INIT;
        query.context = &answers;
        query.n_weights = 1;
        query.count = count_of;
        query.list = list_of;
        query.position = position_of;
        query.link_count = link_count_of;
        query.links = links_of;
        const int code = same(ffmk_balance_query(MPI_COMM_WORLD, &query, NULL, &exports, NULL));
        CHECK(code == wanted[lie], "%s", ffmk_strerror(code));
        CHECK(code == FFMK_SUCCESS || (exports.n == 0 && !exports.ids && !exports.ranks),
              "something is exported");
        for (size_t k = 0; k < exports.n; k++)
            CHECK(exports.ranks[k] >= 0 && exports.ranks[k] < n_ranks && exports.ranks[k] != me,
                  "export to rank %d", exports.ranks[k]);
        EXPECT(ffmk_exports_free(&exports), FFMK_SUCCESS);
        EXPECT(ffmk_exports_free(&exports), FFMK_SUCCESS);
    }
}

/* Arrays that contradict themselves */

struct arrays {
    int64_t vtxdist[65], xadj[EACH + 1], adjncy[2 * EACH];
    double adjwgt[2 * EACH], vwgt[EACH], xyz[3 * EACH], tpwgts[8];
    int part[EACH];
    ffmk_csr csr;
    ffmk_balance_options options;
};

static void make_arrays(struct arrays *a)
{
    const int64_t all = (int64_t)n_ranks * EACH;
    memset(a, 0, sizeof *a);
    a->csr = (ffmk_csr)FFMK_CSR_INIT;
    a->options = (ffmk_balance_options)FFMK_BALANCE_OPTIONS_INIT;
    for (int r = 0; r <= n_ranks; r++)
        a->vtxdist[r] = (int64_t)r * EACH;
    for (int i = 0; i < EACH; i++) {
        const int64_t v = a->vtxdist[me] + i;
        a->xadj[i + 1] = 2 * i + 2;
        a->adjncy[2 * i] = (v + 1) % all;
        a->adjncy[2 * i + 1] = (v + all - 1) % all;
        a->adjwgt[2 * i] = a->adjwgt[2 * i + 1] = a->vwgt[i] = 1;
        a->part[i] = i % 10 ? 0 : i / 10;
    }
    for (int p = 0; p < 8; p++)
        a->tpwgts[p] = 0.125;
    a->csr.vtxdist = a->vtxdist;
    a->csr.xadj = a->xadj;
    a->csr.adjncy = a->adjncy;
    a->csr.adjwgt = a->adjwgt;
    a->csr.vwgt = a->vwgt;
    a->csr.xyz = a->xyz;
    a->csr.nparts = 8;
    a->csr.tpwgts = a->tpwgts;
}

/* Spoil them. \return whether they are still to be taken. */
static bool spoil(struct arrays *a, int mistake)
{
    switch (mistake) {
    case 0:
        a->xadj[5] = 100000;
        return false;
    case 1:
        a->xadj[5] = a->xadj[4] - 1;
        return false;
    case 2:
        a->xadj[0] = -1;
        return false;
    case 3:
        a->adjncy[7] = (int64_t)n_ranks * EACH;
        return false;
    case 4:
        a->adjncy[7] = -1;
        return false;
    case 5:
        a->adjncy[7] = INT64_MIN;
        return false;
    case 6:
        a->adjncy[6] = a->vtxdist[me] + 3; /* itself */
        return false;
    case 7:
        a->vtxdist[n_ranks]++;
        return false;
    case 8:
        a->vtxdist[n_ranks] = -1;
        return false;
    case 9:
        a->vtxdist[0] = 1;
        return false;
    case 10:
        a->vwgt[0] = -1;
        return false;
    case 11:
        a->vwgt[0] = INFINITY;
        return false;
    case 12:
        a->adjwgt[0] = NAN;
        return false;
    case 13:
        a->adjwgt[0] = -0.5;
        return false;
    case 14:
        a->csr.nparts = 0;
        return false;
    case 15:
        a->csr.nparts = -3;
        return false;
    case 16:
        a->tpwgts[3] = -0.125;
        return false;
    case 17:
        a->tpwgts[3] = NAN;
        return false;
    case 18:
        a->csr.ncon = 0;
        return false;
    case 19:
        a->part[9] = 8;
        return false;
    case 20:
        a->part[9] = -1;
        return false;
    case 21:
        a->xyz[4] = NAN;
        return false;
    case 22:
        a->csr.vtxdist = NULL;
        return false;
    case 23:
        a->csr.adjncy = NULL;
        return false;
    case 24:
        a->csr.xadj = NULL;
        return false;
    case 25:
        a->options.imbalance = 0.9;
        return false;
    case 26:
        a->csr.nparts = 7;
        return n_ranks == 1; /* at the last rank alone */
    case 27:
        a->options.min_items = 3;
        return n_ranks == 1;
    case 28:
        a->tpwgts[2] = 0.25;
        return n_ranks == 1;
    case 29:
        a->csr.tpwgts = NULL;
        return n_ranks == 1;
    case 30: /* at one end only */
        a->adjncy[10] = a->adjncy[11];
        return false;
    case 31: /* with another weight at the other end */
        a->adjwgt[10] = 1e6;
        return true;
    case 32: /* no edges here, though others list them */
        memset(a->xadj, 0, sizeof a->xadj);
        return n_ranks == 1;
    case 33:
        memset(a->vwgt, 0, sizeof a->vwgt);
        return true;
    case 34:
        a->vwgt[0] = 1.7e308;
        return true;
    default: /* twice, at one end */
        for (int k = 0; k < 2 * EACH; k++)
            a->adjncy[k] = (a->vtxdist[me] + k / 2 + 1) % ((int64_t)n_ranks * EACH);
        return false;
    }
}

static void arrays(void)
{
    static struct arrays a;
    for (int mistake = 0; mistake <= 35; mistake++) {
        char name[32];
        snprintf(name, sizeof name, "arrays %d", mistake);
        scene = name;
        int before[EACH], taken = 1;
        make_arrays(&a);
        if (me == n_ranks - 1)
            taken = spoil(&a, mistake);
        MPI_Bcast(&taken, 1, MPI_INT, n_ranks - 1, MPI_COMM_WORLD);
        memcpy(before, a.part, sizeof before);
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        const int code = same(ffmk_balance_csr(MPI_COMM_WORLD, &a.csr, &a.options, a.part, &info));
        CHECK(code == (taken ? FFMK_SUCCESS : FFMK_ERR_ARGUMENT), "%s", ffmk_strerror(code));
        CHECK(taken || memcmp(before, a.part, sizeof before) == 0, "part was written");
        for (int i = 0; i < EACH && taken; i++)
            CHECK(a.part[i] >= 0 && a.part[i] < a.csr.nparts, "part %d", a.part[i]);
        CHECK(!taken || (isfinite(info.imbalance_after) && isfinite(info.cut_after)),
              "imbalance %g, cut %g", info.imbalance_after, info.cut_after);
        if (taken)
            for (int r = 0; r < 2; r++) /* the rest as it was */
                EXPECT(same(ffmk_balance_csr(MPI_COMM_WORLD, &a.csr, &a.options, a.part, NULL)),
                       FFMK_SUCCESS);
    }
}

/* Shares that sum to anything else than 1 are shares all the same. */
static void shares(void)
{
    static struct arrays a;
    const double units[] = {1, 8, 1e-300, 1e300};
    scene = "shares";
    for (int k = 0; k < 4; k++) {
        ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
        make_arrays(&a);
        for (int p = 0; p < 8; p++)
            a.tpwgts[p] = units[k] * (p == 0 ? 2 : 1);
        EXPECT(same(ffmk_balance_csr(MPI_COMM_WORLD, &a.csr, NULL, a.part, &info)), FFMK_SUCCESS);
        CHECK(info.imbalance_after <= info.imbalance_before && info.imbalance_after < 1.3,
              "unit %g: imbalance %g -> %g", units[k], info.imbalance_before, info.imbalance_after);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    callbacks();
    questions();
    arrays();
    shares();
    if (me == 0)
        printf("hostile: all borne on %d ranks\n", n_ranks);
    MPI_Finalize();
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves: however many rounds the directory takes, every link gets the rank of its target
 * and every item the links to it, in the same order; ids that two ranks hold and links to nowhere
 * are found in whichever round they come up, all are counted, and all ranks return the same.
 * Random scenarios; on a failure the seed is printed. Usage: directory <first seed> <number of
 * seeds>. */
#include "balance/directory.h"
#include "balance/exchange.h"
#include "core/rng.h"
#include "fail.h"

#include <string.h>
#include <unistd.h>

static struct ffmk_team team;

/* All items of all ranks, the same everywhere. Item i has id ids[i], lies on owner[i], and gives
 * the links first[i] … first[i + 1]. */
struct world {
    size_t n;
    uint64_t *ids;
    int *owner;
    size_t *first;
    ffmk_link *links;
    size_t *targets; /* of the links, as items */
};

/* Where items lie: anywhere; all on one rank; everywhere but on one; nearly all on one. */
static int draw_owner(int kind, uint64_t *state)
{
    const int one = (int)(seed % (uint64_t)team.size);
    const int any = (int)ffmk_rng_below(state, (uint64_t)team.size);
    switch (kind) {
    case 0:
        return any;
    case 1:
        return one;
    case 2:
        return any == one && team.size > 1 ? (one + 1) % team.size : any;
    default:
        return ffmk_rng_below(state, 50) ? one : any;
    }
}

static struct world draw_world(void)
{
    enum { MOST = 600, DEGREE = 8 };
    uint64_t state = seed;
    struct world world = {.n = 2 + ffmk_rng_below(&state, MOST)};
    world.ids = calloc(world.n, sizeof *world.ids);
    world.owner = calloc(world.n, sizeof *world.owner);
    world.first = calloc(world.n + 1, sizeof *world.first);
    world.links = calloc(world.n * DEGREE, sizeof *world.links);
    world.targets = calloc(world.n * DEGREE, sizeof *world.targets);
    const int kind = (int)ffmk_rng_below(&state, 4);
    const bool dense = ffmk_rng_below(&state, 2);
    const bool hub = ffmk_rng_below(&state, 4) == 0;
    for (size_t i = 0; i < world.n; i++) {
        world.ids[i] = dense ? i : ffmk_rng_mix(i + 1000 * seed);
        world.owner[i] = draw_owner(kind, &state);
    }
    for (size_t i = 0; i < world.n; i++) {
        world.first[i + 1] = world.first[i];
        for (size_t k = ffmk_rng_below(&state, DEGREE); k > 0; k--) {
            const size_t to = hub && k == 1 ? 0 : ffmk_rng_below(&state, world.n);
            if (to == i)
                continue;
            const size_t at = world.first[i + 1]++;
            world.targets[at] = to;
            world.links[at] = (ffmk_link){world.ids[to], (double)(1 + ffmk_rng_below(&state, 3))};
        }
    }
    return world;
}

static void free_world(struct world *world)
{
    free(world->ids);
    free(world->owner);
    free(world->first);
    free(world->links);
    free(world->targets);
}

static void add(struct ffmk_table *table, uint64_t id, const ffmk_link *links, size_t n)
{
    ffmk_item item = FFMK_ITEM_INIT;
    item.id = id;
    item.links = links;
    item.n_links = n;
    CHECK(ffmk_table_add(table, &item) == FFMK_SUCCESS, "item %" PRIu64 " is not taken", id);
}

/* This rank's items, from the first or from the last on. */
static struct ffmk_table table_of(const struct world *world, bool backwards)
{
    struct ffmk_table table = {0};
    for (size_t j = 0; j < world->n; j++) {
        const size_t i = backwards ? world->n - 1 - j : j;
        if (world->owner[i] == team.rank)
            add(&table, world->ids[i], world->links + world->first[i],
                world->first[i + 1] - world->first[i]);
    }
    return table;
}

struct back {
    ffmk_link link;
    int rank;
};

static int compare_back(const void *a, const void *b)
{
    const ffmk_link *left = &((const struct back *)a)->link;
    const ffmk_link *right = &((const struct back *)b)->link;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->weight > right->weight) - (left->weight < right->weight);
}

static void check_item(const struct world *world, const struct ffmk_table *table, size_t i,
                       struct back *back)
{
    const struct ffmk_entry *entry = ffmk_table_find(table, world->ids[i]);
    size_t n = 0;
    bool outer = false;
    for (size_t j = 0; j < world->n; j++)
        for (size_t k = world->first[j]; k < world->first[j + 1]; k++)
            if (world->targets[k] == i)
                back[n++] = (struct back){{world->ids[j], world->links[k].weight}, world->owner[j]};
    qsort(back, n, sizeof *back, compare_back);
    CHECK(entry->n_back == n, "item %zu has %u links of others and not %zu", i, entry->n_back, n);
    for (size_t k = 0; k < entry->n_links; k++) {
        const int rank = world->owner[world->targets[world->first[i] + k]];
        CHECK(entry->link_ranks[k] == rank, "link %zu of item %zu leads to rank %d and not %d", k,
              i, entry->link_ranks[k], rank);
        outer = outer || rank != team.rank;
    }
    for (size_t b = 0; b < n; b++) {
        const size_t k = entry->n_links + b;
        CHECK(entry->links[k].id == back[b].link.id &&
                  entry->links[k].weight == back[b].link.weight &&
                  entry->link_ranks[k] == back[b].rank,
              "link %zu to item %zu is another one", b, i);
        outer = outer || back[b].rank != team.rank;
    }
    CHECK(entry->outer == outer, "item %zu is%s linked to other ranks", i, outer ? "" : " not");
}

/* Every third item is taken out and comes back without links. */
static void lose_links(struct world *world, struct ffmk_table *table)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < world->n; i++) {
        const size_t end = world->first[i + 1];
        for (; k < end; k++) {
            world->links[n] = world->links[k];
            world->targets[n] = world->targets[k];
            n += i % 3 != 0;
        }
        world->first[i + 1] = n;
        if (i % 3 == 0 && ffmk_table_remove(table, world->ids[i]) == FFMK_SUCCESS)
            add(table, world->ids[i], NULL, 0);
    }
}

/* As many rounds as they like, on the same table and on a new one. */
static void resolves(struct world *world)
{
    static const unsigned rounds[] = {1, 2, 3, 16, 97, 1};
    struct ffmk_table table = table_of(world, false);
    struct back *back = calloc(world->first[world->n] + 1, sizeof *back);
    for (size_t r = 0; r < sizeof rounds / sizeof *rounds; r++) {
        if (r == 3)
            lose_links(world, &table);
        struct ffmk_table fresh = table_of(world, true);
        CHECK(ffmk_directory_resolve(&team, FFMK_SUCCESS, rounds[r], &table) == FFMK_SUCCESS &&
                  ffmk_directory_resolve(&team, FFMK_SUCCESS, rounds[r], &fresh) == FFMK_SUCCESS,
              "not resolved in %u rounds", rounds[r]);
        for (size_t i = 0; i < world->n; i++)
            if (world->owner[i] == team.rank) {
                check_item(world, &table, i, back);
                check_item(world, &fresh, i, back);
            }
        ffmk_table_free(&fresh);
    }
    free(back);
    ffmk_table_free(&table);
}

/* What rank 0 says meanwhile: "balance: 3 registrations …". */
static int hear(unsigned rounds, struct ffmk_table *table, char text[512])
{
    FILE *said = tmpfile();
    fflush(stderr);
    const int terminal = dup(STDERR_FILENO);
    dup2(fileno(said), STDERR_FILENO);
    const int code = ffmk_directory_resolve(&team, FFMK_SUCCESS, rounds, table);
    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    rewind(said);
    text[fread(text, 1, 511, said)] = '\0';
    fclose(said);
    return code;
}

static void expect(unsigned rounds, struct ffmk_table *table, int wanted, size_t n,
                   const char *what)
{
    char text[512], said[128];
    snprintf(said, sizeof said, "balance: %zu %s", n, what);
    const int code = hear(rounds, table, text);
    CHECK(code == wanted, "%d instead of %d in %u rounds", code, wanted, rounds);
    CHECK(team.rank != 0 || strstr(text, said), "\"%s\" is not in \"%s\"", said, text);
    CHECK(team.rank == 0 || !*text, "rank 0 has to say it alone");
}

/* Some ids twice, on the next rank, and some links to nowhere, in whichever rounds they come up. */
static void refuses(const struct world *world)
{
    uint64_t state = seed + 1;
    const size_t n = 1 + ffmk_rng_below(&state, 3);
    struct ffmk_table table = table_of(world, false);
    for (unsigned rounds = 1; rounds < 20; rounds += 9) {
        const uint64_t nowhere = ffmk_rng_next(&state) | (uint64_t)1 << 63;
        for (size_t t = 0; t < n; t++) {
            const ffmk_link link = {nowhere + t, 1};
            if (team.rank == team.size - 1)
                add(&table, nowhere / 2 + t, &link, 1);
        }
        expect(rounds, &table, FFMK_ERR_UNKNOWN_ITEM, n,
               "links to items that are registered nowhere");
        size_t n_twice = 0;
        for (size_t i = 0; i < world->n && n_twice < n && team.size > 1; i += 1 + world->n / 4) {
            n_twice++;
            if ((world->owner[i] + 1) % team.size == team.rank)
                add(&table, world->ids[i], NULL, 0);
        }
        if (n_twice > 0)
            expect(rounds, &table, FFMK_ERR_DUPLICATE, n_twice,
                   "registrations of ids that another rank holds already");
        ffmk_table_free(&table);
        table = table_of(world, true);
    }
    ffmk_table_free(&table);
}

/* One rank's trouble is everybody's, and nobody waits for it. */
static void agrees(const struct world *world)
{
    struct ffmk_table table = table_of(world, false);
    const int mine = team.rank == team.size / 2 ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
    CHECK(ffmk_directory_resolve(&team, mine, 3, &table) == FFMK_ERR_NO_MEMORY,
          "not what one rank came with");
    ffmk_table_free(&table);
}

/* Many small ones need few rounds, and no number of them needs many. */
static void counts(void)
{
    struct ffmk_table table = {0};
    CHECK(ffmk_directory_rounds(&table) == 1, "rounds for nothing");
    unsigned before = 1;
    for (uint64_t id = 0; id < 20000; id++) {
        const ffmk_link link = {id + 1, 1};
        add(&table, id, &link, 1);
        if (id % 100 != 0)
            continue;
        const unsigned rounds = ffmk_directory_rounds(&table);
        CHECK(rounds >= before && rounds <= before + 1, "%u rounds after %u", rounds, before);
        CHECK(rounds == 1 || id > 500, "%u rounds for %u items", rounds, (unsigned)id);
        before = rounds;
    }
    CHECK(before > 2 && before < 10, "%u rounds for 20,000 items", before);
    ffmk_table_free(&table);
    ffmk_link *links = calloc(100000, sizeof *links);
    for (size_t k = 0; k < 100000; k++)
        links[k].id = k;
    add(&table, 100000, links, 100000);
    free(links);
    before = ffmk_directory_rounds(&table);
    CHECK(before > 8 && before < 40, "%u rounds for an item with 100,000 links", before);
    ffmk_table_free(&table);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_dup(MPI_COMM_WORLD, &team.comm);
    MPI_Comm_rank(team.comm, &team.rank);
    MPI_Comm_size(team.comm, &team.size);
    team.piece = malloc(FFMK_PIECE_BYTES);
    const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (team.rank == 0)
        counts();
    for (seed = first; seed < first + n; seed++) {
        struct world world = draw_world();
        resolves(&world);
        refuses(&world);
        agrees(&world);
        free_world(&world);
    }
    free(team.piece);
    MPI_Comm_free(&team.comm);
    MPI_Finalize();
    return 0;
}

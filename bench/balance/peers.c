/* SPDX-License-Identifier: BSD-3-Clause
 * Balancers side by side on the same workload: each goes on from where it left its own items, and
 * all have their turn in each step, in another order each time. Rank 0 prints a row a plan. What
 * the numbers mean together is balance.py's to say.
 *
 * usage: balance_peers WORKLOAD blocks|slabs STEPS SEED LAST_SEED SIDE PARTS METHOD …
 *        balance_peers      names the methods, and those that know parts other than ranks
 * PARTS 0: as many as ranks. */
#include "core/rng.h"
#include "meter.h"
#include "method.h"
#include "sim/workload.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const struct method_kind *kind;
    const char *parameters;
} methods[] = {
    {"ours", &method_ours, ""},
    {"ours-cut", &method_ours, "0.5 0"},
    {"ours-csr", &method_csr, ""},
    {"ours-still", &method_ours, "0 0.2"},
#ifdef FFMK_HAVE_ZOLTAN
    {"hsfc", &method_zoltan, "LB_METHOD=HSFC"},
    {"rcb", &method_zoltan, "LB_METHOD=RCB"},
    {"phg-repart", &method_zoltan,
     "LB_METHOD=GRAPH GRAPH_PACKAGE=PHG LB_APPROACH=REPARTITION PHG_REPART_MULTIPLIER=100"},
    {"phg-repart-1", &method_zoltan,
     "LB_METHOD=GRAPH GRAPH_PACKAGE=PHG LB_APPROACH=REPARTITION PHG_REPART_MULTIPLIER=1"},
    {"phg-refine", &method_zoltan, "LB_METHOD=GRAPH GRAPH_PACKAGE=PHG LB_APPROACH=REFINE"},
    {"scotch", &method_zoltan, "LB_METHOD=GRAPH GRAPH_PACKAGE=SCOTCH"},
#endif
};
enum { METHODS = sizeof methods / sizeof methods[0] };

struct run {
    size_t method;
    void *state;
    int *at; /* part of each item, on every rank; -1: no such item */
};

static struct ffmk_workload workload;
static int rank, size, parts;
static const char *where; /* for messages */

static void die(const char *what)
{
    fprintf(stderr, "balance_peers: rank %d, %s: %s\n", rank, where, what);
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

static void *room(size_t n, size_t bytes)
{
    void *block = calloc(n + 1, bytes);
    if (!block)
        die("out of memory");
    return block;
}

static int holder(int part)
{
    return part / (parts / size);
}

static struct field field_of(const int *at, int step)
{
    const uint64_t end = ffmk_workload_end(&workload);
    struct field field = {.parts = parts};
    for (uint64_t id = 0; id < end; id++)
        field.n += at[id] >= 0 && holder(at[id]) == rank;
    field.ids = room(field.n, sizeof *field.ids);
    field.at = room(field.n, sizeof *field.at);
    field.weights = room(field.n, sizeof *field.weights);
    field.positions = room(3 * field.n, sizeof *field.positions);
    field.first = room(field.n, sizeof *field.first);
    field.links = room(field.n * FFMK_WORKLOAD_MAX_LINKS, sizeof *field.links);
    field.holders = room(field.n * FFMK_WORKLOAD_MAX_LINKS, sizeof *field.holders);
    size_t i = 0, n_links = 0;
    for (uint64_t id = 0; id < end; id++) {
        if (at[id] < 0 || holder(at[id]) != rank)
            continue;
        field.ids[i] = id;
        field.at[i] = at[id];
        field.weights[i] = ffmk_workload_weight(&workload, id, step) *
                           ffmk_workload_rank_factor(&workload, (uint32_t)at[id], step);
        ffmk_workload_position(&workload, id, field.positions + 3 * i);
        n_links += ffmk_workload_links(&workload, id, field.links + n_links);
        field.first[++i] = n_links;
    }
    for (size_t k = 0; k < n_links; k++)
        field.holders[k] = holder(at[field.links[k].id]);
    return field;
}

static void free_field(struct field *field)
{
    free(field->ids);
    free(field->at);
    free(field->weights);
    free(field->positions);
    free(field->first);
    free(field->links);
    free(field->holders);
}

/* What is summed over the ranks; behind it the load of each part, before and after. */
enum { CUT, CUT_AFTER, WEIGHT_MOVED, ITEMS, ITEMS_MOVED, CPU, WAITED, MESSAGES, MEETINGS, LOADS };
/* What the largest of is sought. */
enum { WALL_MOST, CPU_OUT_MOST, CPU_MOST, HEAP_MOST, MOST };

static void add_up(const struct field *field, const int *at, const int *after, double *sums)
{
    for (size_t i = 0; i < field->n; i++) {
        const uint64_t id = field->ids[i];
        const double weight = field->weights[i];
        sums[LOADS + at[id]] += weight;
        sums[LOADS + parts + after[id]] += weight;
        sums[ITEMS]++;
        if (at[id] != after[id]) {
            sums[ITEMS_MOVED]++;
            sums[WEIGHT_MOVED] += weight;
        }
        for (size_t k = field->first[i]; k < field->first[i + 1]; k++) {
            const ffmk_link *link = &field->links[k];
            if (link->id > id && at[link->id] != at[id])
                sums[CUT] += link->weight;
            if (link->id > id && after[link->id] != after[id])
                sums[CUT_AFTER] += link->weight;
        }
    }
}

static double heaviest(const double *loads, double *total_p)
{
    double most = 0;
    *total_p = 0;
    for (int i = 0; i < parts; i++) {
        *total_p += loads[i];
        most = loads[i] > most ? loads[i] : most;
    }
    return most;
}

static void print_row(const double *sums, const double *most)
{
    double total;
    const double before = heaviest(sums + LOADS, &total), n = size;
    const double after = heaviest(sums + LOADS + parts, &total), mean = total / parts;
    printf("%.4f,%.4f,%.0f,%.0f,%.3f,%.3f,%.3f,%.4f,%.4f,%.4f,%.4f,%.1f,%.1f,%.1f\n", before / mean,
           after / mean, sums[CUT], sums[CUT_AFTER], 100 * sums[WEIGHT_MOVED] / total,
           100 * sums[ITEMS_MOVED] / sums[ITEMS], 1e3 * most[WALL_MOST],
           1e3 * (sums[CPU] - sums[WAITED]) / n, 1e3 * most[CPU_OUT_MOST], 1e3 * sums[CPU] / n,
           1e3 * most[CPU_MOST], sums[MESSAGES] / n, sums[MEETINGS] / n, most[HEAP_MOST] / 1024);
    fflush(stdout);
}

static void take_turn(struct run *run, int step)
{
    const struct method_kind *kind = methods[run->method].kind;
    const int end = (int)ffmk_workload_end(&workload);
    where = methods[run->method].name;
    struct field field = field_of(run->at, step);
    int *to = room(field.n, sizeof *to), *after = room((size_t)end, sizeof *after);
    if (!run->state && !(run->state = kind->open(methods[run->method].parameters, &field)))
        die("cannot begin");
    if (kind->set_weights(run->state, &field) != 0)
        die("takes no weights");

    struct meter meter;
    MPI_Barrier(MPI_COMM_WORLD);
    meter_begin(&meter);
    const int code = kind->plan(run->state, &field, to);
    meter_end(&meter);
    if (code != 0)
        die("no plan");

    for (int id = 0; id < end; id++)
        after[id] = -1;
    for (size_t i = 0; i < field.n; i++) {
        if (to[i] < 0 || to[i] >= parts)
            die("an item goes nowhere");
        after[field.ids[i]] = to[i];
    }
    MPI_Allreduce(MPI_IN_PLACE, after, end, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    const size_t n_sums = LOADS + 2 * (size_t)parts;
    double *mine = room(n_sums, sizeof *mine), *sums = room(n_sums, sizeof *sums), most[MOST];
    double mine_most[MOST] = {meter.wall_s, meter.cpu_s - meter.waited_s, meter.cpu_s,
                              meter.heap_bytes};
    mine[CPU] = meter.cpu_s;
    mine[WAITED] = meter.waited_s;
    mine[MESSAGES] = meter.messages;
    mine[MEETINGS] = meter.collectives;
    add_up(&field, run->at, after, mine);
    MPI_Reduce(mine, sums, (int)n_sums, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Reduce(mine_most, most, MOST, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        printf("%lu,%d,%s,", (unsigned long)workload.seed, step, where);
        print_row(sums, most);
    }
    if (kind->move(run->state, &field, to) != 0)
        die("did not move as planned");
    free(run->at);
    run->at = after;
    free(mine);
    free(sums);
    free(to);
    free_field(&field);
}

static int *first_places(enum ffmk_workload_start start)
{
    const size_t end = (size_t)ffmk_workload_end(&workload);
    const size_t each = (size_t)workload.side * workload.side * workload.side;
    int *at = room(end, sizeof *at);
    uint64_t *ids = room(each, sizeof *ids);
    for (size_t id = 0; id < end; id++)
        at[id] = -1;
    for (int part = 0; part < parts; part++)
        for (size_t n = ffmk_workload_items(&workload, start, (uint32_t)part, ids); n > 0; n--)
            at[ids[n - 1]] = part;
    free(ids);
    return at;
}

/* Whoever comes next finds the caches full of what the one before left there: that must not always
 * be the same one. */
static void shuffle(size_t *order, size_t n, uint64_t *lot)
{
    for (size_t i = n; i > 1; i--) {
        const size_t other = ffmk_rng_below(lot, i), last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
}

static void compare(struct run *runs, size_t n, enum ffmk_workload_start start, int steps)
{
    size_t order[METHODS];
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
        runs[i].state = NULL;
        runs[i].at = first_places(start);
    }
    uint64_t lot = workload.seed;
    for (int step = 0; step <= steps; step++) {
        shuffle(order, n, &lot);
        for (size_t i = 0; i < n; i++)
            take_turn(&runs[order[i]], step);
    }
    for (size_t i = 0; i < n; i++) {
        methods[runs[i].method].kind->close(runs[i].state);
        free(runs[i].at);
    }
}

static int number(const char *text)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 0 || value > INT_MAX)
        die("not a number");
    return (int)value;
}

int main(int argc, char **argv)
{
    enum { NAME = 1, START, STEPS, SEED, LAST_SEED, SIDE, PARTS, METHOD };
    struct run runs[METHODS];
    size_t n = 0;
    for (size_t i = 0; argc == 1 && i < METHODS; i++)
        printf("%s%s\n", methods[i].name, methods[i].kind->any_parts ? " parts" : "");
    if (argc == 1)
        return 0;
    if (argc <= METHOD)
        return 2;
    for (size_t i = 0; i < METHODS; i++)
        for (int k = METHOD; k < argc; k++)
            if (strcmp(methods[i].name, argv[k]) == 0)
                runs[n++].method = i;

    int level; /* Scotch calls MPI from threads of its own */
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    where = argv[NAME];
    const int side = number(argv[SIDE]), last = number(argv[LAST_SEED]);
    parts = number(argv[PARTS]) > 0 ? number(argv[PARTS]) : size;
    if (n != (size_t)(argc - METHOD) || parts % size != 0 || side < 2)
        die("unknown or doubled methods, or parts that are no multiple of the ranks");
    for (size_t i = 0; i < n; i++)
        if (parts != size && !methods[runs[i].method].kind->any_parts)
            die("a method knows no parts but ranks");
    for (int seed = number(argv[SEED]); seed <= last; seed++) {
        if (!ffmk_workload_begin(&workload, argv[NAME], (uint32_t)parts, (uint32_t)side,
                                 (uint64_t)seed))
            die("unknown workload");
        compare(runs, n,
                strcmp(argv[START], "slabs") == 0 ? FFMK_WORKLOAD_SLABS : FFMK_WORKLOAD_BLOCKS,
                number(argv[STEPS]));
    }
    MPI_Finalize();
    return 0;
}

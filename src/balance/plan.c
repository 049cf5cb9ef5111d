/* SPDX-License-Identifier: BSD-3-Clause
 * A plan for a registry: a part on each rank, run by MPI; and who has to know what it came to. */
#include "balance/plan.h"

#include "balance/directory.h"
#include "balance/drive.h"
#include "balance/entrance.h"
#include "balance/rules.h"
#include "balance/source.h"
#include "core/clock.h"
#include "core/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double MEMORY_MOST = 1e15; /* in largest items: no limit */
/* Loads are divided by limits; and this is less than any item that has bytes. */
static const double MEMORY_LEAST = 1e-20;

/* Agreement before anything else. A value and its complement have the same minimum where all ranks
 * gave the same, and the complement's least is the largest. */
struct agreed {
    bool known;
    bool limited;      /* a rank has a memory limit */
    bool asked;        /* some rank wants to know what the plan comes to */
    unsigned look_ups; /* rounds of the directory, where links are not known */
    struct ffmk_source_units units;
};

static struct ffmk_rules rules_of(const struct ffmk_team *team, const ffmk_balance_options *options,
                                  const struct agreed *agreed)
{
    struct ffmk_rules rules = ffmk_rules_of(options, team->size);
    rules.n_weights = agreed->units.n_weights + agreed->limited;
    rules.n_shared = agreed->units.n_weights;
    return rules;
}

static uint64_t bits_of(double value)
{
    uint64_t bits; /* in the order of the values, for none is negative */
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Largest values of the table, as values whose least over the ranks tells the largest. */
enum { LARGEST = FFMK_WEIGHTS_MOST + 3 };

static void find_largest(const struct ffmk_table *table, uint64_t largest[LARGEST])
{
    double values[LARGEST] = {0};
    values[LARGEST - 1] = 1; /* weights an item has */
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[i];
        for (unsigned d = 0; d <= entry->n_more; d++)
            values[d] = fmax(values[d], ffmk_entry_weight(entry, d));
        values[LARGEST - 3] = fmax(values[LARGEST - 3], entry->link_most);
        values[LARGEST - 2] = fmax(values[LARGEST - 2], (double)entry->bytes);
        values[LARGEST - 1] = fmax(values[LARGEST - 1], (double)(1 + entry->n_more));
    }
    for (int v = 0; v < LARGEST; v++)
        largest[v] = ~bits_of(values[v]);
}

static double or_one(uint64_t least)
{
    const double value = value_of(~least);
    return value > 0 ? value : 1;
}

/* What the ranks must have set alike. */
enum { OPTIONS = 7, REST = 2 * OPTIONS };

static const char *const option_names[OPTIONS] = {
    "imbalance", "seed", "max_rounds", "conductance", "migration_price", "min_items", "calibrate"};

static void write_options(const ffmk_balance_options *options, uint64_t values[REST])
{
    const uint64_t given[OPTIONS] = {bits_of(options->imbalance),
                                     options->seed,
                                     (uint64_t)options->max_rounds,
                                     bits_of(options->conductance),
                                     bits_of(options->migration_price),
                                     options->min_items,
                                     options->calibrate != 0};
    for (int v = 0; v < OPTIONS; v++) {
        values[v] = given[v];
        values[OPTIONS + v] = ~given[v];
    }
}

static int compare_options(const struct ffmk_team *team, const uint64_t least[REST])
{
    for (int v = 0; v < OPTIONS; v++)
        if (least[v] != ~least[OPTIONS + v]) {
            if (team->rank == 0)
                ffmk_log_mistake(
                    "balance: the option %s differs between ranks; all must set the same",
                    option_names[v]);
            return FFMK_ERR_ARGUMENT;
        }
    return FFMK_SUCCESS;
}

static int enter(const struct ffmk_team *team, int code, const struct ffmk_table *table,
                 const struct ffmk_plan_wish *wish, struct agreed *agreed)
{
    static const enum ffmk_entrance_call calls[] = {[FFMK_PLAN_ONLY] = FFMK_ENTRANCE_PLAN,
                                                    [FFMK_PLAN_MOVES] = FFMK_ENTRANCE_REBALANCE,
                                                    [FFMK_PLAN_GIVEN] = FFMK_ENTRANCE_MIGRATE};
    uint64_t values[FFMK_ENTRANCE_VALUES] = {0};
    uint64_t *rest = values + REST, *largest = rest + 4;
    _Static_assert(REST + 4 + LARGEST <= FFMK_ENTRANCE_VALUES, "no room at the entrance");
    write_options(&wish->options, values);
    rest[0] = wish->known;
    rest[1] = wish->able.memory_limit == SIZE_MAX;
    rest[2] = !wish->asks;
    rest[3] = ~(uint64_t)ffmk_directory_rounds(table);
    find_largest(table, largest);
    code = ffmk_entrance_enter(team, calls[wish->call], code, values);
    if (code)
        return code;
    agreed->known = rest[0] != 0;
    agreed->limited = rest[1] == 0;
    agreed->asked = rest[2] == 0;
    agreed->look_ups = (unsigned)~rest[3];
    for (int d = 0; d < FFMK_WEIGHTS_MOST; d++)
        agreed->units.weights[d] = or_one(largest[d]);
    agreed->units.link = or_one(largest[LARGEST - 3]);
    agreed->units.bytes = or_one(largest[LARGEST - 2]);
    agreed->units.n_weights = (unsigned)or_one(largest[LARGEST - 1]);
    return compare_options(team, values);
}

static size_t place_of(const struct ffmk_table *table, const size_t *order, uint64_t id)
{
    size_t low = 0; /* order is ascending */
    for (size_t high = table->n; high - low > 1;) {
        const size_t middle = low + (high - low) / 2;
        if (table->entries[order[middle]].id <= id)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Tell every item's home where the best plan puts it. */
static int bring_home(struct ffmk_team *team, const struct ffmk_graph *graph,
                      const struct ffmk_table *table, struct ffmk_plan *plan)
{
    struct ffmk_mail outgoing = {0}, incoming = {0};
    for (size_t i = 0; i < table->n; i++)
        plan->destinations[i] = team->rank;
    for (uint32_t i = 0; i < graph->n_places; i++) {
        const struct ffmk_graph_item *item = &graph->items[i];
        if (!ffmk_graph_is_held(graph, i) || item->best == item->home)
            continue;
        struct ffmk_wire_out *out = ffmk_mail_to(&outgoing, item->home);
        ffmk_wire_put_u64(out, ffmk_graph_id(graph, i));
        ffmk_wire_put_u32(out, (uint32_t)item->best);
    }
    const int code = ffmk_exchange_sparse(team, &outgoing, &incoming);
    for (size_t p = 0; p < incoming.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&incoming, p);
        while (in.at < in.length && !in.failed) {
            const size_t place = place_of(table, plan->order, ffmk_wire_get_u64(&in));
            plan->destinations[place] = (int)ffmk_wire_get_u32(&in);
        }
    }
    ffmk_mail_free(&outgoing);
    ffmk_mail_free(&incoming);
    return code;
}

static int compare_ranks(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int *ffmk_plan_linked_ranks(const struct ffmk_team *team, const struct ffmk_table *table,
                            size_t *n_p)
{
    struct ffmk_idmap seen = {0};
    size_t n = 0, capacity = 16;
    int *ranks = malloc(capacity * sizeof *ranks);
    int last = team->rank; /* most links lead where the one before led */
    bool failed = !ranks;
    for (size_t i = 0; i < table->n && !failed; i++) {
        const struct ffmk_entry *entry = &table->entries[i];
        for (size_t k = 0; entry->outer && k < ffmk_entry_links(entry) && !failed; k++) {
            const int rank = entry->link_ranks[k];
            if (rank == last || rank == team->rank)
                continue;
            last = rank;
            if (ffmk_idmap_get(&seen, (uint64_t)rank) != FFMK_IDMAP_NONE)
                continue;
            if (n == capacity) {
                int *more = realloc(ranks, (capacity *= 2) * sizeof *ranks);
                failed = !more;
                ranks = more ? more : ranks;
            }
            failed = failed || !ffmk_idmap_put(&seen, (uint64_t)rank, n);
            if (!failed)
                ranks[n++] = rank;
        }
    }
    ffmk_idmap_free(&seen);
    if (failed) {
        free(ranks);
        return NULL;
    }
    if (n > 1)
        qsort(ranks, n, sizeof *ranks, compare_ranks);
    *n_p = n;
    return ranks;
}

/* A letter to each linked rank: which of our items that are linked to its own go where. */
static void write_news(const struct ffmk_team *team, const struct ffmk_table *table,
                       const struct ffmk_plan *plan, size_t n, const int *ranks,
                       struct ffmk_wire_out *letters)
{
    for (size_t i = 0; i < table->n; i++) {
        if (plan->destinations[i] == team->rank)
            continue;
        const struct ffmk_entry *entry = &table->entries[plan->order[i]];
        for (size_t k = 0; k < ffmk_entry_links(entry); k++) {
            const int rank = entry->link_ranks[k];
            bool told = rank == team->rank;
            for (size_t l = k; l > 0 && k - l < 8 && !told; l--) /* saves most repetitions */
                told = entry->link_ranks[l - 1] == rank;
            if (told)
                continue;
            const int *at = bsearch(&rank, ranks, n, sizeof *ranks, compare_ranks);
            struct ffmk_wire_out *out = &letters[at - ranks];
            ffmk_wire_put_u64(out, entry->id);
            ffmk_wire_put_u32(out, (uint32_t)plan->destinations[i]);
        }
    }
}

static void free_letters(struct ffmk_wire_out *letters, size_t n)
{
    for (size_t k = 0; letters && k < n; k++)
        ffmk_wire_free(&letters[k]);
    free(letters);
}

/* Tell the holders of linked items where ours go, and hear the same. \return how this rank fared.
 */
static int spread_news(struct ffmk_team *team, const struct ffmk_table *table,
                       struct ffmk_plan *plan)
{
    size_t n = 0;
    int *ranks = ffmk_plan_linked_ranks(team, table, &n);
    struct ffmk_wire_out *outgoing = calloc(n + 1, sizeof *outgoing);
    struct ffmk_wire_out *incoming = calloc(n + 1, sizeof *incoming);
    int code = FFMK_ERR_NO_MEMORY;
    if (ranks && outgoing && incoming) {
        write_news(team, table, plan, n, ranks, outgoing);
        code = ffmk_exchange_letters(team, n, ranks, outgoing, incoming);
    }
    bool known = true;
    for (size_t i = 0; i < table->n && known; i++)
        if (plan->destinations[i] != team->rank)
            known = ffmk_idmap_put(&plan->whereto, table->entries[plan->order[i]].id,
                                   (size_t)plan->destinations[i]);
    for (size_t k = 0; k < n && !code; k++) {
        struct ffmk_wire_in in = {.data = incoming[k].data, .length = incoming[k].length};
        while (in.at < in.length && !in.failed && known) {
            const uint64_t id = ffmk_wire_get_u64(&in);
            known = ffmk_idmap_put(&plan->whereto, id, (size_t)ffmk_wire_get_u32(&in));
        }
    }
    free_letters(outgoing, n);
    free_letters(incoming, n);
    free(ranks);
    return known ? code : FFMK_ERR_NO_MEMORY;
}

/* Weight of the links of this rank's items that lead to another rank, in `unit`. Each link is
 * listed at both ends. */
static double cut_of(const struct ffmk_team *team, const struct ffmk_table *table, double unit)
{
    double cut = 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[i];
        for (size_t k = 0; entry->outer && k < ffmk_entry_links(entry); k++)
            if (entry->link_ranks[k] != team->rank)
                cut += entry->links[k].weight / unit;
    }
    return cut / 2;
}

/* What the plan adds to that. A link whose other end moves, too, is seen there again. */
static double cut_added(const struct ffmk_team *team, const struct ffmk_table *table,
                        const struct ffmk_plan *plan)
{
    double added = 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[plan->order[i]];
        const int here = plan->destinations[i];
        for (size_t k = 0; here != team->rank && k < ffmk_entry_links(entry); k++) {
            const size_t moved = ffmk_idmap_get(&plan->whereto, entry->links[k].id);
            const int there = moved == FFMK_IDMAP_NONE ? entry->link_ranks[k] : (int)moved;
            const int change = (here != there) - (entry->link_ranks[k] != team->rank);
            added += change * entry->links[k].weight / plan->link_unit *
                     (moved == FFMK_IDMAP_NONE ? 1 : 0.5);
        }
    }
    return added;
}

/* What it came to, for all ranks. \return the least of their codes. */
static int sum_up(const struct ffmk_team *team, int code, const struct ffmk_table *table,
                  uint64_t start_ns, struct ffmk_plan *plan)
{
    double sums[4] = {0};
    double largest[2] = {-(double)code, (double)(ffmk_clock_ns() - start_ns) * 1e-9};
    if (!code) {
        for (size_t i = 0; i < table->n; i++)
            if (plan->destinations[i] != team->rank) {
                sums[0]++;
                sums[1] += table->entries[plan->order[i]].weight / plan->weight_unit;
            }
        sums[2] = cut_of(team, table, plan->link_unit);
        sums[3] = cut_added(team, table, plan);
    }
    code = ffmk_team_max(team, largest, 2);
    if (!code)
        code = ffmk_team_sum(team, sums, 4);
    plan->plan_s = largest[1];
    plan->items_moved = (uint64_t)sums[0];
    plan->weight_moved = sums[1];
    plan->cut_before = sums[2] * plan->link_unit;
    plan->cut_after = (sums[2] + sums[3]) * plan->link_unit;
    return code ? code : -(int)largest[0];
}

/* Have the parts of all ranks find where items should go. */
static int find(struct ffmk_team *team, const struct ffmk_table *table,
                const struct ffmk_plan_wish *wish, const struct agreed *agreed,
                struct ffmk_plan *plan)
{
    const struct ffmk_rules rules = rules_of(team, &wish->options, agreed);
    struct ffmk_part_result result;
    struct ffmk_drive drive;
    ffmk_drive_begin(&drive, team, &rules); /* one part: cannot fail */
    struct ffmk_part *part = drive.parts;
    part->capacity = wish->able.capacity;
    part->own_limit[rules.n_shared] = fmax(
        fmin((double)wish->able.memory_limit / agreed->units.bytes, MEMORY_MOST), MEMORY_LEAST);
    struct ffmk_source source = {
        .rank = team->rank, .table = table, .order = plan->order, .units = &agreed->units};
    int code = ffmk_source_fill(&source, &part->graph);
    code = ffmk_drive_run(&drive, code, &result);
    if (!code) {
        plan->imbalance_before = result.imbalance_before;
        plan->imbalance_after = result.imbalance_after;
        plan->imbalance_bound = result.bound;
        plan->rounds = result.passes;
        code = bring_home(team, &part->graph, table, plan);
    }
    ffmk_drive_free(&drive);
    ffmk_source_free(&source);
    return code;
}

/* Take the caller's plan; pinned items stay where they are. */
static int take(struct ffmk_team *team, struct ffmk_table *table, const struct ffmk_plan_wish *wish,
                struct ffmk_plan *plan)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[plan->order[i]];
        plan->destinations[i] = entry->pinned ? team->rank : wish->destinations[i];
    }
    const int code = ffmk_plan_measure(team, 0, table, &wish->able, plan);
    plan->imbalance_before = plan->imbalance_bound = plan->imbalance_after;
    return code;
}

int ffmk_plan_make(struct ffmk_team *team, int code, struct ffmk_table *table,
                   const struct ffmk_plan_wish *wish, struct ffmk_plan *plan)
{
    struct agreed agreed = {.known = false};
    const uint64_t start_ns = ffmk_clock_ns();

    plan->order = ffmk_table_order(table);
    plan->destinations = malloc((table->n + 1) * sizeof *plan->destinations);
    if (!code && (!plan->order || !plan->destinations))
        code = FFMK_ERR_NO_MEMORY;
    code = enter(team, code, table, wish, &agreed);
    if (!code && !agreed.known)
        code = ffmk_directory_resolve(team, code, agreed.look_ups, table);
    if (code || !plan->order || !plan->destinations)
        return code;
    plan->n_weights = agreed.units.n_weights;
    memcpy(plan->units, agreed.units.weights, sizeof plan->units);
    plan->weight_unit = agreed.units.weights[0];
    plan->link_unit = agreed.units.link;
    code = wish->call == FFMK_PLAN_GIVEN ? take(team, table, wish, plan)
                                         : find(team, table, wish, &agreed, plan);
    if (wish->call == FFMK_PLAN_ONLY && !agreed.asked)
        return ffmk_team_agree(team, code);
    if (!code && (plan->rounds > 0 || wish->call == FFMK_PLAN_GIVEN))
        code = spread_news(team, table, plan);
    return sum_up(team, code, table, start_ns, plan);
}

int ffmk_plan_measure(struct ffmk_team *team, unsigned look_ups, struct ffmk_table *table,
                      const struct ffmk_plan_rank *able, struct ffmk_plan *plan)
{
    enum { SUMS = FFMK_WEIGHTS_MOST + 2 };
    double sums[SUMS] = {0}, largest[FFMK_WEIGHTS_MOST] = {0};
    int code =
        look_ups > 0 ? ffmk_directory_resolve(team, FFMK_SUCCESS, look_ups, table) : FFMK_SUCCESS;
    if (code)
        return code;
    for (size_t i = 0; i < table->n; i++)
        for (unsigned d = 0; d < plan->n_weights; d++)
            sums[d] += ffmk_entry_weight(&table->entries[i], d) / plan->units[d];
    for (unsigned d = 0; d < plan->n_weights; d++)
        largest[d] = sums[d] / able->capacity;
    sums[SUMS - 2] = able->capacity;
    sums[SUMS - 1] = cut_of(team, table, plan->link_unit);
    code = ffmk_team_max(team, largest, FFMK_WEIGHTS_MOST);
    if (!code)
        code = ffmk_team_sum(team, sums, SUMS);
    plan->imbalance_after = 1;
    for (unsigned d = 0; d < plan->n_weights; d++)
        if (sums[d] > 0)
            plan->imbalance_after =
                fmax(plan->imbalance_after, largest[d] / (sums[d] / sums[SUMS - 2]));
    plan->cut_after = sums[SUMS - 1] * plan->link_unit;
    return code;
}

void ffmk_plan_free(struct ffmk_plan *plan)
{
    free(plan->order);
    free(plan->destinations);
    ffmk_idmap_free(&plan->whereto);
    *plan = (struct ffmk_plan){0};
}

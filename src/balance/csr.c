/* SPDX-License-Identifier: BSD-3-Clause
 * A plan for a graph in compressed rows, whose vertices lie on the ranks in any way, into any
 * number of parts. Nothing moves. */
#include "balance/csr.h"

#include "balance/directory.h"
#include "balance/drive.h"
#include "balance/registry.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The caller's graph on this rank. */
struct csr {
    struct ffmk_team team;
    const ffmk_csr *in;
    const struct ffmk_csr_room *room;
    size_t n;      /* vertices here */
    int64_t first; /* id of the first */
    int *part;     /* of each: the caller's */
    int64_t *far;  /* ids of other ranks' vertices that ours are linked to, ascending */
    int *far_part; /* theirs */
    size_t n_far;
    double weight_units[FFMK_WEIGHTS_MOST], link_unit;
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ffmk_log_mistake("ffmk_balance_csr: %s", text);
    return FFMK_ERR_ARGUMENT;
}

static bool is_cost(double value)
{
    return isfinite(value) && value >= 0;
}

static int check_shape(const ffmk_csr *in, const struct ffmk_csr_room *room, int size, int rank)
{
    if (!in || in->size != sizeof *in)
        return refuse("csr is NULL or its size is not that of FFMK_CSR_INIT");
    if (!in->vtxdist)
        return refuse("vtxdist is NULL");
    if (room && room->vtxdist != (int64_t)size + 1)
        return refuse("vtxdist has %" PRId64 " entries and must have ranks + 1, %d", room->vtxdist,
                      size + 1);
    for (int r = 0; r < size; r++)
        if (in->vtxdist[0] != 0 || in->vtxdist[r + 1] < in->vtxdist[r])
            return refuse("vtxdist begins with 0 and does not fall; entry %d is %" PRId64, r + 1,
                          in->vtxdist[r + 1]);
    if (in->ncon < 1 || in->ncon > FFMK_WEIGHTS_MOST)
        return refuse("ncon is %d and must be 1 to %d", in->ncon, FFMK_WEIGHTS_MOST);
    if (in->nparts < 1)
        return refuse("nparts is %d and must be at least 1", in->nparts);
    const int64_t n = in->vtxdist[rank + 1] - in->vtxdist[rank];
    if (room && room->n < 0)
        return refuse("the arrays are not for the same vertices and edges: their lengths differ");
    if (room && room->n != n)
        return refuse("the arrays are for %" PRId64 " vertices, by vtxdist there are %" PRId64,
                      room->n, n);
    if (n > 0 && (!in->xadj || (in->xadj[n] > in->xadj[0] && !in->adjncy)))
        return refuse("%s is NULL for %" PRId64 " vertices", in->xadj ? "adjncy" : "xadj", n);
    if (n > 0 && in->xadj[0] < 0)
        return refuse("xadj[0] is %" PRId64 " and must not be negative", in->xadj[0]);
    for (int p = 0; in->tpwgts && p < in->nparts; p++)
        if (!(isfinite(in->tpwgts[p]) && in->tpwgts[p] > 0))
            return refuse("tpwgts[%d] is %g and must be finite and above 0", p, in->tpwgts[p]);
    return FFMK_SUCCESS;
}

static int check_values(const struct csr *csr)
{
    const ffmk_csr *in = csr->in;
    const int64_t all = in->vtxdist[csr->team.size];
    for (size_t i = 0; i < csr->n; i++) /* before anything is looked up by it */
        if (in->xadj[i + 1] < in->xadj[i])
            return refuse("xadj must not fall; at vertex %zu it does, from %" PRId64 " to %" PRId64,
                          i, in->xadj[i], in->xadj[i + 1]);
    for (size_t i = 0; i < csr->n; i++) {
        if (csr->part[i] < 0 || csr->part[i] >= in->nparts)
            return refuse("part[%zu] is %d and must be 0 to %d", i, csr->part[i], in->nparts - 1);
        for (int d = 0; in->vwgt && d < in->ncon; d++)
            if (!is_cost(in->vwgt[i * (size_t)in->ncon + (size_t)d]))
                return refuse("vwgt of vertex %zu is %g; finite and not negative is allowed", i,
                              in->vwgt[i * (size_t)in->ncon + (size_t)d]);
        for (int axis = 0; in->xyz && axis < 3; axis++)
            if (!isfinite(in->xyz[3 * i + (size_t)axis]))
                return refuse("xyz of vertex %zu is not finite", i);
        for (int64_t k = in->xadj[i]; k < in->xadj[i + 1]; k++) {
            if (in->adjncy[k] < 0 || in->adjncy[k] >= all ||
                in->adjncy[k] == csr->first + (int64_t)i)
                return refuse("adjncy of vertex %zu has %" PRId64 "; other vertices, 0 to %" PRId64
                              ", are allowed",
                              i, in->adjncy[k], all - 1);
            if (in->adjwgt && !is_cost(in->adjwgt[k]))
                return refuse("adjwgt of an edge of vertex %zu is %g; finite and not negative is "
                              "allowed",
                              i, in->adjwgt[k]);
        }
    }
    return FFMK_SUCCESS;
}

static double vertex_weight(const struct csr *csr, size_t vertex, int weight)
{
    const ffmk_csr *in = csr->in;
    return in->vwgt ? in->vwgt[vertex * (size_t)in->ncon + (size_t)weight] : 1;
}

static double link_weight(const struct csr *csr, int64_t k)
{
    return csr->in->adjwgt ? csr->in->adjwgt[k] : 1;
}

static bool is_here(const struct csr *csr, int64_t id)
{
    return id >= csr->first && id < csr->first + (int64_t)csr->n;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int find_far(struct csr *csr)
{
    const ffmk_csr *in = csr->in;
    size_t n = 0;
    for (int64_t k = csr->n ? in->xadj[0] : 0; csr->n && k < in->xadj[csr->n]; k++)
        n += !is_here(csr, in->adjncy[k]);
    csr->far = malloc((n + 1) * sizeof *csr->far);
    csr->far_part = malloc((n + 1) * sizeof *csr->far_part);
    if (!csr->far || !csr->far_part)
        return FFMK_ERR_NO_MEMORY;
    n = 0;
    for (int64_t k = csr->n ? in->xadj[0] : 0; csr->n && k < in->xadj[csr->n]; k++)
        if (!is_here(csr, in->adjncy[k]))
            csr->far[n++] = in->adjncy[k];
    if (n > 1)
        qsort(csr->far, n, sizeof *csr->far, compare_ids);
    csr->n_far = 0;
    for (size_t f = 0; f < n; f++)
        if (f == 0 || csr->far[f] != csr->far[f - 1])
            csr->far[csr->n_far++] = csr->far[f];
    return FFMK_SUCCESS;
}

/* Whether each edge is listed at both ends, as often: parts that disagree on their borders would
 * wait for each other for ever. All edges one way sum up to the same as all the other way. `code`
 * is how this rank fared. */
static int compare_ends(const struct csr *csr, int code)
{
    const ffmk_csr *in = csr->in;
    uint64_t sums[2] = {code != 0, 0}; /* here only memory can run out */
    for (size_t i = 0; i < csr->n; i++)
        for (int64_t k = in->xadj[i]; k < in->xadj[i + 1]; k++) {
            const uint64_t here = (uint64_t)csr->first + i, there = (uint64_t)in->adjncy[k];
            sums[1] += ffmk_rng_mix(ffmk_rng_mix(here) + there);
            sums[1] -= ffmk_rng_mix(ffmk_rng_mix(there) + here);
        }
    const int failed = ffmk_team_sum_u64(&csr->team, sums, 2);
    if (failed || sums[0] > 0)
        return failed ? failed : FFMK_ERR_NO_MEMORY;
    if (sums[1] == 0)
        return FFMK_SUCCESS;
    return csr->team.rank == 0 ? refuse("an edge of adjncy is listed at one end only, or more "
                                        "often there; all must be at both ends, as often")
                               : FFMK_ERR_ARGUMENT;
}

static int owner_of(const struct csr *csr, int64_t id)
{
    int low = 0;
    for (int high = csr->team.size; high - low > 1;) {
        const int middle = low + (high - low) / 2;
        if (csr->in->vtxdist[middle] <= id)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Ask the owners of far vertices for their parts, as they are now. Collective.
 * \return how this rank fared. */
static int ask_far(struct csr *csr)
{
    struct ffmk_mail questions = {0}, asked = {0}, answers = {0}, told = {0};
    int owner = 0;
    for (size_t f = 0; f < csr->n_far; f++) {
        if (f == 0 || csr->far[f] >= csr->in->vtxdist[owner + 1])
            owner = owner_of(csr, csr->far[f]);
        ffmk_wire_put_u64(ffmk_mail_to(&questions, owner), (uint64_t)csr->far[f]);
    }
    int code = ffmk_exchange_sparse(&csr->team, &questions, &asked);
    for (size_t p = 0; p < asked.n; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&asked, p);
        struct ffmk_wire_out *out = ffmk_mail_to(&answers, asked.letters[p].rank);
        while (in.at < in.length && !in.failed) {
            const int64_t id = (int64_t)ffmk_wire_get_u64(&in);
            ffmk_wire_put_u32(out, is_here(csr, id) ? (uint32_t)csr->part[id - csr->first] : 0);
        }
    }
    const int answered = ffmk_exchange_sparse(&csr->team, &answers, &told);
    code = code ? code : answered;
    size_t f = 0; /* owners ascend with the ids, and so do the letters */
    for (size_t p = 0; p < told.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&told, p);
        while (in.at < in.length && !in.failed && f < csr->n_far)
            csr->far_part[f++] = (int)ffmk_wire_get_u32(&in);
    }
    ffmk_mail_free(&questions);
    ffmk_mail_free(&asked);
    ffmk_mail_free(&answers);
    ffmk_mail_free(&told);
    return code;
}

static int part_of(const struct csr *csr, int64_t id)
{
    if (is_here(csr, id))
        return csr->part[id - csr->first];
    const int64_t *at = bsearch(&id, csr->far, csr->n_far, sizeof id, compare_ids);
    return at ? csr->far_part[at - csr->far] : 0;
}

/* What the ranks must give alike. */
enum { ALIKE = 10, UNITS = 2 * ALIKE, LARGEST = FFMK_WEIGHTS_MOST + 1 };

static const char *const alike_names[ALIKE] = {"nparts",
                                               "ncon",
                                               "vtxdist",
                                               "tpwgts",
                                               "the option seed",
                                               "the option max_rounds",
                                               "the option imbalance",
                                               "the option conductance",
                                               "the option migration_price",
                                               "the option min_items"};

static uint64_t bits_of(double value)
{
    uint64_t bits; /* in the order of the values, for none is negative */
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void write_alike(const struct csr *csr, const ffmk_balance_options *options,
                        uint64_t values[ALIKE])
{
    const ffmk_csr *in = csr->in;
    values[0] = (uint64_t)in->nparts;
    values[1] = (uint64_t)in->ncon;
    for (int r = 0; r <= csr->team.size; r++)
        values[2] = ffmk_rng_mix(values[2] ^ (uint64_t)in->vtxdist[r]);
    for (int p = 0; in->tpwgts && p < in->nparts; p++)
        values[3] = ffmk_rng_mix(values[3] ^ bits_of(in->tpwgts[p]));
    values[4] = options->seed;
    values[5] = (uint64_t)options->max_rounds;
    values[6] = bits_of(options->imbalance);
    values[7] = bits_of(options->conductance);
    values[8] = bits_of(options->migration_price);
    values[9] = options->min_items;
}

static void find_largest(const struct csr *csr, double largest[LARGEST])
{
    const ffmk_csr *in = csr->in;
    for (size_t i = 0; i < csr->n; i++) {
        for (int d = 0; d < in->ncon; d++)
            largest[d] = fmax(largest[d], vertex_weight(csr, i, d));
        for (int64_t k = in->xadj[i]; k < in->xadj[i + 1]; k++)
            largest[LARGEST - 1] = fmax(largest[LARGEST - 1], link_weight(csr, k));
    }
}

static double or_one(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value > 0 ? value : 1;
}

/* Begin: agree on what all have to give alike, and find the units. */
static int enter(struct csr *csr, int code, const ffmk_balance_options *options)
{
    uint64_t values[FFMK_ENTRANCE_VALUES] = {0}, *units = values + UNITS;
    double largest[LARGEST] = {0};
    _Static_assert(UNITS + LARGEST <= FFMK_ENTRANCE_VALUES, "no room at the entrance");
    if (!code) {
        write_alike(csr, options, values);
        find_largest(csr, largest);
    }
    for (int v = 0; v < ALIKE; v++)
        values[ALIKE + v] = ~values[v];
    for (int d = 0; d < LARGEST; d++)
        units[d] = ~bits_of(largest[d]);
    code = ffmk_entrance_enter(&csr->team, FFMK_ENTRANCE_CSR, code, values);
    for (int v = 0; v < ALIKE && !code; v++)
        if (values[v] != ~values[ALIKE + v])
            return csr->team.rank == 0
                       ? refuse("%s: the ranks differ; all must give the same", alike_names[v])
                       : FFMK_ERR_ARGUMENT;
    for (int d = 0; d < FFMK_WEIGHTS_MOST; d++)
        csr->weight_units[d] = or_one(~units[d]);
    csr->link_unit = or_one(~units[LARGEST - 1]);
    return code;
}

/* A vertex as its part's host gets it. */
static void describe(const struct csr *csr, size_t vertex, struct ffmk_graph_record *record,
                     double *weights, struct ffmk_graph_target *links)
{
    const ffmk_csr *in = csr->in;
    *record =
        (struct ffmk_graph_record){.id = (uint64_t)csr->first + vertex,
                                   .home = csr->team.rank,
                                   .origin = csr->part[vertex],
                                   .best = csr->part[vertex],
                                   .n_links = (uint32_t)(in->xadj[vertex + 1] - in->xadj[vertex]),
                                   .placed = in->xyz != NULL};
    for (size_t axis = 0; in->xyz && axis < 3; axis++)
        record->position[axis] = (float)in->xyz[3 * vertex + axis];
    for (int d = 0; d < in->ncon; d++)
        weights[d] = vertex_weight(csr, vertex, d) / csr->weight_units[d];
    for (uint32_t k = 0; k < record->n_links; k++) {
        const int64_t at = in->xadj[vertex] + k;
        links[k] = (struct ffmk_graph_target){(uint64_t)in->adjncy[at],
                                              (float)(link_weight(csr, at) / csr->link_unit),
                                              part_of(csr, in->adjncy[at])};
    }
}

static int add(struct ffmk_drive *drive, const struct ffmk_graph_record *record,
               const double *weights, const struct ffmk_graph_target *links)
{
    struct ffmk_graph *graph = &ffmk_drive_part(drive, record->origin)->graph;
    if (!ffmk_graph_reserve(graph, 1, record->n_links, record->n_links))
        return FFMK_ERR_NO_MEMORY;
    ffmk_graph_add(graph, record, weights, links);
    return FFMK_SUCCESS;
}

/* Bring every vertex to the host of its part. \return how this rank fared. */
static int fill(struct csr *csr, struct ffmk_drive *drive)
{
    const size_t weight_bytes = (size_t)csr->in->ncon * sizeof(double);
    struct ffmk_mail outgoing = {0}, incoming = {0};
    size_t most = 0;
    for (size_t i = 0; i < csr->n; i++) {
        const size_t degree = (size_t)(csr->in->xadj[i + 1] - csr->in->xadj[i]);
        most = degree > most ? degree : most;
    }
    struct ffmk_graph_target *links = malloc((most + 1) * sizeof *links);
    int code = links ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
    for (size_t i = 0; i < csr->n && !code; i++) {
        struct ffmk_graph_record record;
        double weights[FFMK_WEIGHTS_MOST];
        const int host = ffmk_drive_host(drive, csr->part[i]);
        describe(csr, i, &record, weights, links);
        if (host == csr->team.rank) {
            code = add(drive, &record, weights, links);
            continue;
        }
        struct ffmk_wire_out *out = ffmk_mail_to(&outgoing, host);
        ffmk_wire_put_bytes(out, &record, sizeof record);
        ffmk_wire_put_bytes(out, weights, weight_bytes);
        ffmk_wire_put_bytes(out, links, record.n_links * sizeof *links);
    }
    free(links);
    const int sent = ffmk_exchange_sparse(&csr->team, &outgoing, &incoming);
    code = code ? code : sent;
    ffmk_mail_free(&outgoing);
    for (size_t p = 0; p < incoming.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&incoming, p);
        while (in.at < in.length && !code) {
            const struct ffmk_graph_record *record = ffmk_wire_get_bytes(&in, sizeof *record);
            const double *weights = ffmk_wire_get_bytes(&in, weight_bytes);
            const void *targets =
                record ? ffmk_wire_get_bytes(&in, record->n_links * sizeof *links) : NULL;
            code = !record || in.failed ? FFMK_ERR_NO_MEMORY : add(drive, record, weights, targets);
        }
    }
    ffmk_mail_free(&incoming);
    return code;
}

/* Tell every vertex's rank where the best plan puts it. */
static int bring_home(struct csr *csr, struct ffmk_drive *drive)
{
    struct ffmk_mail outgoing = {0}, incoming = {0};
    for (int p = 0; p < drive->n; p++) {
        const struct ffmk_graph *graph = &drive->parts[p].graph;
        for (uint32_t i = 0; i < graph->n_places; i++) {
            const struct ffmk_graph_item *item = &graph->items[i];
            if (!ffmk_graph_is_held(graph, i) || item->best == item->origin)
                continue;
            struct ffmk_wire_out *out = ffmk_mail_to(&outgoing, item->home);
            ffmk_wire_put_u64(out, ffmk_graph_id(graph, i));
            ffmk_wire_put_u32(out, (uint32_t)item->best);
        }
    }
    const int code = ffmk_exchange_sparse(&csr->team, &outgoing, &incoming);
    for (size_t p = 0; p < incoming.n && !code; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(&incoming, p);
        while (in.at < in.length && !in.failed) {
            const int64_t id = (int64_t)ffmk_wire_get_u64(&in);
            const int part = (int)ffmk_wire_get_u32(&in);
            if (is_here(csr, id))
                csr->part[id - csr->first] = part;
        }
    }
    ffmk_mail_free(&outgoing);
    ffmk_mail_free(&incoming);
    return code;
}

static double cut_of(const struct csr *csr)
{
    double cut = 0;
    for (size_t i = 0; i < csr->n; i++)
        for (int64_t k = csr->in->xadj[i]; k < csr->in->xadj[i + 1]; k++)
            if (part_of(csr, csr->in->adjncy[k]) != csr->part[i])
                cut += link_weight(csr, k) / csr->link_unit;
    return cut / 2;
}

/* What came of it, for all ranks. `before`: the parts as they were. */
static int sum_up(struct csr *csr, int code, const int *before,
                  const struct ffmk_part_result *result, uint64_t start_ns, ffmk_balance_info *info)
{
    double sums[3] = {0};
    const int asked = ask_far(csr);
    code = code ? code : asked;
    for (size_t i = 0; i < csr->n && !code; i++)
        if (csr->part[i] != before[i]) {
            sums[0]++;
            sums[1] += vertex_weight(csr, i, 0) / csr->weight_units[0];
        }
    sums[2] = code ? 0 : cut_of(csr);
    double largest[2] = {-(double)code, (double)(ffmk_clock_ns() - start_ns) * 1e-9};
    int failed = ffmk_team_max(&csr->team, largest, 2);
    if (!failed)
        failed = ffmk_team_sum(&csr->team, sums, 3);
    *info = (ffmk_balance_info){.size = sizeof *info,
                                .imbalance_before = result->imbalance_before,
                                .imbalance_after = result->imbalance_after,
                                .imbalance_bound = result->bound,
                                .cut_before = result->cut_before * csr->link_unit,
                                .cut_after = sums[2] * csr->link_unit,
                                .items_moved = (uint64_t)sums[0],
                                .weight_moved = sums[1] * csr->weight_units[0],
                                .rounds = result->passes,
                                .plan_s = largest[1]};
    return failed ? failed : -(int)largest[0];
}

/* The plan, once all ranks gave what is right and alike. */
static int make(struct csr *csr, const ffmk_balance_options *options, ffmk_balance_info *info)
{
    const uint64_t start_ns = ffmk_clock_ns();
    struct ffmk_rules rules = ffmk_rules_of(options, csr->in->nparts);
    struct ffmk_drive drive;
    struct ffmk_part_result result = {0};
    rules.n_weights = rules.n_shared = (unsigned)csr->in->ncon;
    int *before = calloc(csr->n + 1, sizeof *before);
    int code = ffmk_drive_begin(&drive, &csr->team, &rules);
    if (!before)
        code = FFMK_ERR_NO_MEMORY;
    else if (csr->n > 0)
        memcpy(before, csr->part, csr->n * sizeof *before);
    code = compare_ends(csr, code ? code : find_far(csr));
    if (!code)
        code = ffmk_team_agree(&csr->team, ask_far(csr));
    if (!code) {
        for (int p = 0; p < drive.n && csr->in->tpwgts; p++)
            drive.parts[p].capacity = csr->in->tpwgts[drive.first + p];
        code = ffmk_team_agree(&csr->team, fill(csr, &drive));
    }
    if (!code)
        code = ffmk_drive_run(&drive, code, &result);
    if (!code)
        code = sum_up(csr, bring_home(csr, &drive), before, &result, start_ns, info);
    if (code && before && csr->n > 0)
        memcpy(csr->part, before, csr->n * sizeof *before);
    ffmk_drive_free(&drive);
    free(before);
    return code;
}

static int check(struct csr *csr, const ffmk_balance_options *options,
                 const ffmk_balance_info *info)
{
    const ffmk_csr *in = csr->in;
    const int code = check_shape(in, csr->room, csr->team.size, csr->team.rank);
    if (code)
        return code;
    csr->first = in->vtxdist[csr->team.rank];
    csr->n = (size_t)(in->vtxdist[csr->team.rank + 1] - csr->first);
    if (!csr->part && csr->n > 0)
        return refuse("part is NULL for %zu vertices", csr->n);
    if (info && info->size != sizeof *info)
        return refuse("info->size is %zu and not that of FFMK_BALANCE_INFO_INIT", info->size);
    const int valid = check_values(csr);
    return valid ? valid : ffmk_options_check(options, "ffmk_balance_csr");
}

int ffmk_csr_balance(MPI_Comm comm, const ffmk_csr *csr, const struct ffmk_csr_room *room,
                     const ffmk_balance_options *options,
                     int *part, /* NOLINT: it is written through mine */
                     ffmk_balance_info *info)
{
    const ffmk_balance_options defaults = FFMK_BALANCE_OPTIONS_INIT;
    struct csr mine = {.in = csr, .room = room, .part = part};
    struct ffmk_entrance *entrance = NULL;
    if (!ffmk_team_mpi_runs() || !ffmk_registry_takes(comm))
        return refuse("MPI is not running, or the communicator is MPI_COMM_NULL or an "
                      "intercommunicator");
    int code = ffmk_entrance_of(comm, &entrance);
    if (code)
        return code;
    mine.team.entrance = entrance->comm;
    PMPI_Comm_rank(comm, &mine.team.rank);
    PMPI_Comm_size(comm, &mine.team.size);
    mine.team.piece = malloc(FFMK_PIECE_BYTES);
    options = options ? options : &defaults;
    code = mine.team.piece ? check(&mine, options, info) : FFMK_ERR_NO_MEMORY;
    code = enter(&mine, code, options);
    if (!code)
        code = ffmk_team_checked(PMPI_Comm_dup(comm, &mine.team.comm));
    if (!code) {
        ffmk_balance_info found;
        code = make(&mine, options, &found);
        if (!code && info)
            *info = found;
        const int freed = ffmk_team_checked(PMPI_Comm_free(&mine.team.comm));
        code = code ? code : freed;
    }
    free(mine.far);
    free(mine.far_part);
    free(mine.team.piece);
    return code;
}

int ffmk_balance_csr(MPI_Comm comm, const ffmk_csr *csr, const ffmk_balance_options *options,
                     int *part, ffmk_balance_info *info)
{
    return ffmk_csr_balance(comm, csr, NULL, options, part, info);
}

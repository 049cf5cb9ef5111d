/* SPDX-License-Identifier: BSD-3-Clause
 * One migration. The holders of linked items hear of all moves before anything moves, so that every
 * item arrives with the ranks of its links as they will be. */
#include "balance/migrate.h"

#include "balance/manifest.h"
#include <stdlib.h>

/* Letters about our items that leave, one for each linked rank; to be freed with free_letters(). */
static struct ffmk_wire_out *write_news(const struct ffmk_team *team,
                                        const struct ffmk_table *table,
                                        const struct ffmk_plan *plan)
{
    struct ffmk_wire_out *news = calloc(plan->n_linked_ranks + 1, sizeof *news);
    for (size_t w = 0; news && w < plan->n_watchers; w++) {
        const struct ffmk_watcher *watcher = &plan->watchers[w];
        if (plan->destinations[watcher->item] == team->rank)
            continue;
        size_t k = 0; /* where watcher->rank is in linked_ranks */
        for (size_t high = plan->n_linked_ranks; high - k > 1;) {
            const size_t middle = k + (high - k) / 2;
            if (plan->linked_ranks[middle] <= watcher->rank)
                k = middle;
            else
                high = middle;
        }
        ffmk_wire_put_u64(&news[k], table->entries[plan->order[watcher->item]].id);
        ffmk_wire_put_u32(&news[k], (uint32_t)plan->destinations[watcher->item]);
    }
    return news;
}

static void free_letters(struct ffmk_wire_out *letters, size_t n)
{
    for (size_t k = 0; letters && k < n; k++)
        ffmk_wire_free(&letters[k]);
    free(letters);
}

/* Where items are going, ours and those of others we have heard of: id → rank. */
static int read_news(const struct ffmk_table *table, const struct ffmk_plan *plan,
                     const struct ffmk_wire_out *letters, struct ffmk_idmap *whereto)
{
    for (size_t i = 0; i < table->n; i++)
        if (!ffmk_idmap_put(whereto, table->entries[plan->order[i]].id,
                            (size_t)plan->destinations[i]))
            return FFMK_ERR_NO_MEMORY;
    for (size_t k = 0; k < plan->n_linked_ranks; k++) {
        struct ffmk_wire_in in = {.data = letters[k].data, .length = letters[k].length};
        while (in.at < in.length && !in.failed) {
            const uint64_t id = ffmk_wire_get_u64(&in);
            if (!ffmk_idmap_put(whereto, id, (size_t)ffmk_wire_get_u32(&in)))
                return FFMK_ERR_NO_MEMORY;
        }
    }
    return FFMK_SUCCESS;
}

/* Bring link_ranks to how things will be. */
static int update_links(struct ffmk_team *team, const struct ffmk_plan *plan,
                        struct ffmk_table *table)
{
    const size_t n = plan->n_linked_ranks;
    struct ffmk_neighbours neighbours = {0};
    struct ffmk_idmap whereto = {0};
    struct ffmk_wire_out *incoming = calloc(n + 1, sizeof *incoming);
    struct ffmk_wire_out *outgoing = write_news(team, table, plan);
    int code = FFMK_SUCCESS;
    if (!incoming || !outgoing || !ffmk_neighbours_reserve(&neighbours, n))
        code = FFMK_ERR_NO_MEMORY;
    code = ffmk_team_agree(team, code);
    for (size_t k = 0; k < n && !code; k++)
        neighbours.ranks[k] = plan->linked_ranks[k];
    if (!code)
        code = ffmk_exchange_letters(team, &neighbours, code, outgoing, incoming);
    if (!code)
        code = ffmk_team_agree(team, read_news(table, plan, incoming, &whereto));
    for (size_t i = 0; i < table->n && !code; i++)
        for (size_t k = 0; k < table->entries[i].n_links; k++) {
            const size_t rank = ffmk_idmap_get(&whereto, table->entries[i].links[k].id);
            if (rank != FFMK_IDMAP_NONE)
                table->entries[i].link_ranks[k] = (int)rank;
        }
    free_letters(incoming, n);
    free_letters(outgoing, n);
    ffmk_neighbours_free(&neighbours);
    ffmk_idmap_free(&whereto);
    return code;
}

/* A letter to each destination: how many items come, and what they are, in the order in which they
 * will. */
static void write_manifests(const struct ffmk_team *team, const struct ffmk_plan *plan,
                            const struct ffmk_table *table, struct ffmk_mail *manifests)
{
    for (size_t i = 0; i < table->n; i++)
        if (plan->destinations[i] != team->rank)
            ffmk_manifest_write(&table->entries[plan->order[i]],
                                ffmk_mail_to(manifests, plan->destinations[i]));
}

/* A stream to each rank that gets a letter, with the ids in the order of the letter. */
static bool begin_outgoing(const struct ffmk_team *team, const struct ffmk_plan *plan,
                           const struct ffmk_table *table, const struct ffmk_mail *manifests,
                           struct ffmk_stream **streams)
{
    size_t *counts = calloc(manifests->n + 1, sizeof *counts);
    uint64_t **ids = calloc(manifests->n + 1, sizeof *ids);
    bool begun = counts && ids;
    for (size_t i = 0; i < table->n && begun; i++)
        if (plan->destinations[i] != team->rank)
            counts[ffmk_idmap_get(&manifests->index, (uint64_t)plan->destinations[i])]++;
    for (size_t p = 0; p < manifests->n && begun; p++) {
        begun = (ids[p] = malloc(counts[p] * sizeof *ids[p])) != NULL;
        counts[p] = 0;
    }
    for (size_t i = 0; i < table->n && begun; i++)
        if (plan->destinations[i] != team->rank) {
            const size_t p = ffmk_idmap_get(&manifests->index, (uint64_t)plan->destinations[i]);
            ids[p][counts[p]++] = table->entries[plan->order[i]].id;
        }
    for (size_t p = 0; p < manifests->n; p++) {
        if (begun)
            begun = (streams[p] = ffmk_stream_out(manifests->letters[p].rank, ids[p], counts[p])) !=
                    NULL;
        else if (ids)
            free(ids[p]);
    }
    free(counts);
    free(ids);
    return begun;
}

int ffmk_migrate(struct ffmk_team *team, const struct ffmk_plan *plan, struct ffmk_mover *mover)
{
    struct ffmk_mail manifests = {0}, announced = {0};
    struct ffmk_stream **streams = NULL;
    size_t n = 0;

    int code = update_links(team, plan, mover->table);
    if (code)
        return code;
    write_manifests(team, plan, mover->table, &manifests);
    code = ffmk_exchange_sparse(team, code, &manifests, &announced);
    if (!code) {
        n = manifests.n + announced.n;
        streams = calloc(n + 1, sizeof *streams);
        bool begun = streams && begin_outgoing(team, plan, mover->table, &manifests, streams);
        for (size_t p = 0; p < announced.n && begun; p++) {
            streams[manifests.n + p] =
                ffmk_stream_in(announced.letters[p].rank, ffmk_mail_read(&announced, p));
            begun = streams[manifests.n + p] != NULL;
        }
        code = ffmk_team_agree(team, begun ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY);
    }
    if (!code)
        code = ffmk_streams_run(mover, streams, n);
    for (size_t i = 0; streams && i < n; i++)
        ffmk_stream_free(streams[i]);
    free(streams);
    ffmk_mail_free(&manifests);
    ffmk_mail_free(&announced);
    return code;
}

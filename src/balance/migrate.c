/* SPDX-License-Identifier: BSD-3-Clause
 * One migration. The holders of linked items hear of all moves before anything moves, so that every
 * item arrives with the ranks of its links as they will be. */
#include "balance/migrate.h"

#include "balance/manifest.h"
#include <stdlib.h>

/* Bring link_ranks to how things will be. */
static void update_links(const struct ffmk_team *team, const struct ffmk_plan *plan,
                         struct ffmk_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        struct ffmk_entry *entry = &table->entries[i];
        for (size_t k = 0; k < ffmk_entry_links(entry); k++) {
            const size_t rank = ffmk_idmap_get(&plan->whereto, entry->links[k].id);
            if (rank != FFMK_IDMAP_NONE)
                entry->link_ranks[k] = (int)rank;
        }
        ffmk_entry_look(entry, team->rank);
    }
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

int ffmk_migrate_run(struct ffmk_team *team, const struct ffmk_plan *plan, struct ffmk_mover *mover)
{
    struct ffmk_mail manifests = {0}, announced = {0};
    struct ffmk_stream **streams = NULL;
    size_t n = 0;

    update_links(team, plan, mover->table);
    write_manifests(team, plan, mover->table, &manifests);
    int code = ffmk_exchange_sparse(team, &manifests, &announced);
    bool begun = false;
    if (!code) {
        n = manifests.n + announced.n;
        streams = calloc(n + 1, sizeof *streams);
        begun = streams && begin_outgoing(team, plan, mover->table, &manifests, streams);
        for (size_t p = 0; p < announced.n && begun; p++) {
            streams[manifests.n + p] =
                ffmk_stream_in(announced.letters[p].rank, ffmk_mail_read(&announced, p));
            begun = streams[manifests.n + p] != NULL;
        }
    }
    code = ffmk_team_agree(team, code || begun ? code : FFMK_ERR_NO_MEMORY);
    if (!code)
        code = ffmk_streams_run(mover, streams, n);
    for (size_t i = 0; streams && i < n; i++)
        ffmk_stream_free(streams[i]);
    free(streams);
    ffmk_mail_free(&manifests);
    ffmk_mail_free(&announced);
    return code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 * Two sparse exchanges a round: registrations and questions to the homes, answers and back links
 * from them. A round is about the ids whose hash falls into its slice, whoever asks: so a home
 * knows all that it has to in that round, and an item hears of all links to it in one. Nothing of a
 * round has to be kept for the next but what is wrong. */
#include "balance/directory.h"

#include "balance/exchange.h"
#include "core/log.h"
#include "core/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What a record begins with. */
enum {
    HERE_IS = 'h', /* to a home: id */
    LINK = 'l',    /* to the home of `to`: to, from, weight */
    ANSWER = 'a',  /* to who asked: rank; one for each LINK it sent, in its order */
    BACK = 'b'     /* to who holds `to`: to, from, weight, rank of from */
};

/* Items and links that a round is about, on the rank that has most of them; all in all some 80
 * bytes each are needed meanwhile. A table is searched once a round, so large ones have larger
 * slices. */
enum { SLICE = 2048, ROUNDS = 16 };

unsigned ffmk_directory_rounds(const struct ffmk_table *table)
{
    size_t records = table->n;
    for (size_t i = 0; i < table->n && records < (size_t)SLICE * ROUNDS; i++)
        records += table->entries[i].n_links;
    const size_t rounds = (records + SLICE - 1) / SLICE;
    return rounds < 1 ? 1 : rounds < ROUNDS ? (unsigned)rounds : ROUNDS;
}

struct slice {
    const struct ffmk_team *team;
    unsigned round, rounds;
};

/* The home of an id of this round, or -1. The home is of the hash's upper bits, the round of its
 * lower half. */
static int home_of(const struct slice *slice, uint64_t id)
{
    const uint64_t hash = ffmk_rng_mix(id);
    if ((hash & UINT32_MAX) * slice->rounds >> 32 != slice->round)
        return -1;
    return (int)(((ffmk_u128)hash * (unsigned)slice->team->size) >> 64);
}

/* Ids somebody has to be told of: how often it happened, and the smallest ids. */
enum { NAMED = 8 };
struct offenders {
    uint64_t count;
    uint64_t ids[NAMED]; /* ascending, different */
    int n;
};

static void note(struct offenders *offenders, uint64_t id)
{
    offenders->count++;
    int at = 0;
    while (at < offenders->n && offenders->ids[at] < id)
        at++;
    if (at == NAMED || (at < offenders->n && offenders->ids[at] == id))
        return;
    if (offenders->n < NAMED)
        offenders->n++;
    for (int i = offenders->n - 1; i > at; i--)
        offenders->ids[i] = offenders->ids[i - 1];
    offenders->ids[at] = id;
}

/* One line for the whole team, from rank 0. The smallest ids are found by one reduction each: this
 * is the error path, and a gather would need memory for every rank. */
static int complain(const struct ffmk_team *team, const struct offenders *offenders, uint64_t count,
                    const char *what)
{
    char ids[NAMED * 21 + 8];
    int length = 0;
    int named = 0;
    for (int at = 0; named <= NAMED; named++) {
        uint64_t next[2] = {at < offenders->n ? 0 : 1,
                            at < offenders->n ? offenders->ids[at] : UINT64_MAX};
        int code = ffmk_team_min_u64(team, next, 2);
        if (code)
            return code;
        if (next[0] == 1)
            break;
        if (named == NAMED) {
            snprintf(ids + length, sizeof ids - (size_t)length, " …");
            break;
        }
        length += snprintf(ids + length, sizeof ids - (size_t)length, " %" PRIu64, next[1]);
        if (at < offenders->n && offenders->ids[at] == next[1])
            at++;
    }
    if (team->rank == 0)
        ffmk_log("balance: %" PRIu64 " %s:%s", count, what, ids);
    return FFMK_SUCCESS;
}

/* What came to light at this home, in all rounds so far. */
struct findings {
    struct offenders doubled, unknown;
};

static int judge(const struct ffmk_team *team, const struct findings *findings)
{
    uint64_t counts[2] = {findings->doubled.count, findings->unknown.count};
    int code = ffmk_team_sum_u64(team, counts, 2);
    if (!code && counts[0] > 0) {
        code = complain(team, &findings->doubled, counts[0],
                        "registrations of ids that another rank holds already");
        return code ? code : FFMK_ERR_DUPLICATE;
    }
    if (!code && counts[1] > 0) {
        code = complain(team, &findings->unknown, counts[1],
                        "links to items that are registered nowhere");
        return code ? code : FFMK_ERR_UNKNOWN_ITEM;
    }
    return code;
}

static void write_questions(const struct slice *slice, const struct ffmk_table *table,
                            struct ffmk_mail *questions)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[i];
        int home = home_of(slice, entry->id);
        if (home >= 0) {
            struct ffmk_wire_out *out = ffmk_mail_to(questions, home);
            ffmk_wire_put_u8(out, HERE_IS);
            ffmk_wire_put_u64(out, entry->id);
        }
        for (size_t k = 0; k < entry->n_links; k++) {
            home = home_of(slice, entry->links[k].id);
            if (home < 0)
                continue;
            struct ffmk_wire_out *out = ffmk_mail_to(questions, home);
            ffmk_wire_put_u8(out, LINK);
            ffmk_wire_put_u64(out, entry->links[k].id);
            ffmk_wire_put_u64(out, entry->id);
            ffmk_wire_put_f64(out, entry->links[k].weight);
        }
    }
}

/* Questions of all ranks to this home. \return how this rank fared. */
static int ask(struct ffmk_team *team, int code, const struct slice *slice,
               const struct ffmk_table *table, struct ffmk_mail *asked)
{
    struct ffmk_mail questions = {0};
    if (!code)
        write_questions(slice, table, &questions);
    const int sent = ffmk_exchange_sparse(team, &questions, asked);
    ffmk_mail_free(&questions);
    return code ? code : sent;
}

/* As a home: learn who holds what. */
static int enter(const struct ffmk_mail *questions, struct ffmk_idmap *holders,
                 struct offenders *doubled)
{
    for (size_t p = 0; p < questions->n; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(questions, p);
        while (in.at < in.length && !in.failed) {
            const int kind = ffmk_wire_get_u8(&in);
            const uint64_t id = ffmk_wire_get_u64(&in);
            if (kind == LINK) {
                ffmk_wire_get_bytes(&in, 2 * sizeof(uint64_t));
                continue;
            }
            if (ffmk_idmap_get(holders, id) != FFMK_IDMAP_NONE)
                note(doubled, id);
            else if (!ffmk_idmap_put(holders, id, (size_t)questions->letters[p].rank))
                return FFMK_ERR_NO_MEMORY;
        }
    }
    return FFMK_SUCCESS;
}

/* As a home: answer, and tell the targets' holders who links to them. */
static void answer(const struct ffmk_mail *questions, const struct ffmk_idmap *holders,
                   struct ffmk_mail *answers, struct offenders *unknown)
{
    for (size_t p = 0; p < questions->n; p++) {
        struct ffmk_wire_in in = ffmk_mail_read(questions, p);
        const int asker = questions->letters[p].rank;
        while (in.at < in.length && !in.failed) {
            const int kind = ffmk_wire_get_u8(&in);
            const uint64_t to = ffmk_wire_get_u64(&in);
            if (kind != LINK)
                continue;
            const uint64_t from = ffmk_wire_get_u64(&in);
            const double weight = ffmk_wire_get_f64(&in);
            const size_t holder = ffmk_idmap_get(holders, to);
            if (holder == FFMK_IDMAP_NONE) {
                note(unknown, to); /* whatever the asker now reads is of no use */
                continue;
            }
            struct ffmk_wire_out *out = ffmk_mail_to(answers, asker);
            ffmk_wire_put_u8(out, ANSWER);
            ffmk_wire_put_u32(out, (uint32_t)holder);
            out = ffmk_mail_to(answers, (int)holder);
            ffmk_wire_put_u8(out, BACK);
            ffmk_wire_put_u64(out, to);
            ffmk_wire_put_u64(out, from);
            ffmk_wire_put_f64(out, weight);
            ffmk_wire_put_u32(out, (uint32_t)asker);
        }
    }
}

/* As a home: what this round's questions come to. */
static int reply(const struct ffmk_mail *asked, struct ffmk_mail *answers,
                 struct findings *findings)
{
    struct ffmk_idmap holders = {0};
    const int code = enter(asked, &holders, &findings->doubled);
    if (!code)
        answer(asked, &holders, answers, &findings->unknown);
    ffmk_idmap_free(&holders);
    return code;
}

/* Somebody's link to an item of this rank. */
struct back_link {
    uint64_t id;    /* here */
    uint64_t other; /* the item that gave the link */
    double weight;
    int rank; /* who holds `other` */
};

struct back_links {
    struct back_link *links;
    size_t n;
    size_t capacity;
    bool failed; /* memory ran out */
};

static void keep(struct back_links *back, const struct back_link *link)
{
    if (back->n == back->capacity) {
        const size_t capacity = back->capacity + back->capacity / 2 + 64;
        struct back_link *links = realloc(back->links, capacity * sizeof *links);
        if (!links) {
            back->failed = true;
            return;
        }
        back->links = links;
        back->capacity = capacity;
    }
    back->links[back->n++] = *link;
}

/* Read back links until the next answer: its rank, or -1 at the end of the letter. */
static int read_answer(struct ffmk_wire_in *in, struct back_links *back)
{
    while (in->at < in->length && !in->failed) {
        if (ffmk_wire_get_u8(in) == ANSWER)
            return (int)ffmk_wire_get_u32(in);
        struct back_link link;
        link.id = ffmk_wire_get_u64(in);
        link.other = ffmk_wire_get_u64(in);
        link.weight = ffmk_wire_get_f64(in);
        link.rank = (int)ffmk_wire_get_u32(in);
        keep(back, &link);
    }
    return -1;
}

static int compare_back_links(const void *a, const void *b)
{
    const struct back_link *left = a;
    const struct back_link *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    if (left->other != right->other)
        return left->other < right->other ? -1 : 1;
    return (left->weight > right->weight) - (left->weight < right->weight);
}

/* Each entry gets those that lead to it. */
static int set_back(struct ffmk_table *table, struct back_links *back)
{
    ffmk_link *links = malloc((back->n + 1) * sizeof *links);
    int *ranks = malloc((back->n + 1) * sizeof *ranks);
    int code = back->failed || !links || !ranks ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
    if (back->n > 1)
        qsort(back->links, back->n, sizeof *back->links, compare_back_links);
    for (size_t b = 0; b < back->n && !code;) {
        const uint64_t id = back->links[b].id;
        size_t n = 0;
        for (; b < back->n && back->links[b].id == id; b++, n++) {
            links[n] = (ffmk_link){back->links[b].other, back->links[b].weight};
            ranks[n] = back->links[b].rank;
        }
        struct ffmk_entry *entry = ffmk_table_find(table, id);
        code = entry ? ffmk_table_set_back(entry, n, links, ranks) : FFMK_ERR_MPI;
    }
    free(links);
    free(ranks);
    return code;
}

/* Who holds what our links lead to, and what leads to our items. */
static int read_answers(const struct slice *slice, const struct ffmk_mail *answers,
                        struct ffmk_table *table, struct back_links *back)
{
    struct ffmk_wire_in *readers = calloc(answers->n + 1, sizeof *readers);
    if (!readers)
        return FFMK_ERR_NO_MEMORY;
    for (size_t p = 0; p < answers->n; p++)
        readers[p] = ffmk_mail_read(answers, p);
    for (size_t i = 0; i < table->n; i++) {
        struct ffmk_entry *entry = &table->entries[i];
        for (size_t k = 0; k < entry->n_links; k++) {
            const int home = home_of(slice, entry->links[k].id);
            if (home < 0)
                continue;
            const size_t p = ffmk_idmap_get(&answers->index, (uint64_t)home);
            entry->link_ranks[k] = read_answer(&readers[p], back);
        }
    }
    for (size_t p = 0; p < answers->n; p++)
        read_answer(&readers[p], back); /* the back links after the last answer */
    free(readers);
    return FFMK_SUCCESS;
}

/* Send a home's answers, which are freed, and take in those to this rank. \return how it fared. */
static int hear(struct ffmk_team *team, const struct slice *slice, struct ffmk_mail *answers,
                struct ffmk_table *table)
{
    struct ffmk_mail heard = {0};
    struct back_links back = {0};
    int code = ffmk_exchange_sparse(team, answers, &heard);
    ffmk_mail_free(answers);
    if (!code)
        code = read_answers(slice, &heard, table, &back);
    ffmk_mail_free(&heard);
    if (!code)
        code = set_back(table, &back);
    free(back.links);
    return code;
}

int ffmk_directory_resolve(struct ffmk_team *team, int code, unsigned rounds,
                           struct ffmk_table *table)
{
    struct findings findings = {0};

    for (size_t i = 0; i < table->n && !code; i++)
        if (table->entries[i].n_back > 0)
            code = ffmk_table_set_back(&table->entries[i], 0, NULL, NULL);
    for (unsigned round = 0; round < rounds; round++) {
        const struct slice slice = {team, round, rounds};
        struct ffmk_mail asked = {0}, answers = {0};
        code = ask(team, code, &slice, table, &asked);
        if (!code)
            code = reply(&asked, &answers, &findings);
        ffmk_mail_free(&asked);
        int agreed = ffmk_team_agree(team, code);
        if (!agreed && round + 1 == rounds)
            agreed = judge(team, &findings);
        if (agreed) {
            ffmk_mail_free(&answers);
            return agreed;
        }
        code = hear(team, &slice, &answers, table); /* told to the others in the next round */
    }
    for (size_t i = 0; i < table->n; i++)
        ffmk_entry_look(&table->entries[i], team->rank);
    return ffmk_team_agree(team, code);
}

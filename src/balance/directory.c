/* SPDX-License-Identifier: BSD-3-Clause
 * Two sparse exchanges: registrations and questions to the homes, answers and back links from them.
 */
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

static int home_of(const struct ffmk_team *team, uint64_t id)
{
    return (int)(((ffmk_u128)ffmk_rng_mix(id) * (unsigned)team->size) >> 64);
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

static int judge(const struct ffmk_team *team, const struct offenders *doubled,
                 const struct offenders *unknown)
{
    uint64_t counts[2] = {doubled->count, unknown->count};
    int code = ffmk_team_sum_u64(team, counts, 2);
    if (!code && counts[0] > 0) {
        code = complain(team, doubled, counts[0],
                        "registrations of ids that another rank holds already");
        return code ? code : FFMK_ERR_DUPLICATE;
    }
    if (!code && counts[1] > 0) {
        code = complain(team, unknown, counts[1], "links to items that are registered nowhere");
        return code ? code : FFMK_ERR_UNKNOWN_ITEM;
    }
    return code;
}

static void ask(const struct ffmk_team *team, const struct ffmk_table *table, const size_t *order,
                struct ffmk_mail *questions)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct ffmk_entry *entry = &table->entries[order[i]];
        struct ffmk_wire_out *out = ffmk_mail_to(questions, home_of(team, entry->id));
        ffmk_wire_put_u8(out, HERE_IS);
        ffmk_wire_put_u64(out, entry->id);
        for (size_t k = 0; k < entry->n_links; k++) {
            out = ffmk_mail_to(questions, home_of(team, entry->links[k].id));
            ffmk_wire_put_u8(out, LINK);
            ffmk_wire_put_u64(out, entry->links[k].id);
            ffmk_wire_put_u64(out, entry->id);
            ffmk_wire_put_f64(out, entry->links[k].weight);
        }
    }
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
                note(unknown, to);
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
        const size_t capacity = back->capacity ? 2 * back->capacity : 64;
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

/* Each entry gets those that lead to it. Both are in ascending order of id. */
static int set_back(struct ffmk_table *table, const size_t *order, struct back_links *back)
{
    ffmk_link *links = malloc((back->n + 1) * sizeof *links);
    int *ranks = malloc((back->n + 1) * sizeof *ranks);
    int code = back->failed || !links || !ranks ? FFMK_ERR_NO_MEMORY : FFMK_SUCCESS;
    if (back->n > 1)
        qsort(back->links, back->n, sizeof *back->links, compare_back_links);
    size_t b = 0;
    for (size_t i = 0; i < table->n && !code; i++) {
        struct ffmk_entry *entry = &table->entries[order[i]];
        size_t n = 0;
        for (; b < back->n && back->links[b].id == entry->id; b++, n++) {
            links[n] = (ffmk_link){back->links[b].other, back->links[b].weight};
            ranks[n] = back->links[b].rank;
        }
        code = ffmk_table_set_back(entry, n, links, ranks);
    }
    free(links);
    free(ranks);
    return code;
}

static int learn(const struct ffmk_team *team, const struct ffmk_mail *answers,
                 struct ffmk_table *table, const size_t *order)
{
    struct back_links back = {0};
    struct ffmk_wire_in *readers = calloc(answers->n + 1, sizeof *readers);
    if (!readers)
        return FFMK_ERR_NO_MEMORY;
    for (size_t p = 0; p < answers->n; p++)
        readers[p] = ffmk_mail_read(answers, p);
    for (size_t i = 0; i < table->n; i++) {
        struct ffmk_entry *entry = &table->entries[order[i]];
        for (size_t k = 0; k < entry->n_links; k++) {
            const int home = home_of(team, entry->links[k].id);
            const size_t p = ffmk_idmap_get(&answers->index, (uint64_t)home);
            entry->link_ranks[k] = read_answer(&readers[p], &back);
        }
    }
    for (size_t p = 0; p < answers->n; p++)
        read_answer(&readers[p], &back); /* the back links after the last answer */
    free(readers);
    const int code = set_back(table, order, &back);
    free(back.links);
    return code;
}

int ffmk_directory_resolve(struct ffmk_team *team, int code, struct ffmk_table *table,
                           const size_t *order)
{
    struct ffmk_mail to_homes = {0}, at_home = {0}, from_home = {0}, answers = {0};
    struct ffmk_idmap holders = {0};
    struct offenders doubled = {0}, unknown = {0};

    if (!code)
        ask(team, table, order, &to_homes);
    const int sent = ffmk_exchange_sparse(team, &to_homes, &at_home);
    code = code ? code : sent;
    ffmk_mail_free(&to_homes);
    if (!code)
        code = enter(&at_home, &holders, &doubled);
    if (!code)
        answer(&at_home, &holders, &from_home, &unknown);
    code = ffmk_team_agree(team, code);
    if (!code)
        code = judge(team, &doubled, &unknown);
    if (!code) {
        code = ffmk_exchange_sparse(team, &from_home, &answers);
        if (!code)
            code = learn(team, &answers, table, order);
        code = ffmk_team_agree(team, code);
    }
    ffmk_mail_free(&at_home);
    ffmk_mail_free(&from_home);
    ffmk_mail_free(&answers);
    ffmk_idmap_free(&holders);
    return code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 * Two sparse exchanges a round: registrations and questions to the homes, answers and back links
 * from them. A round is about the ids whose hash falls into its slice, whoever asks: so a home
 * knows all that it has to in that round, and an item hears of all links to it in one. Nothing of a
 * round has to be kept for the next but what is wrong. */
#include "balance/directory.h"

#include "balance/exchange.h"
#include "balance/idmap.h"
#include "core/log.h"
#include "core/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What a record begins with. */
enum {
    HERE_IS = 'h', /* to a home: id */
    LINK = 'l',    /* to the home of `to`: to, from, weight */
    ANSWER = 'a',  /* to who asked: rank, -1 where nobody is; for each LINK, in its order */
    BACK = 'b'     /* to who holds `to`: to, from, weight, rank of from */
};

/* A round needs some 80 bytes for each item and each link that it is about. With few of them one
 * round is enough; else as many that a round needs 48 bytes an item of the whole table, or a few
 * bytes a link where there are many links: each round searches the table, and it sends letters. */
enum { ROUND_LEAST = 2048, RECORD_BYTES = 80, ITEM_BYTES = 48, ROUNDS_MOST = 32 };

unsigned ffmk_directory_rounds(const struct ffmk_table *table)
{
    size_t records = table->n;
    for (size_t i = 0; i < table->n; i++)
        records += table->entries[i].n_links;
    if (records <= ROUND_LEAST)
        return 1;
    const double small = ceil((double)records / ROUND_LEAST);
    const double enough = ceil((double)records * RECORD_BYTES / ((double)table->n * ITEM_BYTES));
    return (unsigned)fmin(fmin(small, enough), ROUNDS_MOST);
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

/* A link asked about in a round: where it is in the table, and who was asked. */
struct question {
    uint32_t place, link;
    int home;
};

struct asked {
    struct question *questions;
    size_t n, capacity;
};

static bool note_asked(struct asked *asked, size_t place, size_t link, int home)
{
    if (asked->n == asked->capacity) {
        const size_t capacity = asked->capacity + asked->capacity / 2 + 64;
        void *questions = realloc(asked->questions, capacity * sizeof *asked->questions);
        if (!questions)
            return false;
        asked->questions = questions;
        asked->capacity = capacity;
    }
    asked->questions[asked->n++] = (struct question){(uint32_t)place, (uint32_t)link, home};
    return true;
}

/* \return false when memory ran out. */
static bool write_questions(const struct slice *slice, const struct ffmk_table *table,
                            struct ffmk_mail *questions, struct asked *asked)
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
            if (!note_asked(asked, i, k, home))
                return false;
        }
    }
    return true;
}

/* Questions of all ranks to this home. \return how this rank fared. */
static int ask(struct ffmk_team *team, int code, const struct slice *slice,
               const struct ffmk_table *table, struct asked *asked, struct ffmk_mail *incoming)
{
    struct ffmk_mail questions = {0};
    if (!code && !write_questions(slice, table, &questions, asked)) {
        ffmk_mail_free(&questions);
        code = FFMK_ERR_NO_MEMORY;
    }
    const int sent = ffmk_exchange_sparse(team, &questions, incoming);
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
            struct ffmk_wire_out *out = ffmk_mail_to(answers, asker);
            ffmk_wire_put_u8(out, ANSWER);
            ffmk_wire_put_u32(out, (uint32_t)holder); /* of NONE: -1 */
            if (holder == FFMK_IDMAP_NONE) {
                note(unknown, to);
                continue;
            }
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
static int reply(const struct ffmk_mail *questions, struct ffmk_mail *answers,
                 struct findings *findings)
{
    struct ffmk_idmap holders = {0};
    const int code = enter(questions, &holders, &findings->doubled);
    if (!code)
        answer(questions, &holders, answers, &findings->unknown);
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

/* All links of others to an item, kept apart until the last round: a table that is searched once a
 * round had better lie in memory in its order. */
struct back_block {
    size_t n;
    ffmk_link links[]; /* and behind them the n ranks */
};

/* A block for each entry that a link leads to. */
static int group_back(const struct ffmk_table *table, struct back_links *back,
                      struct back_block **blocks)
{
    if (back->failed)
        return FFMK_ERR_NO_MEMORY;
    if (back->n > 1)
        qsort(back->links, back->n, sizeof *back->links, compare_back_links);
    for (size_t first = 0, end; first < back->n; first = end) {
        const uint64_t id = back->links[first].id;
        for (end = first; end < back->n && back->links[end].id == id;)
            end++;
        const size_t n = end - first;
        const struct ffmk_entry *entry = ffmk_table_find(table, id);
        if (!entry)
            return FFMK_ERR_MPI; /* its home knows it from us */
        struct back_block *block = malloc(sizeof *block + n * (sizeof *block->links + sizeof(int)));
        if (!block)
            return FFMK_ERR_NO_MEMORY;
        int *ranks = (int *)(block->links + n);
        block->n = n;
        for (size_t b = 0; b < n; b++) {
            const struct back_link *link = &back->links[first + b];
            block->links[b] = (ffmk_link){link->other, link->weight};
            ranks[b] = link->rank;
        }
        blocks[entry - table->entries] = block;
    }
    return FFMK_SUCCESS;
}

/* Every entry gets what is kept for it. */
static int set_back(struct ffmk_table *table, struct back_block **blocks, int rank)
{
    int code = FFMK_SUCCESS;
    for (size_t i = 0; i < table->n && !code; i++) {
        struct ffmk_entry *entry = &table->entries[i];
        const struct back_block *block = blocks[i];
        code = block ? ffmk_table_set_back(entry, block->n, block->links,
                                           (const int *)(block->links + block->n))
                     : ffmk_table_set_back(entry, 0, NULL, NULL);
        ffmk_entry_look(entry, rank);
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return code;
}

static void free_blocks(struct back_block **blocks, size_t n)
{
    for (size_t i = 0; blocks && i < n; i++)
        free(blocks[i]);
    free(blocks);
}

/* Who holds what our links lead to, and what leads to our items. */
static int read_answers(const struct asked *asked, const struct ffmk_mail *answers,
                        struct ffmk_table *table, struct back_links *back)
{
    struct ffmk_wire_in *readers = calloc(answers->n + 1, sizeof *readers);
    if (!readers)
        return FFMK_ERR_NO_MEMORY;
    for (size_t p = 0; p < answers->n; p++)
        readers[p] = ffmk_mail_read(answers, p);
    bool answered = true;
    for (size_t i = 0; i < asked->n && answered; i++) {
        const struct question *question = &asked->questions[i];
        const size_t p = ffmk_idmap_get(&answers->index, (uint64_t)question->home);
        answered = p != FFMK_IDMAP_NONE; /* else memory ran out there */
        if (answered)
            table->entries[question->place].link_ranks[question->link] =
                read_answer(&readers[p], back);
    }
    for (size_t p = 0; p < answers->n; p++)
        read_answer(&readers[p], back); /* the back links after the last answer */
    free(readers);
    return answered ? FFMK_SUCCESS : FFMK_ERR_NO_MEMORY;
}

/* A look-up under way. */
struct look_up {
    struct ffmk_table *table;
    struct back_block **blocks; /* of each entry, or NULL */
    struct findings findings;
};

/* Send a home's answers, which are freed, and take in those to this rank. \return how it fared. */
static int hear(struct ffmk_team *team, const struct asked *asked, struct ffmk_mail *answers,
                struct look_up *look_up)
{
    struct ffmk_mail heard = {0};
    struct back_links back = {0};
    int code = ffmk_exchange_sparse(team, answers, &heard);
    ffmk_mail_free(answers);
    if (!code)
        code = read_answers(asked, &heard, look_up->table, &back);
    ffmk_mail_free(&heard);
    if (!code)
        code = group_back(look_up->table, &back, look_up->blocks);
    free(back.links);
    return code;
}

/* One round. *agreed_p: what all agree on so far; the code returned is this rank's alone, and told
 * to the others in the next round. */
static int go_round(struct ffmk_team *team, int code, const struct slice *slice,
                    struct look_up *look_up, int *agreed_p)
{
    struct asked asked = {0};
    struct ffmk_mail questions = {0}, answers = {0};
    code = ask(team, code, slice, look_up->table, &asked, &questions);
    if (!code)
        code = reply(&questions, &answers, &look_up->findings);
    ffmk_mail_free(&questions);
    *agreed_p = ffmk_team_agree(team, code);
    if (!*agreed_p && slice->round + 1 == slice->rounds)
        *agreed_p = judge(team, &look_up->findings);
    if (!*agreed_p)
        code = hear(team, &asked, &answers, look_up);
    ffmk_mail_free(&answers);
    free(asked.questions);
    return code;
}

int ffmk_directory_resolve(struct ffmk_team *team, int code, unsigned rounds,
                           struct ffmk_table *table)
{
    struct look_up look_up = {.table = table,
                              .blocks = calloc(table->n + 1, sizeof(struct back_block *))};
    int agreed = FFMK_SUCCESS;
    if (!code && !look_up.blocks)
        code = FFMK_ERR_NO_MEMORY;
    for (unsigned round = 0; round < rounds && !agreed; round++) {
        const struct slice slice = {team, round, rounds};
        code = go_round(team, code, &slice, &look_up, &agreed);
    }
    if (!agreed && !code)
        code = set_back(table, look_up.blocks, team->rank);
    free_blocks(look_up.blocks, table->n);
    return agreed ? agreed : ffmk_team_agree(team, code);
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What is stable: left by all the living, so that nobody will ever ask for it. Members report to
 * their parent in a tree over the living, in which each node has eight children, what all of their
 * subtree have left; the first node's answer comes down the same way, and with every message. Not
 * for each operation: once for some, or when somebody is short of room. A report says over which
 * living it is; of another set it counts for nothing.
 *
 * Who closes reports that as the highest number there is, when all of its subtree have closed; when
 * the first hears it of all, that comes down again. Nobody goes before, for he may be needed on the
 * way of others' reports. */
#include "gossip/cast_inside.h"

enum { CHILDREN = 8, SOME = FFMK_CAST_WINDOW / 8, SOME_BYTES = FFMK_CAST_UNSTABLE_BYTES / 8 };
static const uint64_t PROD_NS = 10000000;
static const uint64_t MOST_PROD_NS = 500000000;
static const uint64_t MOST_CLOSED_PROD_NS = 8000000000; /* others may compute for hours */

static uint32_t my_index(const struct ffmk_cast *cast)
{
    return cast->living->index[cast->me];
}

static uint64_t left_by(const struct ffmk_cast *cast, uint32_t rank)
{
    const bool counts = cast->reported_view[rank] == cast->living->hash;
    return counts && cast->reported[rank] > cast->stable ? cast->reported[rank] : cast->stable;
}

/* The i-th child's rank, or FFMK_RING_NOBODY. */
static uint32_t child(const struct ffmk_cast *cast, uint32_t i)
{
    const uint64_t index = (uint64_t)CHILDREN * my_index(cast) + 1 + i;
    return index < cast->living->nodes ? cast->living->rank[index] : FFMK_RING_NOBODY;
}

static uint64_t left_by_subtree(const struct ffmk_cast *cast)
{
    uint64_t left = cast->left;
    bool closed = cast->closed;
    for (uint32_t i = 0; i < CHILDREN && child(cast, i) != FFMK_RING_NOBODY; i++) {
        const uint64_t theirs = left_by(cast, child(cast, i));
        left = theirs < left ? theirs : left;
        closed = closed && theirs == FFMK_CAST_CLOSED;
    }
    return closed ? FFMK_CAST_CLOSED : left;
}

/* Every message says it; so only who was sent none for two reports has one of its own, or who may
 * wait for it. */
static void tell_children(struct ffmk_cast *cast)
{
    const uint64_t stable = ffmk_cast_stable(cast);
    if (cast->told == stable && cast->told_settle == cast->settle)
        return;
    const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
    cast->told = stable;
    cast->told_settle = cast->settle;
    for (uint32_t i = 0; i < CHILDREN && child(cast, i) != FFMK_RING_NOBODY; i++) {
        const uint64_t told = cast->told_to[child(cast, i)];
        if (stable - told >= (uint64_t)2 * SOME || (cast->settle <= stable && told < cast->settle))
            ffmk_cast_send(cast, child(cast, i), &ping, NULL, 0);
    }
}

bool ffmk_cast_others_know(const struct ffmk_cast *cast)
{
    for (uint32_t i = 0; i < CHILDREN && child(cast, i) != FFMK_RING_NOBODY; i++)
        if (cast->told_to[child(cast, i)] < cast->entered)
            return false;
    return true;
}

static void send_to_parent(struct ffmk_cast *cast, enum ffmk_cast_type type, uint64_t number)
{
    const struct ffmk_cast_message message = {
        .type = (uint8_t)type, .number = number, .view = cast->living->hash};
    ffmk_cast_send(cast, cast->living->rank[(my_index(cast) - 1) / CHILDREN], &message, NULL, 0);
}

/* What somebody waits for was left here, too. A root that waits for room has as much as that after
 * some operations, and need not hear of each of them. */
static bool is_wanted(const struct ffmk_cast *cast, uint64_t left)
{
    return cast->settle > cast->stable && left >= cast->settle;
}

static void report(struct ffmk_cast *cast)
{
    const uint64_t left = left_by_subtree(cast);
    if (my_index(cast) == 0) {
        ffmk_cast_raise_stable(cast, left);
        return;
    }
    const bool anew = cast->say_again || cast->said_view != cast->living->hash;
    const uint64_t more = left - (left > cast->said ? cast->said : left);
    if (!anew &&
        (more == 0 || (more < SOME && cast->left_bytes < SOME_BYTES && !is_wanted(cast, left))))
        return;
    cast->said = left;
    cast->say_again = false;
    cast->said_view = cast->living->hash;
    cast->left_bytes = 0;
    send_to_parent(cast, FFMK_CAST_REPORT, left);
}

/* Those who are behind are to report; and the parent to have the others do so. Who waits for the
 * end, and knows that somebody died, asks all: those whom the dead should have told may know, and
 * those who were told and have gone are found out at once. */
static void prod(struct ffmk_cast *cast, uint64_t number)
{
    const struct ffmk_cast_message settle = {.type = FFMK_CAST_SETTLE, .number = number};
    if (number == FFMK_CAST_CLOSED && cast->living->nodes < cast->members) {
        for (uint32_t i = 0; i < cast->living->nodes; i++)
            if (cast->living->rank[i] != cast->me)
                ffmk_cast_send(cast, cast->living->rank[i], &settle, NULL, 0);
        return;
    }
    for (uint32_t i = 0; i < CHILDREN && child(cast, i) != FFMK_RING_NOBODY; i++)
        if (left_by(cast, child(cast, i)) < number)
            ffmk_cast_send(cast, child(cast, i), &settle, NULL, 0);
    if (my_index(cast) > 0)
        send_to_parent(cast, FFMK_CAST_SETTLE, number);
}

uint64_t ffmk_cast_stable_advance(struct ffmk_cast *cast, uint64_t now)
{
    report(cast);
    tell_children(cast);
    if (cast->all_closed || (cast->settle <= cast->stable && !cast->closed))
        return FFMK_CAST_NEVER;
    if (now >= cast->prod_at) {
        prod(cast, cast->settle > cast->stable ? cast->settle : FFMK_CAST_CLOSED);
        cast->prod_at = now + cast->prod_wait;
        const uint64_t most = cast->settle > cast->stable ? MOST_PROD_NS : MOST_CLOSED_PROD_NS;
        cast->prod_wait = 2 * cast->prod_wait < most ? 2 * cast->prod_wait : most;
    }
    return cast->prod_at;
}

static bool settle(struct ffmk_cast *cast, uint64_t number, uint64_t now)
{
    if (number <= cast->settle)
        return false;
    /* In one burst of them one is enough. */
    if (cast->settle <= cast->stable) {
        cast->prod_wait = PROD_NS;
        cast->prod_at = now;
    }
    cast->settle = number;
    return true;
}

bool ffmk_cast_settle(struct ffmk_cast *cast, uint64_t now)
{
    return settle(cast, cast->entered, now);
}

void ffmk_cast_know(struct ffmk_cast *cast, uint64_t number)
{
    if (number > cast->known)
        cast->known = number;
    if (cast->closed)
        cast->left = cast->known;
}

bool ffmk_cast_close(struct ffmk_cast *cast, uint64_t now)
{
    if (cast->closed)
        return false;
    cast->closed = true;
    cast->prod_wait = PROD_NS;
    cast->prod_at = now + PROD_NS;
    ffmk_cast_know(cast, cast->entered);
    return true;
}

void ffmk_cast_on_settle(struct ffmk_cast *cast, uint32_t from, uint64_t number, uint64_t now)
{
    /* Who has not closed yet cannot help it: what it does will tell. */
    if (number > cast->stable + FFMK_CAST_WINDOW && !(number == FFMK_CAST_CLOSED && cast->closed))
        return;
    if (number != FFMK_CAST_CLOSED && cast->closed)
        ffmk_cast_know(cast, number);
    if (number != FFMK_CAST_CLOSED)
        settle(cast, number, now);
    cast->say_again = cast->say_again || number > cast->stable;
    if (number > cast->stable && cast->told_to[from] == ffmk_cast_stable(cast))
        return;
    const struct ffmk_cast_message ping = {.type = FFMK_CAST_PING};
    ffmk_cast_send(cast, from, &ping, NULL, 0);
}

bool ffmk_cast_is_settled(const struct ffmk_cast *cast)
{
    if (cast->closed && !cast->excluded)
        return cast->all_closed && cast->told == FFMK_CAST_CLOSED;
    return cast->excluded || cast->stable == cast->entered;
}

void ffmk_cast_on_report(struct ffmk_cast *cast, uint32_t from, uint64_t left, uint64_t view)
{
    /* One over another living, sent earlier, may come later; then it is missed until it is asked
     * for. */
    if (view == cast->reported_view[from]) {
        if (left > cast->reported[from])
            cast->reported[from] = left;
    } else if (cast->reported_view[from] != cast->living->hash) {
        cast->reported[from] = left;
        cast->reported_view[from] = view;
    }
    if (view == cast->living->hash)
        return;
    /* One of us knows less than the other. */
    const struct ffmk_cast_message deaths = {.type = FFMK_CAST_DEATHS, .ring = cast->living};
    ffmk_cast_send(cast, from, &deaths, NULL, 0);
}

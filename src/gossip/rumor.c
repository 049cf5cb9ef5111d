/* SPDX-License-Identifier: BSD-3-Clause
 * Corrected gossip: one node's part in one broadcast. */
#include "gossip/rumor.h"

/* Distances a sweep may have gone beyond the participant it looks for before it asks. A simulation
 * of the published rules needs about 8 for no answer without need. */
enum { SLACK = 4, MAX_KNOWN = 255 };

struct ffmk_rumor_plan ffmk_rumor_plan(const struct ffmk_schedule *schedule,
                                       enum ffmk_rumor_rules rules, enum ffmk_rumor_mode mode,
                                       uint32_t deaths_or_reach, uint64_t slot, uint64_t hop)
{
    bool ours = rules == FFMK_RUMOR_OURS;
    bool gossip = schedule->table == FFMK_SCHEDULE_GOSSIP;
    struct ffmk_rumor_plan plan = {
        .schedule = schedule,
        .mode = mode,
        .pause = ours,
        .slot = slot,
        .reserve_after = FFMK_RUMOR_NEVER,
    };
    plan.direct = ours && !gossip && mode != FFMK_RUMOR_UNCORRECTED &&
                  schedule->tree + 1 == schedule->nodes && schedule->rounds >= schedule->tree;
    if (mode == FFMK_RUMOR_OPPORTUNISTIC)
        plan.reach = deaths_or_reach;
    if (mode == FFMK_RUMOR_CHECKED)
        plan.needed = 1;
    if (mode == FFMK_RUMOR_FAILURE_PROOF) {
        plan.deaths = deaths_or_reach;
        plan.needed = ours ? (plan.deaths + 2) / 2 : plan.deaths + 1;
    }
    /* Gossip goes over into the correction at T; a tree waits for its last messages. */
    plan.settled = schedule->rounds;
    if (!gossip && schedule->rounds > 0)
        plan.settled += schedule->hop - (ours ? 1 : 0);
    plan.latest = gossip && plan.settled > 0 ? plan.settled - 1 : plan.settled;
    plan.drift = (int64_t)hop - (int64_t)(schedule->hop * slot);
    plan.settled_after = plan.settled * slot;
    if (plan.drift > 0)
        plan.settled_after +=
            (uint64_t)plan.drift * ((schedule->rounds + schedule->hop - 1) / schedule->hop);
    plan.pause_until = plan.needed > 0 ? (2 * plan.needed - 1) * slot + hop : 0;
    plan.ask_after = plan.pause_until + (uint64_t)2 * SLACK * slot;
    if (mode == FFMK_RUMOR_FAILURE_PROOF)
        plan.reserve_after = plan.settled_after + 2 * plan.ask_after + 4 * hop;
    return plan;
}

static uint32_t *nearest(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, int side)
{
    return rumor->nearest + (size_t)side * plan->needed;
}

/* The dissemination reached this node, whose first slot this is. */
static void take_part(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t slot,
                      uint64_t now)
{
    rumor->participant = true;
    rumor->slot = slot;
    rumor->state = FFMK_RUMOR_SPREADING;
    /* By the schedule it is now that slot, and `drift` later for every hop from the root. */
    int64_t since_start = (int64_t)(slot * plan->slot) + (rumor->known - 1) * plan->drift;
    int64_t left = (int64_t)plan->settled_after - since_start;
    rumor->at = now + (left > 0 ? (uint64_t)left : 0);
}

void ffmk_rumor_start(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint64_t now)
{
    rumor->known = 1;
    take_part(rumor, plan, 0, now);
}

/* How many participants a reserve knows to exist. */
static uint32_t known_to_reserve(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan)
{
    const uint32_t *up = nearest(rumor, plan, FFMK_RUMOR_UP);
    const uint32_t *down = nearest(rumor, plan, FFMK_RUMOR_DOWN);
    uint32_t distinct = rumor->side[FFMK_RUMOR_UP].heard + rumor->side[FFMK_RUMOR_DOWN].heard;
    for (uint32_t i = 0; i < rumor->side[FFMK_RUMOR_UP].heard; i++)
        for (uint32_t j = 0; j < rumor->side[FFMK_RUMOR_DOWN].heard; j++)
            if (up[i] + down[j] == plan->schedule->nodes)
                distinct--;
    return distinct > rumor->known ? distinct : rumor->known;
}

/* A reserve may rest once it knows of more participants than may die. */
static void rest(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan)
{
    if (plan->mode != FFMK_RUMOR_FAILURE_PROOF || known_to_reserve(rumor, plan) > plan->deaths)
        rumor->state = FFMK_RUMOR_DONE;
}

static void stand_by(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint64_t now)
{
    rumor->state = FFMK_RUMOR_RESERVE;
    rumor->at =
        plan->reserve_after == FFMK_RUMOR_NEVER ? FFMK_RUMOR_NEVER : now + plan->reserve_after;
    rest(rumor, plan);
}

static void finish_if_all_sent(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan)
{
    if (rumor->side[0].sent + (uint64_t)rumor->side[1].sent + 1 >= plan->schedule->nodes)
        rumor->state = FFMK_RUMOR_DONE;
}

static bool side_finished(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, int side)
{
    if (plan->needed == 0)
        return rumor->side[side].sent >= plan->reach;
    return ffmk_correction_finished(&rumor->side[side], nearest(rumor, plan, side), plan->needed);
}

/* The root, which has sent to all, is a participant at whatever distance on both sides. */
static void hear_root(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t me)
{
    const uint32_t below = me;
    const uint32_t above = plan->schedule->nodes - me;
    if (plan->needed == 0)
        return;
    ffmk_correction_hear(&rumor->side[FFMK_RUMOR_UP], nearest(rumor, plan, FFMK_RUMOR_UP),
                         plan->needed, above);
    ffmk_correction_hear(&rumor->side[FFMK_RUMOR_DOWN], nearest(rumor, plan, FFMK_RUMOR_DOWN),
                         plan->needed, below);
}

unsigned ffmk_rumor_receive(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan,
                            uint32_t me, uint32_t from, const struct ffmk_rumor_message *message,
                            uint64_t now, struct ffmk_rumor_message *reply)
{
    uint32_t nodes = plan->schedule->nodes;
    if (from == me || from >= nodes || message->side > FFMK_RUMOR_DOWN)
        return 0;
    if (message->kind == FFMK_RUMOR_TREE) {
        if (message->slot >= plan->schedule->rounds)
            return 0;
        if (plan->direct && from == 0)
            hear_root(rumor, plan, me);
        if (rumor->state != FFMK_RUMOR_DARK)
            return 0;
        rumor->known = message->known;
        uint32_t first = message->slot + plan->schedule->hop;
        if (first <= plan->latest) {
            if (rumor->known < MAX_KNOWN)
                rumor->known++;
            take_part(rumor, plan, first, now);
        } else {
            stand_by(rumor, plan, now);
        }
        return FFMK_RUMOR_COLOURED;
    }
    if (message->kind > FFMK_RUMOR_REPLY)
        return 0;

    bool dark = rumor->state == FFMK_RUMOR_DARK;
    if (dark && message->kind == FFMK_RUMOR_REPLY)
        return 0;
    /* What was sent on its upper side came from below. */
    int here = message->side == FFMK_RUMOR_UP ? FFMK_RUMOR_DOWN : FFMK_RUMOR_UP;
    uint32_t above = from > me ? from - me : nodes - (me - from);
    uint32_t distance = here == FFMK_RUMOR_UP ? above : nodes - above;
    struct ffmk_correction *side = &rumor->side[here];
    if (plan->needed > 0)
        ffmk_correction_hear(side, nearest(rumor, plan, here), plan->needed, distance);
    if (!rumor->participant) {
        if (message->known > rumor->known)
            rumor->known = message->known;
        if (dark)
            stand_by(rumor, plan, now);
        else if (rumor->state == FFMK_RUMOR_RESERVE)
            rest(rumor, plan);
        return dark ? FFMK_RUMOR_COLOURED : 0;
    }
    if (!message->ask || distance <= side->sent)
        return 0;
    *reply = (struct ffmk_rumor_message){
        .kind = FFMK_RUMOR_REPLY,
        .side = (uint8_t)here,
        .known = rumor->known,
    };
    return FFMK_RUMOR_ANSWER;
}

/* The next message of the dissemination. */
static bool spread(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t me,
                   uint32_t *to, struct ffmk_rumor_message *message)
{
    const uint32_t rounds = !plan->direct ? plan->schedule->rounds
                            : me == 0     ? plan->schedule->tree
                                          : 0;
    while (rumor->slot < rounds) {
        uint32_t slot = rumor->slot++;
        *to = ffmk_schedule_target(plan->schedule, me, slot);
        if (*to == me)
            continue;
        *message = (struct ffmk_rumor_message){
            .kind = FFMK_RUMOR_TREE, .known = rumor->known, .slot = slot};
        return true;
    }
    return false;
}

static void probe(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, int side,
                  uint32_t me, uint64_t now, uint32_t *to, struct ffmk_rumor_message *message)
{
    uint32_t nodes = plan->schedule->nodes;
    *message = (struct ffmk_rumor_message){
        .kind = FFMK_RUMOR_PROBE,
        .side = (uint8_t)side,
        .ask = plan->needed > 0 && now >= rumor->at + plan->ask_after,
        .known = rumor->known,
    };
    uint32_t distance = ++rumor->side[side].sent;
    uint64_t target =
        side == FFMK_RUMOR_UP ? (uint64_t)me + distance : (uint64_t)me + nodes - distance;
    *to = (uint32_t)(target % nodes);
}

/* A direct root needs to hear nobody, and has the payload. */
static void pass_over_root(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan,
                           uint32_t me)
{
    if (!plan->direct)
        return;
    const uint32_t above = plan->schedule->nodes - me;
    rumor->side[FFMK_RUMOR_UP].sent += rumor->side[FFMK_RUMOR_UP].sent + 1 == above;
    rumor->side[FFMK_RUMOR_DOWN].sent += rumor->side[FFMK_RUMOR_DOWN].sent + 1 == me;
}

static uint64_t correct(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t me,
                        uint64_t now, uint32_t *to, struct ffmk_rumor_message *message)
{
    pass_over_root(rumor, plan, me);
    finish_if_all_sent(rumor, plan);
    bool finished[2] = {side_finished(rumor, plan, 0), side_finished(rumor, plan, 1)};
    if (rumor->state == FFMK_RUMOR_DONE || (finished[0] && finished[1])) {
        rumor->state = FFMK_RUMOR_DONE;
        return FFMK_RUMOR_NEVER;
    }
    int side = rumor->turn;
    if (plan->pause && now < rumor->at + plan->pause_until) {
        if (finished[side] || rumor->side[side].sent >= plan->needed)
            side = !side;
        if (finished[side] || rumor->side[side].sent >= plan->needed)
            return rumor->at + plan->pause_until;
    } else if (finished[side]) {
        side = !side;
    }
    rumor->turn = (uint8_t)!side;
    probe(rumor, plan, side, me, now, to, message);
    return now;
}

uint64_t ffmk_rumor_next(struct ffmk_rumor *rumor, const struct ffmk_rumor_plan *plan, uint32_t me,
                         uint64_t now, uint32_t *to, struct ffmk_rumor_message *message)
{
    if (rumor->state == FFMK_RUMOR_RESERVE && now >= rumor->at) {
        rumor->participant = true;
        rumor->state = FFMK_RUMOR_CORRECTING;
    }
    if (rumor->state == FFMK_RUMOR_SPREADING) {
        if (spread(rumor, plan, me, to, message))
            return now;
        pass_over_root(rumor, plan, me);
        finish_if_all_sent(rumor, plan);
        if (plan->mode == FFMK_RUMOR_UNCORRECTED || (plan->direct && me == 0))
            rumor->state = FFMK_RUMOR_DONE;
        if (rumor->state == FFMK_RUMOR_DONE)
            return FFMK_RUMOR_NEVER;
        if (now < rumor->at)
            return rumor->at;
        rumor->state = FFMK_RUMOR_CORRECTING;
    }
    if (rumor->state == FFMK_RUMOR_CORRECTING)
        return correct(rumor, plan, me, now, to, message);
    return rumor->state == FFMK_RUMOR_RESERVE ? rumor->at : FFMK_RUMOR_NEVER;
}

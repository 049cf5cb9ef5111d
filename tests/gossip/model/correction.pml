/* SPDX-License-Identifier: BSD-3-Clause
 * The correction phase of one broadcast as src/gossip/rumor.c runs it, on a ring of N nodes, for
 * Spin to try in every order. check.py runs the cases; by hand:
 *   spin -DN=4 -a correction.pml && cc -O2 -DSAFETY -DCOLLAPSE pan.c -o pan && ./pan -m100000
 *   spin -DN=4 -t -g correction.pml          what led to an error, node by node
 *
 * There is no time. A node may be late by any amount, so each timer of a plan (pause_until,
 * ask_after, reserve_after, slot) is a transition that may come at any moment and has come at the
 * end. Messages take any time and overtake each other. The transport sends what is lost again while
 * the sender lives: such a loss is a delay, and only what a dead node has sent can be missing.
 *
 * Where it begins: the dissemination is over. Every set of participants (coloured by it), of dark
 * and of dead nodes, and every tree by which the participants may have come to their counts is
 * tried. A participant to be may die before it does anything, its messages of the dissemination
 * that would come later are ignored (rumor.c), or have come by now; so nothing is lost by this.
 *
 * Three steps that make the search smaller and leave out no end:
 * - a message that can change nothing any more, whatever comes later, is taken out at once;
 * - only participants die: anybody else has done nothing that others see, so to die is to have been
 *   dead, which is in the initial sets, at no charge to DEATHS;
 * - what a dead node has sent and is to be missing, is lost when it dies, not later.
 * ASK=1 is a fourth: every probe asks for an answer. An answer may be late without limit, and to a
 * node that has finished it is nothing, so not to ask is one of its outcomes. ASK=2 leaves it open.
 */
#include "ring.pml"

/* What is on its way, by sender and receiver. A node sends a probe to another at most once and is
 * answered at most once, so one of each kind is all there can be. A message's `known` is always its
 * sender's: participants do not change it. */
byte air[N * N];
#define PROBE 1
#define PROBE_SIDE 2 /* set: DOWN */
#define PROBE_ASKS 4
#define PROBE_BITS 7
#define REPLY 8
#define REPLY_SIDE 16
#define REPLY_BITS 24
#define between(from, to) air[(from) * N + (to)]

#if MUTATE == RESERVES_ANSWER
#define may_answer(node) (state[node] != DARK && state[node] != DEAD)
#else
#define may_answer(node) (state[node] == PARTICIPANT || state[node] == DONE)
#endif

/* Takes out what is on its way to this node and can change nothing any more. */
inline sweep(node)
{
    i = 0;
    do
    :: i < N ->
        message = between(i, node);
        if
        :: message & PROBE ->
            here = (message & PROBE_SIDE -> UP : DOWN);
            at = distance(node, i, here);
            have_new(node, here, at);
            if
            :: state[node] == DARK ||
                (state[node] == RESERVE && (new || known[i] > known[node])) ||
                (state[node] == PARTICIPANT && new) ||
                (may_answer(node) && (message & PROBE_ASKS) && at > sent[of(node, here)])
            :: else -> between(i, node) = between(i, node) & REPLY_BITS; busy--
            fi
        :: else
        fi;
        if
        :: message & REPLY ->
            here = (message & REPLY_SIDE -> UP : DOWN);
            at = distance(node, i, here);
            have_new(node, here, at);
            if
            :: state[node] == PARTICIPANT && new
            :: else ->
                between(i, node) = between(i, node) & PROBE_BITS;
                busy--
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* correct() and probe(). The pause needs no state: until it is over both sides send to their first
 * `needed` distances in turn, which no answer can shorten, and then wait, which is a delay. */
inline probe(me, asks)
{
    side = turn[me]; /* never that of a finished side: settle() */
    turn[me] = !side;
    sent[of(me, side)]++;
    j = (side == UP -> (me + sent[of(me, UP)]) % N : (me + N - sent[of(me, DOWN)]) % N);
    assert(!(between(me, j) & PROBE));
    between(me, j) = between(me, j) | PROBE | (side == DOWN -> PROBE_SIDE : 0) | asks;
    busy++;
    printf("%d probes %d\n", me, j);
    settle(me);
    sweep(me);
    sweep(j)
}

/* ffmk_rumor_receive(), the answer: of a probe from `from` heard on the side `here`. */
inline answer(me, from)
{
    between(me, from) = between(me, from) | REPLY | (here == DOWN -> REPLY_SIDE : 0);
    busy++;
    printf("%d answers %d\n", me, from)
}

/* ffmk_rumor_receive(), a probe */
inline receive_probe(me, from)
{
    message = between(from, me);
    between(from, me) = message & REPLY_BITS;
    busy--;
    here = (message & PROBE_SIDE -> UP : DOWN);
    at = distance(me, from, here);
    printf("%d has %d's probe\n", me, from);
    j = at;
    if
    :: state[me] != DONE && state[me] != REST -> hear(me, here, j)
    :: else
    fi;
    if
    :: may_answer(me) && (message & PROBE_ASKS) && j > sent[of(me, here)] -> answer(me, from)
    :: else
    fi;
    if
    :: state[me] == DARK || state[me] == RESERVE ->
        known[me] = (known[from] > known[me] -> known[from] : known[me]);
        if
        :: state[me] == DARK -> stand_by(me)
        :: else -> rest(me)
        fi
    :: state[me] == PARTICIPANT -> settle(me)
    :: else
    fi;
    sweep(me);
    sweep(from)
}

/* ffmk_rumor_receive(), an answer; what sweep() left is for a participant that still looks. */
inline receive_reply(me, from)
{
    message = between(from, me);
    between(from, me) = message & PROBE_BITS;
    busy--;
    here = (message & REPLY_SIDE -> UP : DOWN);
    j = distance(me, from, here);
    printf("%d has %d's answer\n", me, from);
    hear(me, here, j);
    settle(me);
    sweep(me)
}

/* ffmk_rumor_next(), of a reserve whose time has come */
inline wake(me)
{
    state[me] = PARTICIPANT;
    printf("%d, a reserve, becomes a participant\n", me);
    settle(me);
    sweep(me)
}

inline die(me)
{
    deaths--;
    printf("%d dies\n", me);
    d_step {
        busy = (state[me] == PARTICIPANT -> busy - 1 : busy);
        state[me] = DEAD;
        forget(me, UP);
        forget(me, DOWN);
        heard[of(me, UP)] = 0;
        heard[of(me, DOWN)] = 0;
        sent[of(me, UP)] = 0;
        sent[of(me, DOWN)] = 0;
        turn[me] = UP;
        sweep(me)
    }
    do
    :: each < N ->
        if
        :: (between(me, each) & PROBE) && losses > 0 ->
            printf("its probe to %d is lost\n", each);
            between(me, each) = between(me, each) & REPLY_BITS;
            busy--;
            losses = (LOSSES == 99 -> losses : losses - 1)
        :: true
        fi;
        if
        :: (between(me, each) & REPLY) && losses > 0 ->
            printf("its answer to %d is lost\n", each);
            between(me, each) = between(me, each) & PROBE_BITS;
            busy--;
            losses = (LOSSES == 99 -> losses : losses - 1)
        :: true
        fi;
        each++
    :: else -> break
    od;
    each = 0
}


#define RECEIVE(from)                                                                  \
    :: d_step { from < N && (between(from, me) & PROBE) -> receive_probe(me, from) }    \
    :: d_step { from < N && (between(from, me) & REPLY) -> receive_reply(me, from) }

proctype member(byte me)
{
end:
    do
    :: d_step { state[me] == PARTICIPANT -> probe(me, (ASK == 0 -> 0 : PROBE_ASKS)) }
#if ASK == 2
    :: d_step { state[me] == PARTICIPANT -> probe(me, 0) }
#endif
#if RESERVES > 0
    :: d_step { state[me] == RESERVE -> wake(me) }
#endif
    RECEIVE(0)
    RECEIVE(1)
#if N > 2
    RECEIVE(2)
#endif
#if N > 3
    RECEIVE(3)
#endif
#if N > 4
    RECEIVE(4)
#endif
#if N > 5
    RECEIVE(5)
#endif
#if DEATHS > 0
    :: atomic {
            deaths > 0 && busy > 0 && (state[me] == PARTICIPANT || state[me] == DONE) -> die(me)
        }
#endif
    od
}

#define take_part(me) skip
#define at_end timeout
#define arrive() skip
#include "placement.pml"

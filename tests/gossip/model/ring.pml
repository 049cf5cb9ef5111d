/* SPDX-License-Identifier: BSD-3-Clause
 * What both models of the correction have in common: their parameters, what a node knows, where
 * they begin, and what must be true at the end. */
#ifndef N
#define N 4 /* nodes, 2 … 6 */
#endif
#ifndef NEEDED
#define NEEDED 1 /* participants to be heard on each side */
#endif
#ifndef RESERVES
#define RESERVES 0 /* f of the failure-proof mode, whose reserves wake; 0: checked */
#endif
#ifndef DEATHS
#define DEATHS 0 /* at most, from the beginning of the correction */
#endif
#ifndef LOSSES
#define LOSSES 0 /* messages of dead nodes that are lost, at most; 99: any */
#endif
#ifndef ASK
#define ASK 1 /* 1: every probe asks, 2: any may, 0: none does */
#endif
#ifndef LATE
#define LATE 0 /* 1: nodes coloured by the dissemination too late to be participants, too */
#endif
#ifndef DIRECT
#define DIRECT 0 /* 1: node 0 is the root of a direct broadcast (rumor.h), and has died: see placement.pml */
#endif
#ifndef OUTCOMES
#define OUTCOMES 0 /* 1: say where each run ends */
#endif
#ifndef MUTATE
#define MUTATE 0
#endif
/* Rules that are wrong, to see that the search finds it. */
#define STOP_WHEN_HEARD 1    /* though not everybody up to there was sent to */
#define RESERVES_ANSWER 2    /* as if they were participants */
#define RESERVES_SLEEP 3     /* and never become participants */
#define REST_TOO_SOON 4      /* when only f participants are known */
#define LATE_COUNT_SELF 5    /* among the participants that are known */
#define ROOT_COVERS 6        /* DIRECT: who has heard the root stops, as if the root had lived */


#define UP 0
#define DOWN 1
#define upward(from, to) (((to) + N - (from)) % N)
#define distance(from, to, side) ((side) == UP -> upward(from, to) : N - upward(from, to))

mtype = {
    DARK,
    PARTICIPANT, /* FFMK_RUMOR_SPREADING and _CORRECTING, whose difference is one of time */
    RESERVE,
    REST, /* FFMK_RUMOR_DONE without having been a participant */
    DONE,
    DEAD
};

/* struct ffmk_rumor */
mtype state[N];
byte known[N]; /* f + 1: or more */
bit turn[N];
byte sent[2 * N]; /* struct ffmk_correction, of both sides */
byte heard[2 * N];
byte nearest[2 * N * NEEDED];
#define of(node, side) (2 * (node) + (side))
#define near(node, side, i) nearest[of(node, side) * NEEDED + (i)]

byte deaths = DEATHS;
byte losses = LOSSES;
byte busy; /* nodes that have something to do, and messages on their way */
byte each;

/* Scratch, never part of a state. */
hidden byte at, i, j, k, count, message, side, here;
hidden byte new, fits, dark, coloured, participant;

inline have_new(node, s, d) /* would ffmk_correction_hear() change anything? */
{
    new = heard[of(node, s)] < NEEDED || d < near(node, s, NEEDED - 1);
    k = 0;
    do
    :: k < heard[of(node, s)] && near(node, s, k) != d -> k++
    :: k < heard[of(node, s)] && near(node, s, k) == d -> new = false; break
    :: else -> break
    od
}

inline hear(node, s, d) /* ffmk_correction_hear() */
{
    have_new(node, s, d);
    if
    :: new ->
        if
        :: heard[of(node, s)] < NEEDED -> heard[of(node, s)]++
        :: else
        fi;
        k = heard[of(node, s)] - 1;
        do
        :: k > 0 && near(node, s, k - 1) > d -> near(node, s, k) = near(node, s, k - 1); k--
        :: else -> break
        od;
        near(node, s, k) = d
    :: else
    fi
}

#if MUTATE == STOP_WHEN_HEARD || MUTATE == ROOT_COVERS
#define finished(node, s) (heard[of(node, s)] == NEEDED)
#else
#define finished(node, s) \
    (heard[of(node, s)] == NEEDED && sent[of(node, s)] >= near(node, s, NEEDED - 1))
#endif

inline forget(node, s)
{
    k = 0;
    do
    :: k < NEEDED -> near(node, s, k) = 0; k++
    :: else -> break
    od
}

/* correct(), finish_if_all_sent(): is this participant DONE? Also forgets what cannot matter any
 * more: what a finished side has heard, and whose turn it is when one side is finished. */
inline settle(node)
{
#if DIRECT
    /* pass_over_root() */
    sent[of(node, UP)] =
        (sent[of(node, UP)] + 1 == distance(node, 0, UP) -> sent[of(node, UP)] + 1 : sent[of(node, UP)]);
    sent[of(node, DOWN)] =
        (sent[of(node, DOWN)] + 1 == distance(node, 0, DOWN) -> sent[of(node, DOWN)] + 1 :
            sent[of(node, DOWN)]);
#endif
    if
    :: finished(node, UP) -> forget(node, UP); heard[of(node, UP)] = NEEDED
    :: else
    fi;
    if
    :: finished(node, DOWN) -> forget(node, DOWN); heard[of(node, DOWN)] = NEEDED
    :: else
    fi;
    if
    :: finished(node, turn[node]) -> turn[node] = !turn[node]
    :: else
    fi;
    if
    :: sent[of(node, UP)] + sent[of(node, DOWN)] + 1 >= N ||
        (finished(node, UP) && finished(node, DOWN)) ->
        state[node] = DONE;
        busy--;
        forget(node, UP);
        forget(node, DOWN);
        heard[of(node, UP)] = 0;
        heard[of(node, DOWN)] = 0;
        turn[node] = UP
    :: else
    fi
}

/* known_to_reserve(), rest() */
inline rest(node)
{
    count = heard[of(node, UP)] + heard[of(node, DOWN)];
    at = 0;
    do
    :: at < heard[of(node, UP)] ->
        k = 0;
        do
        :: k < heard[of(node, DOWN)] ->
            count = (near(node, UP, at) + near(node, DOWN, k) == N -> count - 1 : count);
            k++
        :: else -> break
        od;
        at++
    :: else -> break
    od;
    count = (count > known[node] -> count : known[node]);
    if
#if MUTATE == RESERVES_SLEEP
    :: true ->
#elif MUTATE == REST_TOO_SOON
    :: RESERVES == 0 || count >= RESERVES ->
#else
    :: RESERVES == 0 || count > RESERVES ->
#endif
        state[node] = REST;
        busy--;
        known[node] = 0;
        forget(node, UP);
        forget(node, DOWN);
        heard[of(node, UP)] = 0;
        heard[of(node, DOWN)] = 0
    :: else
    fi
}

inline stand_by(node)
{
    state[node] = RESERVE;
    busy++;
    rest(node)
}

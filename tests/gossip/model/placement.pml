/* SPDX-License-Identifier: BSD-3-Clause
 * Where both models begin, and what must be true where they end. The model has take_part() for a
 * participant's beginning, at_end for when nothing more will happen, and arrive() for what has not
 * been said before.
 *
 * DIRECT: the root has sent to all others, and whoever is coloured by that is a participant and has
 * heard it. While the root lives nobody is dark, and nobody sends to it or waits for it. So it has
 * died, a death that is not among DEATHS, and any of its messages may be missing. */
/* A node other than the root, to begin with. A count of RESERVES + 1 means that or more. */
inline place(node)
{
    if
    :: true -> state[node] = DARK
    :: true -> state[node] = DEAD
    :: true ->
        state[node] = PARTICIPANT;
#if RESERVES > 0
        known[node] = 2;
        do
        :: !DIRECT && known[node] <= RESERVES -> known[node]++
        :: true -> break
        od
    :: LATE -> /* take_part() is not for it; `known` is the sender's, to begin with */
        state[node] = RESERVE;
        known[node] = 1;
        do
        :: known[node] <= RESERVES -> known[node]++
        :: true -> break
        od
#endif
    fi
}

/* fits: is there such a tree, that is, a participant who may have sent to each; and is this the
 * first of the placements that are the same but for where the ring begins? */
inline judge()
{
#if DIRECT
    i = N;
#else
    i = 1;
#endif
    do
    :: i < N ->
#if RESERVES > 0
        new = state[i] == DARK || state[i] == DEAD;
        j = 0;
        do
        :: j < N ->
            new = new ||
                (state[j] == PARTICIPANT && j != i &&
                    known[j] == (state[i] == PARTICIPANT -> known[i] - 1 : known[i]));
            j++
        :: else -> break
        od;
        fits = fits && new;
#else
        k = 0;
        do
        :: k < N && state[(i + k) % N] == state[k] -> k++
        :: else -> break
        od;
        fits = fits &&
            (k == N || state[i] != PARTICIPANT || state[(i + k) % N] > state[k]);
#endif
        i++
    :: else -> break
    od
}

#if OUTCOMES
byte began[N];
inline note()
{
    i = 0;
    do
    :: i < N -> began[i] = 10 * state[i] + known[i]; i++
    :: else -> break
    od
}
/* For check.py: from where to where. */
inline tell()
{
    c_code {
        printf("outcome");
        for (int n = 0; n < N; n++)
            printf(" %d:%d:%d:%d", now.began[n], now.state[n], now.sent[2 * n],
                now.sent[2 * n + 1]);
        printf("\n");
    }
}
#else
#define note() skip
#define tell() skip
#endif

inline begin()
{
#if DIRECT
    j = 1;
    do
    :: j < N ->
        if
        :: state[j] == PARTICIPANT ->
            at = distance(j, 0, UP);
            hear(j, UP, at);
            at = distance(j, 0, DOWN);
            hear(j, DOWN, at)
        :: else
        fi;
        j++
    :: else -> break
    od;
#endif
    do
    :: each < N ->
        if
        :: state[each] == PARTICIPANT ->
            printf("%d is a participant, known %d\n", each, known[each]);
            busy++
        :: state[each] == RESERVE ->
#if MUTATE == LATE_COUNT_SELF
            known[each] = (known[each] <= RESERVES -> known[each] + 1 : known[each]);
#endif
            printf("%d was coloured too late to be one, known %d\n", each, known[each]);
            stand_by(each)
        :: else -> printf("%d is %e\n", each, state[each])
        fi;
        each++
    :: else -> break
    od;
    each = 0;
    do
    :: each < N ->
        if
        :: state[each] == PARTICIPANT ->
#if DIRECT
            settle(each);
#endif
            take_part(each)
        :: else
        fi;
        each++
    :: else -> break
    od;
    each = 0
}

/* Nothing more will happen. */
inline judge_end()
{
    i = 0;
    dark = false;
    coloured = false;
    participant = false;
    do
    :: i < N ->
        assert(state[i] != PARTICIPANT && state[i] != RESERVE); /* P4 */
        dark = dark || state[i] == DARK;
        coloured = coloured || state[i] == DONE || state[i] == REST;
        participant = participant || state[i] == DONE;
        i++
    :: else -> break
    od;
    tell();
#if RESERVES > 0
    assert(!dark || !coloured) /* P3: all or none */
#else
    assert(!dark || !participant) /* P1, P2: all, if a participant lives */
#endif
}

init
{
    atomic {
        state[0] = (DIRECT -> DEAD : PARTICIPANT);
        known[0] = (RESERVES > 0 -> 1 : 0);
        each = 1;
        do
        :: each < N -> place(each); each++
        :: else -> break
        od;
        each = 0;
        d_step {
            fits = true;
            judge();
            note();
            if
            :: fits -> begin()
            :: else
            fi
        }
        if
        :: fits ->
            do
            :: each < N -> run member(each); each++
            :: else -> break
            od;
            each = 0
        :: else -> goto over
        fi
    }
    at_end -> d_step { arrive(); judge_end() };
over:
    skip
}

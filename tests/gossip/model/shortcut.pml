/* SPDX-License-Identifier: BSD-3-Clause
 * correction.pml with ASK=1 and LOSSES=99, by fewer states: for rings on which that one has too
 * many. Both have the same ends from the same beginnings; check.py compares them, all of them,
 * where both can be done. Why they should be the same:
 *
 * - A side is finished when `needed` of the distances heard are no further than it has sent. So to
 *   hear from a distance that it has not sent to yet can wait until it has.
 * - Then, if the other has been a participant, it may be heard: either it has sent to here itself,
 *   or it has answered the probe that has gone there. If it is dead it may have died just after,
 *   since nobody sees when another dies. So nothing of what participants send each other needs to
 *   be kept, but who cannot answer: a reserve has had the probe that coloured it before it became a
 *   participant. And in the checked mode, in which nobody becomes one, participants run one after
 *   the other.
 * - The first `needed` probes on both sides are sent whatever is heard; to die before is to die
 *   after, with them lost.
 * - A reserve need not have heard what it does not rest for, but the probe it was coloured by: it
 *   may hear of it when it has become a participant. So nodes stay DARK, with probes on their way,
 *   until they become participants or rest.
 */
#include "ring.pml"

/* Probes on their way to nodes that are DARK or RESERVE, as bits 1 << side of the receiver's. */
byte air[N * N];
bit mute[N * N]; /* the first can neither have answered nor sent to the second */
bit fallen[N]; /* DEAD, having been a participant */
#define between(from, to) air[(from) * N + (to)]
#define cannot_answer(from, to) mute[(from) * N + (to)]
#define waits(node) (state[node] == DARK || state[node] == RESERVE)
#define takes_part(node) (state[node] == PARTICIPANT || state[node] == DONE)
#define opposite(side) (1 - (side))

inline settle_and_clear(me)
{
    settle(me);
    i = 0;
    do
    :: i < N ->
        if
        :: state[me] == DONE -> cannot_answer(i, me) = 0
        :: else
        fi;
        i++
    :: else -> break
    od;
#if !OUTCOMES
    if
    :: state[me] == DONE -> sent[of(me, UP)] = 0; sent[of(me, DOWN)] = 0
    :: else
    fi;
#endif
    i = 0
}

inline probe(me)
{
    side = turn[me];
    turn[me] = !side;
    sent[of(me, side)]++;
    j = (side == UP -> (me + sent[of(me, UP)]) % N : (me + N - sent[of(me, DOWN)]) % N);
    if
    :: waits(j) ->
        between(me, j) = 1 << opposite(side);
        busy = (RESERVES > 0 -> busy + 1 : busy)
    :: else
    fi;
    here = opposite(side);
    cannot_answer(me, j) = cannot_answer(me, j) && sent[of(j, here)] < distance(j, me, here);
    printf("%d probes %d\n", me, j);
    settle_and_clear(me)
}

inline first_probes(me)
{
    count = 0;
    do
    :: count < 2 * NEEDED && state[me] == PARTICIPANT -> probe(me); count++
    :: else -> break
    od;
    count = 0
}

/* May this participant hear of that node on that side now? */
#define far(me, from, s) distance(me, from, s)
#define can_hear(me, from, s) \
    (from != me && state[me] == PARTICIPANT && far(me, from, s) <= sent[of(me, s)] && \
        !finished(me, s) && \
        (NEEDED < 2 || heard[of(me, s)] == 0 || near(me, s, 0) != far(me, from, s)) && \
        (NEEDED < 2 || heard[of(me, s)] < 2 || near(me, s, NEEDED - 1) > far(me, from, s)) && \
        (takes_part(from) || fallen[from]) && !cannot_answer(from, me))

inline hear_of(me, from, s)
{
    printf("%d hears of %d, %d\n", me, from, s);
    at = far(me, from, s);
    hear(me, s, at);
    settle_and_clear(me)
}

inline become_participant(me)
{
    i = 0;
    do
    :: i < N ->
        busy = (between(i, me) -> busy - 1 : busy);
        between(i, me) = 0;
        i++
    :: else -> break
    od;
    busy = (state[me] == DARK -> busy + 1 : busy);
    state[me] = PARTICIPANT;
    settle_and_clear(me);
    first_probes(me)
}

/* Coloured by, or having heard from, `from`, whose count does not let it rest. */
inline wake_by(me, from)
{
    printf("%d has %d's probe and becomes a participant\n", me, from);
    here = (between(from, me) & 1 -> UP : DOWN);
    at = far(me, from, here);
    hear(me, here, at);
    between(from, me) = 0;
    busy--;
    cannot_answer(me, from) = (state[from] == PARTICIPANT);
    known[me] = (known[from] > known[me] -> known[from] : known[me]);
    become_participant(me)
}

inline wake(me)
{
    printf("%d, a reserve, becomes a participant\n", me);
    become_participant(me)
}

/* rest(): has enough been heard, if all is heard that is on its way? */
#define from_side(from, me, s) (from < N -> (between(from, me) >> s) & 1 : 0)
#define on_side(me, s)                                                              \
    (from_side(0, me, s) + from_side(1, me, s) + from_side(2, me, s) + from_side(3, me, s) + \
        from_side(4, me, s) + from_side(5, me, s))
#define at_most_needed(number) ((number) < NEEDED -> (number) : NEEDED)
#define tells(from, me) (from < N -> between(from, me) && known[from] > RESERVES : 0)
#define may_rest(me)                                                                 \
    (tells(0, me) || tells(1, me) || tells(2, me) || tells(3, me) || tells(4, me) ||  \
        tells(5, me) ||                                                               \
        at_most_needed(on_side(me, UP)) + at_most_needed(on_side(me, DOWN)) > RESERVES)

inline lie_down(me)
{
    printf("%d rests\n", me);
    i = 0;
    do
    :: i < N -> busy = (between(i, me) -> busy - 1 : busy); between(i, me) = 0; i++
    :: else -> break
    od;
    busy = (state[me] == RESERVE -> busy - 1 : busy);
    state[me] = REST;
    known[me] = 0
}

inline die(me)
{
    deaths--;
    printf("%d dies\n", me);
    do
    :: each < N ->
        if
        :: waits(each) && between(me, each) ->
            if
            :: true
            :: between(me, each) = 0;
                busy = (RESERVES > 0 -> busy - 1 : busy);
                printf("its probe to %d is lost\n", each)
            fi
        :: else
        fi;
        each++
    :: else -> break
    od;
    each = 0;
    d_step {
        busy = (state[me] == PARTICIPANT -> busy - 1 : busy);
        i = 0;
        do
        :: i < N -> cannot_answer(i, me) = 0; i++
        :: else -> break
        od;
        fallen[me] = true;
        state[me] = DEAD;
        forget(me, UP);
        forget(me, DOWN);
        heard[of(me, UP)] = 0;
        heard[of(me, DOWN)] = 0;
        sent[of(me, UP)] = 0;
        sent[of(me, DOWN)] = 0;
        turn[me] = UP
    }
}

#if RESERVES > 0
#define my_turn(me) true
#else
#define after(i, me) (i >= me || state[i % N] != PARTICIPANT)
#define my_turn(me) (after(0, me) && after(1, me) && after(2, me) && after(3, me) && after(4, me))
#endif
#define HEAR(from)                                                           \
    :: d_step { from < N && my_turn(me) && can_hear(me, from, UP) -> hear_of(me, from, UP) }     \
    :: d_step { from < N && my_turn(me) && can_hear(me, from, DOWN) -> hear_of(me, from, DOWN) } \
    WAKE(from)
#if RESERVES > 0
#define WAKE(from)                                                                  \
    :: d_step {                                                                     \
            from < N && waits(me) && between(from, me) && known[from] <= RESERVES -> \
            wake_by(me, from)                                                       \
        }
#else
#define WAKE(from)
#endif

proctype member(byte me)
{
end:
    do
    :: d_step { state[me] == PARTICIPANT && my_turn(me) -> probe(me) }
#if RESERVES > 0
    :: d_step { state[me] == RESERVE -> wake(me) }
    :: d_step { waits(me) && may_rest(me) -> lie_down(me) }
#endif
    HEAR(0)
    HEAR(1)
#if N > 2
    HEAR(2)
#endif
#if N > 3
    HEAR(3)
#endif
#if N > 4
    HEAR(4)
#endif
#if N > 5
    HEAR(5)
#endif
#if DEATHS > 0
    :: atomic { deaths > 0 && takes_part(me) && my_turn(me) -> die(me) }
#endif
    od
}

/* What is on its way to dark nodes that have no part in anything is there at the end. */
inline arrive()
{
    deaths = 0;
    i = 0;
    do
    :: i < N * N ->
        if
        :: air[i] && state[i % N] == DARK -> state[i % N] = REST
        :: else
        fi;
        air[i] = 0;
        i++
    :: else -> break
    od
}

#define take_part(me) first_probes(me)
#define at_end busy == 0
#include "placement.pml"

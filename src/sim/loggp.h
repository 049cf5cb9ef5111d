/* SPDX-License-Identifier: BSD-3-Clause
 * A virtual network for letters of any size: event-driven LogGP (Alexandrov and others 1995). A
 * letter of n bytes occupies the processor of its sender for o, and the way out for g + (n - 1) G;
 * its first byte is there L later and occupies the way in as long; behind the last one the receiver
 * takes it, which occupies its processor for o. A node handles letters in the order in which they
 * came, and may compute meanwhile; so each has a clock of its own. Knows nothing of what the
 * letters mean. Deterministic. */
#ifndef FFMK_SIM_LOGGP_H
#define FFMK_SIM_LOGGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ffmk_loggp_times {
    double wire_ns;     /* L */
    double overhead_ns; /* o */
    double gap_ns;      /* g */
    double byte_ns;     /* G */
};

/** A network that somebody has measured. */
struct ffmk_loggp_named {
    const char *name;
    struct ffmk_loggp_times times;
    const char *source; /* a sentence */
};

/** The i-th, NULL behind the last; the first is the usual one. */
const struct ffmk_loggp_named *ffmk_loggp_named(size_t i);

struct ffmk_loggp;

/** A letter that has come. */
struct ffmk_loggp_letter {
    uint32_t from, to;
    uint32_t kind;
    uint32_t bytes;
    uint32_t chain; /* of letters each of which came before the next was sent, with this one last */
    void *data;     /* the receiver's from now on */
};

/** nodes ≥ 1. ffmk_loggp_destroy() when done. \return NULL when out of memory. */
struct ffmk_loggp *ffmk_loggp_create(uint32_t nodes, const struct ffmk_loggp_times *times);
/** Frees the data of letters that are under way, too. */
void ffmk_loggp_destroy(struct ffmk_loggp *loggp);

/** A node sends as soon as its clock and its way out allow; the clock goes on by o. `data` is taken
 * over; `chain` is set. \return false when out of memory. */
bool ffmk_loggp_send(struct ffmk_loggp *loggp, const struct ffmk_loggp_letter *letter);

/** The next letter; the receiver's clock is behind taking it. \return false: none is under way. */
bool ffmk_loggp_next(struct ffmk_loggp *loggp, struct ffmk_loggp_letter *letter);

/** A node computes. */
void ffmk_loggp_compute(struct ffmk_loggp *loggp, uint32_t node, double ns);

/** A node's clock, and the longest chain of letters behind what it knows. */
double ffmk_loggp_now_ns(const struct ffmk_loggp *loggp, uint32_t node);
uint32_t ffmk_loggp_chain(const struct ffmk_loggp *loggp, uint32_t node);

#endif

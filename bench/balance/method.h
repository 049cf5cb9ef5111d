/* SPDX-License-Identifier: BSD-3-Clause
 * What the bench asks of a balancer. A method sees this rank's items as they are now; where they go
 * it says in a plan, which alone is measured. */
#ifndef FFMK_BENCH_METHOD_H
#define FFMK_BENCH_METHOD_H

#include <ffmk.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_IMBALANCE 1.05

/** This rank's items, ascending. A part is a rank, or one of several that a rank holds. */
struct field {
    int parts;
    size_t n;
    uint64_t *ids;
    int *at; /* part */
    double *weights;
    double *positions; /* three each */
    size_t *first;     /* of an item in links; n + 1 */
    ffmk_link *links;  /* of both ends */
    int *holders;      /* rank that has the link's other end */
};

/** 0 for success; whatever fails ends the bench. `state` is what open made. */
struct method_kind {
    bool any_parts; /* not only one a rank */
    void *(*open)(const char *parameters, const struct field *field);
    int (*set_weights)(void *state, const struct field *field); /* registration, not measured */
    int (*plan)(void *state, const struct field *field, int *to);
    int (*move)(void *state, const struct field *field, const int *to); /* not measured */
    void (*close)(void *state);
};

/** Parameters of ours: nothing, or conductance and migration_price. */
void bench_read(const char *parameters, ffmk_balance_options *options);

extern const struct method_kind method_ours;
extern const struct method_kind method_csr;    /* the same by ffmk_balance_csr() */
extern const struct method_kind method_zoltan; /* parameters: NAME=VALUE words */

#endif

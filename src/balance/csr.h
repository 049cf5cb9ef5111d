/* SPDX-License-Identifier: BSD-3-Clause
 * ffmk_balance_csr() for callers whose arrays say how long they are. */
#ifndef FFMK_BALANCE_CSR_H
#define FFMK_BALANCE_CSR_H

#include <ffmk.h>

struct ffmk_csr_room {
    int64_t vtxdist; /* its length */
    int64_t n;       /* vertices that all other arrays are for; negative: they differ */
};

/** room NULL: not known. */
int ffmk_csr_balance(MPI_Comm comm, const ffmk_csr *csr, const struct ffmk_csr_room *room,
                     const ffmk_balance_options *options, int *part, ffmk_balance_info *info);

#endif

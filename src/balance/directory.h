/* SPDX-License-Identifier: BSD-3-Clause
 * Who holds which item. Every id has a home rank by its hash; ranks register their items there and
 * ask there for the targets of their links. That is done in rounds, each about some of the ids, so
 * that a rank's memory follows what one round is about. */
#ifndef FFMK_BALANCE_DIRECTORY_H
#define FFMK_BALANCE_DIRECTORY_H

#include "balance/items.h"
#include "balance/team.h"

/** Rounds that this rank's table asks for, ≥ 1; the ranks have to agree on one number, which should
 * be the most. */
unsigned ffmk_directory_rounds(const struct ffmk_table *table);

/** Look up every link's target, and who links to our items: sets all entries' link_ranks and links
 * of others. Collective; all ranks give the same number of rounds, at least 1, and return the same.
 * \return FFMK_ERR_DUPLICATE or FFMK_ERR_UNKNOWN_ITEM (rank 0 logs a line that names up to eight
 * ids), FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI; what was set is then of no use. `code` is how this rank
 * fared so far. */
int ffmk_directory_resolve(struct ffmk_team *team, int code, unsigned rounds,
                           struct ffmk_table *table);

#endif

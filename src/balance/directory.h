/* SPDX-License-Identifier: BSD-3-Clause
 * Who holds which item. Every id has a home rank by its hash; ranks register their items there and
 * ask there for the targets of their links. A rank's memory follows its own items and links and its
 * share of the directory. */
#ifndef FFMK_BALANCE_DIRECTORY_H
#define FFMK_BALANCE_DIRECTORY_H

#include "balance/items.h"
#include "balance/team.h"

/** Look up every link's target, and who links to our items: sets all entries' link_ranks and links
 * of others. Collective; all ranks return the same. `order` is ffmk_table_order() of the table.
 * \return FFMK_ERR_DUPLICATE or FFMK_ERR_UNKNOWN_ITEM (rank 0 logs a line that names up to eight
 * ids), FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI. `code` is how this rank fared so far. */
int ffmk_directory_resolve(struct ffmk_team *team, int code, struct ffmk_table *table,
                           const size_t *order);

#endif

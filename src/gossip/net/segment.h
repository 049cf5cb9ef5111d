/* SPDX-License-Identifier: BSD-3-Clause
 * A piece of memory that some processes of this host share. It has a name only until all have it,
 * so that nothing is left behind however they end. */
#ifndef FFMK_GOSSIP_NET_SEGMENT_H
#define FFMK_GOSSIP_NET_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

/** Make one, zeroed, which takes no memory before it is filled, of this name ("/ffmk-…"), for this
 * user only. \return it; NULL and errno when it cannot be had, or the name is taken. */
void *ffmk_segment_create(const char *name, size_t bytes);

/** Take part in one that was made with so many bytes. \return it; NULL and errno. */
void *ffmk_segment_attach(const char *name, size_t bytes);

/** Give it memory, unless another one has. \return false, at all processes alike: there is not
 * enough. It must not be used before. */
bool ffmk_segment_fill(void *segment, size_t bytes);

/** All have it. */
void ffmk_segment_unname(const char *name);

/** No more use of it in this process. */
void ffmk_segment_drop(void *segment, size_t bytes);

#endif

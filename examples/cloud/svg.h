/* SPDX-License-Identifier: BSD-3-Clause
 * The little SVG that the pictures need: a page with a style for dark and light, text, and a colour
 * for each rank. */
#ifndef CLOUD_SVG_H
#define CLOUD_SVG_H

#include <stdbool.h>
#include <stdio.h>

/** Open folder/name and write the head of a picture of width × height. \return NULL with errno set.
 */
FILE *svg_open(const char *folder, const char *name, double width, double height,
               const char *title);

/** Write the foot and close. \return false with errno set when anything could not be written. */
bool svg_close(FILE *svg);

/** One line of text. `class` is one of title, note, label; `anchor` start, middle or end. */
void svg_text(FILE *svg, double x, double y, const char *class, const char *anchor,
              const char *format, ...) __attribute__((format(printf, 6, 7)));

/** Colours of `n_ranks` ranks, "#rrggbb"; neighbours in number differ well. */
void svg_rank_colour(int rank, int n_ranks, char colour[8]);

/** The key of the ranks' colours from (x, y) on, as many as fit `width`; says so where some do not.
 */
void svg_rank_key(FILE *svg, double x, double y, double width, int n_ranks);

#endif

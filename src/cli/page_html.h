/* SPDX-License-Identifier: BSD-3-Clause
 * The page's small tools: text of strangers made inert, axes, legends. Shared by the page rooms
 * only. */
#ifndef FFMK_CLI_PAGE_HTML_H
#define FFMK_CLI_PAGE_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Write text of a report so that it stays text, in an element or a quoted attribute. */
void ffmk_html_text(FILE *out, const char *text);

/** Write a name, which may be broken behind underscores and colons where it does not fit its cell.
 */
void ffmk_html_name(FILE *out, const char *name);

/** Write a moment "2026-11-22T18:00:00Z" as "2026-11-22 18:00 UTC"; any other text as it is. */
void ffmk_html_moment(FILE *out, const char *moment);

/** Open a <section> with a heading and a line under it (HTML of ours, may be NULL). Close with
 * "</section>". */
void ffmk_html_section(FILE *out, const char *id, const char *title, const char *caption);

/** Marks of an axis from 0 to most, in a unit that suits it. */
struct ffmk_html_ticks {
    int n;
    double at[12];    /* in seconds */
    double unit;      /* seconds in a unit */
    const char *name; /* "s", "ms", "min" */
};
struct ffmk_html_ticks ffmk_html_time_ticks(double most_s, int wanted);

/** A horizontal axis of time under a plot: at position `at / most_s` of its width. */
void ffmk_html_time_axis(FILE *out, double most_s, int wanted);

/** Legend of the four kinds of time; those with a share get it written behind them when shares is
 * not NULL. */
enum { FFMK_HTML_USEFUL, FFMK_HTML_MPI, FFMK_HTML_WAIT, FFMK_HTML_OWN, FFMK_HTML_KINDS };
extern const char *const ffmk_html_kinds[FFMK_HTML_KINDS];   /* names for people */
extern const char *const ffmk_html_classes[FFMK_HTML_KINDS]; /* CSS classes that colour them */
void ffmk_html_kind_legend(FILE *out, const double *shares);

#endif

/* SPDX-License-Identifier: BSD-3-Clause
 * Pictures of broadcasts: the strip of one, and charts with lines. Shared by the rooms of `ffmk
 * sim` that draw. */
#ifndef FFMK_CLI_SIM_DRAW_H
#define FFMK_CLI_SIM_DRAW_H

#include "cli/sim.h"

/** One broadcast over time: a row a slot (or a few), a column a rank (or a few neighbours on the
 * ring). A cell is filled in shares: from below those coloured by the dissemination, above them
 * those by the correction, from the top the dead. */
struct ffmk_sim_strip {
    struct ffmk_sim_row row;
    uint32_t columns;
    uint32_t rows;
    uint32_t slots_per_row;
    uint32_t *count;      /* [rows][columns][FFMK_SIM_FATES] ranks */
    uint32_t *of;         /* [columns] ranks in a column */
    double *share;        /* [slots] of the ranks that live at the start, coloured by this slot */
    uint32_t slots;       /* in share */
    double correction_at; /* slot; below 0: none */
    double done;          /* slots */
};
enum { FFMK_SIM_BY_TABLE, FFMK_SIM_BY_CORRECTION, FFMK_SIM_DEAD, FFMK_SIM_FATES };

/** Run it once. ffmk_sim_strip_free() when done. \return false after a line that says why not. */
bool ffmk_sim_strip_make(const char *name, const struct ffmk_study_case *wanted,
                         struct ffmk_sim_strip *strip);
void ffmk_sim_strip_free(struct ffmk_sim_strip *strip);

/** A picture of its own. */
void ffmk_sim_strip_svg(FILE *out, const struct ffmk_sim_strip *strip);
/** A figure of a page, in a plot of at least so many rows, so that two have one scale. */
void ffmk_sim_strip_plot(FILE *out, const struct ffmk_sim_strip *strip, uint32_t rows);
void ffmk_sim_strip_legend(FILE *out);

/** A line of a chart; its colour and dashes are those of `style`. */
struct ffmk_sim_line {
    const char *label;
    int style; /* 0 … FFMK_SIM_STYLES - 1 */
    bool dots; /* marks its points */
    size_t n;
    const double *x;
    const double *y;
};
enum { FFMK_SIM_STYLES = 8 };

struct ffmk_sim_chart {
    const char *what; /* for those who cannot see it */
    const char *x_name;
    const char *y_name;
    double x_least;
    double x_most;
    double y_most;
    bool doubling; /* each step to the right is a factor; x_least > 0 */
    bool small;    /* one of several in a row */
};

void ffmk_sim_chart(FILE *out, const struct ffmk_sim_chart *chart,
                    const struct ffmk_sim_line *lines, size_t n);
void ffmk_sim_chart_legend(FILE *out, const struct ffmk_sim_line *lines, size_t n);

/** Rules of the style sheet, for page and picture: custom properties of both schemes, and the rest
 * of a page. */
extern const char ffmk_sim_colours[];
extern const char ffmk_sim_page_style[];

/** The page of a study. \return false after a line that says why there is none. */
bool ffmk_sim_page(FILE *out, const struct ffmk_sim_words *words);

#endif

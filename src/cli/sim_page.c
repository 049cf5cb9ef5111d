/* SPDX-License-Identifier: BSD-3-Clause
 * The page of `ffmk sim gossip --study`: simulates what its figures need, and draws them. One file,
 * no script, nothing from elsewhere. */
#include "cli/page_html.h"
#include "cli/page_parts.h"
#include "cli/report_units.h"
#include "cli/sim_draw.h"

#include <ffmk.h>
#include <math.h>
#include <stdlib.h>

enum {
    LEAST_RANKS = 64,
    SIZES = 20,    /* most points of the chart over the number of ranks */
    RATES = 5,     /* shares of dead: 0, 5, … 20 % */
    RATE_STEP = 5, /* in % */
    CURVE = 8,     /* rounds of gossip that are tried at each share */
    MOST_POINT_RUNS = 50,
    POINT_WORK = 400000 /* ranks times runs of a point, one run at least */
};

/* Of the rows compared, each of which has a colour of its own. */
enum { CIRCULANT = 0, GOSSIP = 3 };

struct curve {
    size_t n;
    double messages[CURVE];
    double done[CURVE];
};

/* All that the figures show. */
struct found {
    struct ffmk_sim_strip strips[2]; /* circulant, gossip */
    size_t sizes;
    double size[SIZES];
    struct ffmk_sim_row by_size[FFMK_SIM_COMPARED][SIZES];
    uint32_t rate_ranks; /* of the figures over the share of dead */
    struct ffmk_sim_row by_rate[2][RATES];
    struct curve curve[RATES];
    uint32_t rate_runs;
};

static const char *const table_names[2] = {"circulant", "gossip"};

static uint32_t point_runs(const struct ffmk_sim_words *words, uint32_t ranks)
{
    if (words->runs_given)
        return words->runs;
    const uint32_t runs = POINT_WORK / ranks;
    return runs < 1 ? 1 : runs > MOST_POINT_RUNS ? MOST_POINT_RUNS : runs;
}

static size_t choose_sizes(uint32_t ranks, double *size)
{
    const uint32_t factor = ranks <= 65536 ? 2 : 4;
    size_t n = 0;
    for (uint32_t at = ranks < 2 * LEAST_RANKS ? 2 : LEAST_RANKS; at < ranks; at *= factor)
        size[n++] = at;
    size[n++] = ranks;
    return n;
}

/* The same case with other ranks, and as large a share of them dead. */
static struct ffmk_study_case resized(const struct ffmk_study_case *like, uint32_t ranks)
{
    struct ffmk_study_case wanted = *like;
    const double scale = (double)ranks / like->setup.nodes;
    wanted.setup.nodes = ranks;
    wanted.dead_before = (uint32_t)(like->dead_before * scale);
    wanted.dead_during = (uint32_t)(like->dead_during * scale);
    return wanted;
}

static bool find_by_size(const struct ffmk_sim_words *words, struct ffmk_sim_progress *progress,
                         struct found *found)
{
    for (size_t s = 0; s < found->sizes; s++) {
        const uint32_t ranks = (uint32_t)found->size[s];
        const struct ffmk_study_case like = resized(&words->wanted, ranks);
        for (size_t a = 0; a < FFMK_SIM_COMPARED; a++) {
            const struct ffmk_sim_compared *of = &ffmk_sim_compared[a];
            const struct ffmk_study_case wanted = ffmk_sim_case(&like, of->name, of->mode);
            if (!ffmk_sim_study(of->name, &wanted, point_runs(words, ranks), progress,
                                &found->by_size[a][s]))
                return false;
        }
    }
    return true;
}

/* Gossip with rounds around the best: what can be had of time and messages. */
static bool find_curve(const struct ffmk_study_case *like, uint32_t best, uint32_t runs,
                       struct ffmk_sim_progress *progress, struct curve *curve)
{
    const uint32_t first = best > 6 ? best - 6 : 1;
    for (uint32_t i = 0; i < CURVE; i++) {
        struct ffmk_sim_row row;
        struct ffmk_study_case wanted = ffmk_sim_case(like, "gossip", FFMK_RUMOR_CHECKED);
        wanted.setup.rounds = first + 2 * i;
        if (!ffmk_sim_study("gossip", &wanted, runs, progress, &row))
            return false;
        curve->messages[i] = row.sum.messages_per_rank;
        curve->done[i] = row.sum.done_mean;
        curve->n++;
    }
    return true;
}

static bool find_by_rate(const struct ffmk_sim_words *words, struct ffmk_sim_progress *progress,
                         struct found *found)
{
    for (uint32_t r = 0; r < RATES; r++) {
        struct ffmk_study_case like = resized(&words->wanted, found->rate_ranks);
        like.dead_before = found->rate_ranks * r * RATE_STEP / 100;
        like.dead_during = 0;
        for (int a = 0; a < 2; a++) {
            const struct ffmk_study_case wanted =
                ffmk_sim_case(&like, table_names[a], FFMK_RUMOR_CHECKED);
            if (!ffmk_sim_study(table_names[a], &wanted, found->rate_runs, progress,
                                &found->by_rate[a][r]))
                return false;
        }
        if (!find_curve(&like, found->by_rate[1][r].wanted.setup.rounds, found->rate_runs, progress,
                        &found->curve[r]))
            return false;
    }
    return true;
}

static bool find(const struct ffmk_sim_words *words, struct found *found)
{
    const uint32_t ranks = words->wanted.setup.nodes;
    struct ffmk_sim_progress progress;
    found->sizes = choose_sizes(ranks, found->size);
    found->rate_ranks = ranks < 65536 ? ranks : 65536;
    found->rate_runs = point_runs(words, found->rate_ranks);
    double work = (double)found->rate_ranks * found->rate_runs * RATES * (2 + CURVE);
    for (size_t s = 0; s < found->sizes; s++)
        work += found->size[s] * point_runs(words, (uint32_t)found->size[s]) * FFMK_SIM_COMPARED;
    ffmk_sim_progress_begin(&progress, work);
    bool good = true;
    for (int a = 0; good && a < 2; a++) {
        const struct ffmk_study_case wanted =
            ffmk_sim_case(&words->wanted, table_names[a], FFMK_RUMOR_CHECKED);
        good = ffmk_sim_strip_make(table_names[a], &wanted, &found->strips[a]);
    }
    good = good && find_by_size(words, &progress, found) && find_by_rate(words, &progress, found);
    ffmk_sim_progress_end(&progress);
    return good;
}

static void write_head(FILE *out, const struct ffmk_sim_words *words, const struct found *found)
{
    const size_t last = found->sizes - 1;
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Broadcasts on a virtual "
          "machine – ffmk sim</title>\n<style>\n",
          out);
    for (const char *const *piece = ffmk_page_style; *piece; piece++)
        fputs(*piece, out);
    fputs(ffmk_sim_colours, out);
    fputs(ffmk_sim_page_style, out);
    fprintf(out,
            "</style></head>\n<body>\n<main>\n<header><p class=\"eyebrow\"><code>ffmk sim "
            "gossip</code></p>\n<h1>The circulant table is done after <span class=\"nb\">%.1f "
            "slots</span> with <span class=\"nb\">%.2f messages</span> a rank, gossip after "
            "<span class=\"nb\">%.1f</span> with <span class=\"nb\">%.2f</span>.</h1>\n"
            "<p class=\"line\">",
            found->by_size[CIRCULANT][last].sum.done_mean,
            found->by_size[CIRCULANT][last].sum.messages_per_rank,
            found->by_size[GOSSIP][last].sum.done_mean,
            found->by_size[GOSSIP][last].sum.messages_per_rank);
    ffmk_sim_where(out, &words->wanted);
    fprintf(out,
            ", seed %llu. Times are in slots: one is the overhead o of a message, which takes "
            "L + 2 o.</p></header>\n",
            (unsigned long long)words->wanted.seed);
}

static void write_over_time(FILE *out, const struct found *found)
{
    struct ffmk_sim_line lines[2];
    double *x[2] = {NULL, NULL};
    double *y[2] = {NULL, NULL};
    double most = 1;
    uint32_t rows = 0;
    for (int a = 0; a < 2; a++) {
        const struct ffmk_sim_strip *strip = &found->strips[a];
        x[a] = calloc(strip->slots, sizeof **x);
        y[a] = calloc(strip->slots, sizeof **y);
        for (uint32_t s = 0; x[a] && y[a] && s < strip->slots; s++) {
            x[a][s] = s;
            y[a][s] = 100 * strip->share[s];
        }
        lines[a] = (struct ffmk_sim_line){.label = a ? "gossip" : "circulant",
                                          .style = a ? GOSSIP : CIRCULANT,
                                          .n = x[a] && y[a] ? strip->slots : 0,
                                          .x = x[a],
                                          .y = y[a]};
        most = fmax(most, strip->slots - 1.0);
        rows = strip->rows > rows ? strip->rows : rows;
    }
    ffmk_html_section(
        out, "time", "Over time",
        "One broadcast with the circulant table and one with gossip: the share of the "
        "living ranks that have it, and where on the ring they are. The correction "
        "goes from rank to rank along the ring and turns almost all into all.");
    const struct ffmk_sim_chart chart = {.what = "Share of the ranks that have it, over time",
                                         .x_name = "slots since the root began",
                                         .y_name = "% of the ranks that live",
                                         .x_most = most,
                                         .y_most = 100};
    ffmk_sim_chart(out, &chart, lines, 2);
    ffmk_sim_chart_legend(out, lines, 2);
    fputs("<div class=\"pair\">", out);
    for (int a = 0; a < 2; a++) {
        fprintf(out, "<div><h3>%s, T = %u: done after %.4g slots</h3>\n", table_names[a],
                found->strips[a].row.wanted.setup.rounds, found->strips[a].done);
        ffmk_sim_strip_plot(out, &found->strips[a], rows);
        fputs("</div>\n", out);
        free(x[a]);
        free(y[a]);
    }
    fputs("</div>\n", out);
    ffmk_sim_strip_legend(out);
    if (found->strips[0].columns < found->strips[0].row.wanted.setup.nodes)
        fputs("<p class=\"note\">A column is several neighbours on the ring, and is filled by as "
              "large a share as has it.</p>\n",
              out);
    fputs("</section>\n", out);
}

static const char *const compared_labels[FFMK_SIM_COMPARED] = {"circulant, checked",
                                                               "circulant, opportunistic",
                                                               "binomial, checked",
                                                               "gossip, checked",
                                                               "plain gossip",
                                                               "binomial graph",
                                                               "binomial graph, Open MPI's order",
                                                               "acknowledged binomial tree"};

static void write_by_size(FILE *out, const struct found *found)
{
    double done[FFMK_SIM_COMPARED][SIZES];
    struct ffmk_sim_line lines[FFMK_SIM_COMPARED];
    double most = 1;
    for (int a = 0; a < FFMK_SIM_COMPARED; a++) {
        for (size_t s = 0; s < found->sizes; s++) {
            done[a][s] = found->by_size[a][s].sum.done_mean;
            most = fmax(most, done[a][s]);
        }
        lines[a] = (struct ffmk_sim_line){.label = compared_labels[a],
                                          .style = a,
                                          .dots = found->sizes < 2,
                                          .n = found->sizes,
                                          .x = found->size,
                                          .y = done[a]};
    }
    ffmk_html_section(
        out, "ranks", "Against the number of ranks",
        "Slots until the last rank is done, mean of all runs; each algorithm with its "
        "best T and reach.");
    const double last = found->size[found->sizes - 1];
    const struct ffmk_sim_chart chart = {.what = "Time against the number of ranks",
                                         .x_name = "ranks",
                                         .y_name = "slots until all are done",
                                         .x_least = found->sizes > 1 ? found->size[0] : last / 2,
                                         .x_most = found->sizes > 1 ? last : last * 2,
                                         .y_most = most * 1.04,
                                         .doubling = true};
    ffmk_sim_chart(out, &chart, lines, FFMK_SIM_COMPARED);
    ffmk_sim_chart_legend(out, lines, FFMK_SIM_COMPARED);
    fputs("<div class=\"scroll\"><table><thead><tr><th>With all ranks</th><th>T</th><th>reach</th>"
          "<th>coloured, slots</th><th>done, slots</th><th>longest</th><th>messages a rank</th>"
          "<th>runs that missed one</th></tr></thead><tbody>\n",
          out);
    for (int a = 0; a < FFMK_SIM_COMPARED; a++) {
        const struct ffmk_sim_row *row = &found->by_size[a][found->sizes - 1];
        char rounds[16] = "–";
        char reach[16] = "–";
        if (row->predicted)
            snprintf(rounds, sizeof rounds, "%u", row->wanted.setup.rounds);
        if (row->wanted.setup.mode == FFMK_RUMOR_OPPORTUNISTIC)
            snprintf(reach, sizeof reach, "%u", row->wanted.setup.deaths_or_reach);
        fprintf(out,
                "<tr><th>%s</th><td>%s</td><td>%s</td><td>%.2f</td><td>%.2f</td><td>%.2f</td>"
                "<td>%.2f</td><td>%u of %u</td></tr>\n",
                compared_labels[a], rounds, reach, row->sum.coloured_mean, row->sum.done_mean,
                row->sum.done_max, row->sum.messages_per_rank, row->sum.missed_runs, row->sum.runs);
    }
    fputs("</tbody></table></div>\n</section>\n", out);
}

static void write_rate_charts(FILE *out, const struct found *found)
{
    static const char *const names[2] = {"slots until all are done", "messages a living rank"};
    double rate[RATES];
    double values[2][2][RATES];
    fputs("<div class=\"pair\">", out);
    for (int what = 0; what < 2; what++) {
        struct ffmk_sim_line lines[2];
        double most = 1;
        for (int a = 0; a < 2; a++) {
            for (int r = 0; r < RATES; r++) {
                const struct ffmk_study_summary *sum = &found->by_rate[a][r].sum;
                rate[r] = RATE_STEP * r;
                values[what][a][r] = what ? sum->messages_per_rank : sum->done_mean;
                most = fmax(most, values[what][a][r]);
            }
            lines[a] = (struct ffmk_sim_line){.label = compared_labels[a ? GOSSIP : CIRCULANT],
                                              .style = a ? GOSSIP : CIRCULANT,
                                              .dots = true,
                                              .n = RATES,
                                              .x = rate,
                                              .y = values[what][a]};
        }
        const struct ffmk_sim_chart chart = {.what = names[what],
                                             .x_name = "% of the ranks dead before",
                                             .y_name = names[what],
                                             .x_most = RATE_STEP * (RATES - 1),
                                             .y_most = most * 1.05};
        fputs("<div>", out);
        ffmk_sim_chart(out, &chart, lines, 2);
        if (what == 0)
            ffmk_sim_chart_legend(out, lines, 2);
        fputs("</div>", out);
    }
    fputs("</div>\n", out);
}

/* For each share: what gossip can have with one T or another, and where ours lies. */
static void write_panels(FILE *out, const struct found *found)
{
    double most_x = 1;
    double most_y = 1;
    struct ffmk_sim_line lines[2];
    for (int r = 0; r < RATES; r++)
        for (size_t i = 0; i < found->curve[r].n; i++) {
            most_x = fmax(most_x, found->curve[r].messages[i]);
            most_y = fmax(most_y, found->curve[r].done[i]);
        }
    fputs("<div class=\"panels\">", out);
    for (int r = 0; r < RATES; r++) {
        const struct ffmk_study_summary *ours = &found->by_rate[0][r].sum;
        const struct ffmk_sim_chart chart = {.what = "Time against messages",
                                             .x_name = "messages a rank",
                                             .y_name = "slots",
                                             .x_most = most_x * 1.05,
                                             .y_most = most_y * 1.05,
                                             .small = true};
        lines[0] = (struct ffmk_sim_line){.label = "circulant with its best T",
                                          .dots = true,
                                          .n = 1,
                                          .x = &ours->messages_per_rank,
                                          .y = &ours->done_mean};
        lines[1] = (struct ffmk_sim_line){.label = "gossip, a dot for each T",
                                          .style = GOSSIP,
                                          .dots = true,
                                          .n = found->curve[r].n,
                                          .x = found->curve[r].messages,
                                          .y = found->curve[r].done};
        fprintf(out, "<div><h3>%d %% dead</h3>\n", RATE_STEP * r);
        ffmk_sim_chart(out, &chart, lines, 2);
        fputs("</div>", out);
    }
    fputs("</div>\n", out);
    ffmk_sim_chart_legend(out, lines, 2);
}

static void write_by_rate(FILE *out, const struct found *found)
{
    ffmk_html_section(out, "dead", "Against the share of dead ranks",
                      "Dead before the root began, and nobody knows which. Each algorithm with its "
                      "best T for that share, checked correction.");
    write_rate_charts(out, found);
    fputs("<p class=\"caption\" style=\"margin-top:32px\">Gossip trades messages for time by its "
          "number of rounds T. Below and to the left of its curve is what no T of it reaches."
          "</p>\n",
          out);
    write_panels(out, found);
    fprintf(out, "<p class=\"note\">%s ranks, %u run%s a point.</p>\n</section>\n",
            ffmk_units_whole(found->rate_ranks).text, found->rate_runs,
            found->rate_runs == 1 ? "" : "s");
}

bool ffmk_sim_page(FILE *out, const struct ffmk_sim_words *words)
{
    struct found *found = calloc(1, sizeof *found);
    const bool good = found && find(words, found);
    if (good) {
        write_head(out, words, found);
        write_over_time(out, found);
        write_by_size(out, found);
        write_by_rate(out, found);
        fputs("</main>\n<footer>Made by ffmk " FFMK_VERSION_STRING
              " with the engine that runs in jobs, on a virtual LogP network.</footer>\n"
              "</body></html>\n",
              out);
    }
    for (int a = 0; found && a < 2; a++)
        ffmk_sim_strip_free(&found->strips[a]);
    free(found);
    return good;
}

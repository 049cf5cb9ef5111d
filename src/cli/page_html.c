/* SPDX-License-Identifier: BSD-3-Clause
 * Escaping and axes. Every string of a report passes through ffmk_html_text on its way into a page.
 */
#include "cli/page_html.h"

#include "cli/load_json.h"
#include "cli/report_units.h"

#include <math.h>
#include <string.h>

const char *const ffmk_html_kinds[FFMK_HTML_KINDS] = {"useful work", "MPI, moving data",
                                                      "MPI, waiting for others", "ffmk itself"};
const char *const ffmk_html_classes[FFMK_HTML_KINDS] = {"useful", "mpi", "wait", "own"};

/* Text, and behind each of the bytes `breaks` a place where a line may end. */
static void write_text(FILE *out, const char *text, const char *breaks)
{
    for (const char *c = text; *c; c++) {
        size_t bad = ffmk_json_harmful(c);
        if (bad) {
            fputs("\uFFFD", out);
            c += bad - 1;
            continue;
        }
        switch (*c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*c, out);
        }
        if (c[1] && strchr(breaks, *c) && *c != c[1])
            fputs("<wbr>", out);
    }
}

void ffmk_html_text(FILE *out, const char *text)
{
    write_text(out, text, "");
}

void ffmk_html_name(FILE *out, const char *name)
{
    write_text(out, name, "_:");
}

void ffmk_html_moment(FILE *out, const char *moment)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    size_t at = 0;
    while (shape[at] &&
           (shape[at] == '0' ? moment[at] >= '0' && moment[at] <= '9' : moment[at] == shape[at]))
        at++;
    if (shape[at] == '\0' && moment[at] == '\0')
        fprintf(out, "<span class=\"nb\">%.10s %.5s UTC</span>", moment, moment + 11);
    else
        ffmk_html_text(out, moment);
}

void ffmk_html_section(FILE *out, const char *id, const char *title, const char *caption)
{
    fprintf(out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n", id, id, title);
    if (caption)
        fprintf(out, "<p class=\"caption\">%s</p>\n", caption);
}

struct ffmk_html_ticks ffmk_html_time_ticks(double most_s, int wanted)
{
    static const struct {
        double from_s;
        double unit;
        const char *name;
    } units[] = {{7200, 3600, "h"},       {600, 60, "min"},        {0.9995, 1, "s"},
                 {0.9995e-3, 1e-3, "ms"}, {0.9995e-6, 1e-6, "µs"}, {0, 1e-9, "ns"}};
    struct ffmk_html_ticks ticks = {0};
    size_t u = 0;
    while (most_s < units[u].from_s)
        u++;
    ticks.unit = units[u].unit;
    ticks.name = units[u].name;
    double most = most_s / ticks.unit;
    ticks.n = 1;
    if (!(most > 0))
        return ticks;
    double step = pow(10, floor(log10(most / wanted)));
    static const double factors[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 4; i++)
        if (most / (step * factors[i]) <= wanted) {
            step *= factors[i];
            break;
        }
    while (ticks.n < (int)(sizeof ticks.at / sizeof ticks.at[0]) &&
           ticks.n * step <= most * 1.0001) {
        ticks.at[ticks.n] = ticks.n * step * ticks.unit;
        ticks.n++;
    }
    return ticks;
}

void ffmk_html_time_axis(FILE *out, double most_s, int wanted)
{
    struct ffmk_html_ticks ticks = ffmk_html_time_ticks(most_s, wanted);
    fputs("<div class=\"xaxis\" aria-hidden=\"true\">", out);
    for (int i = 0; i < ticks.n; i++)
        fprintf(out, "<span style=\"left:%.2f%%\">%g%s%s</span>",
                most_s > 0 ? 100 * ticks.at[i] / most_s : 0, ticks.at[i] / ticks.unit,
                i == 0 ? " " : "", i == 0 ? ticks.name : "");
    fputs("</div>", out);
}

void ffmk_html_kind_legend(FILE *out, const double *shares)
{
    fputs("<ul class=\"legend\">", out);
    for (int i = 0; i < FFMK_HTML_KINDS; i++) {
        fprintf(out, "<li><i class=\"swatch %s\"></i>%s", ffmk_html_classes[i], ffmk_html_kinds[i]);
        if (shares)
            fprintf(out, " <b>%s</b>", ffmk_units_percent(shares[i]).text);
        fputs("</li>", out);
    }
    fputs("</ul>\n", out);
}

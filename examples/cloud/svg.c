/* SPDX-License-Identifier: BSD-3-Clause
 * SVG building blocks. */
#include "svg.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char style[] =
    "<style>\n"
    "  text { font-family: system-ui, 'DejaVu Sans', sans-serif; fill: #24292f; }\n"
    "  .title { font-size: 20px; font-weight: 600; }\n"
    "  .heading { font-size: 15px; font-weight: 600; }\n"
    "  .note { font-size: 13px; fill: #57606a; }\n"
    "  .label { font-size: 12px; fill: #57606a; }\n"
    "  .page { fill: #ffffff; }\n"
    "  .axis { stroke: #8c959f; fill: none; }\n"
    "  .grid { stroke: #d8dee4; }\n"
    "  .mean { stroke: #24292f; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }\n"
    "  .cloud { fill: #ffffff; stroke: #24292f; stroke-width: 0.8; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #e6edf3; }\n"
    "    .note, .label { fill: #9da7b3; }\n"
    "    .page { fill: #0d1117; }\n"
    "    .axis { stroke: #6e7681; }\n"
    "    .grid { stroke: #262c36; }\n"
    "    .mean { stroke: #e6edf3; }\n"
    "  }\n"
    "</style>\n";

FILE *svg_open(const char *folder, const char *name, double width, double height, const char *title)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    FILE *svg = fopen(path, "w");
    if (!svg)
        return NULL;
    fprintf(svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" "
            "role=\"img\">\n<title>%s</title>\n%s<rect class=\"page\" width=\"100%%\" "
            "height=\"100%%\"/>\n",
            width, height, width, height, title, style);
    return svg;
}

bool svg_close(FILE *svg)
{
    fputs("</svg>\n", svg);
    const bool good = !ferror(svg);
    return fclose(svg) == 0 && good;
}

void svg_text(FILE *svg, double x, double y, const char *class, const char *anchor,
              const char *format, ...)
{
    fprintf(svg, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y,
            anchor);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(svg, format, arguments);
    va_end(arguments);
    fputs("</text>\n", svg);
}

/** One of red, green, blue of a colour given by hue, saturation and lightness: `offset` 0, 8 or 4
 * (CSS Color 4). */
static int channel(double hue, double saturation, double lightness, double offset)
{
    const double k = fmod(offset + hue / 30.0, 12.0);
    const double part = fmax(-1.0, fmin(fmin(k - 3.0, 9.0 - k), 1.0));
    return (int)lround(255.0 * (lightness - saturation * fmin(lightness, 1.0 - lightness) * part));
}

void svg_rank_colour(int rank, int n_ranks, char colour[8])
{
    /* Paul Tol's "bright" scheme, safe for colour-blind eyes; beyond it, hues by the golden angle.
     */
    static const char *const bright[] = {"#4477aa", "#ee6677", "#228833",
                                         "#ccbb44", "#66ccee", "#aa3377"};
    if (n_ranks <= (int)(sizeof(bright) / sizeof(bright[0]))) {
        memcpy(colour, bright[rank], 8);
        return;
    }
    const double hue = fmod(210.0 + 137.508 * rank, 360.0);
    const double lightness = 0.42 + 0.11 * (rank % 3);
    snprintf(colour, 8, "#%02x%02x%02x", channel(hue, 0.55, lightness, 0.0) & 0xff,
             channel(hue, 0.55, lightness, 8.0) & 0xff, channel(hue, 0.55, lightness, 4.0) & 0xff);
}

void svg_rank_key(FILE *svg, double x, double y, double width, int n_ranks)
{
    const double step = n_ranks <= 10 ? 74.0 : 46.0;
    const int room = (int)((width - 80.0) / step);
    const int shown = n_ranks < room ? n_ranks : room;
    for (int rank = 0; rank < shown; rank++) {
        char colour[8];
        svg_rank_colour(rank, n_ranks, colour);
        fprintf(svg,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"13\" height=\"13\" rx=\"2\" fill=\"%s\"/>\n",
                x + rank * step, y - 11.0, colour);
        svg_text(svg, x + rank * step + 18.0, y, "label", "start", n_ranks <= 10 ? "rank %d" : "%d",
                 rank);
    }
    if (shown < n_ranks)
        svg_text(svg, x + shown * step, y, "label", "start", "… rank %d", n_ranks - 1);
}

/* SPDX-License-Identifier: BSD-3-Clause
 * Mixes colours in OKLab (Björn Ottosson, 2020), where equal steps look equal. It knows numbers and
 * colours only. */
#include "cli/page_colour.h"

#include <math.h>
#include <stddef.h>

struct oklab {
    double l;
    double a;
    double b;
};

static double to_linear(int byte)
{
    double c = byte / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static int to_byte(double c)
{
    c = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
    return (int)lround(255 * fmin(1, fmax(0, c)));
}

/* The matrices are those of https://bottosson.github.io/posts/oklab/. */
static struct oklab from_rgb(unsigned rgb)
{
    double r = to_linear((int)(rgb >> 16 & 255));
    double g = to_linear((int)(rgb >> 8 & 255));
    double b = to_linear((int)(rgb & 255));
    double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (struct oklab){0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

static void write_rgb(FILE *out, struct oklab c)
{
    double l = pow(c.l + 0.3963377774 * c.a + 0.2158037573 * c.b, 3);
    double m = pow(c.l - 0.1055613458 * c.a - 0.0638541728 * c.b, 3);
    double s = pow(c.l - 0.0894841775 * c.a - 1.2914855480 * c.b, 3);
    fprintf(out, "#%02x%02x%02x",
            (unsigned)to_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            (unsigned)to_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            (unsigned)to_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

static void add(struct oklab *sum, double share, unsigned rgb)
{
    struct oklab c = from_rgb(rgb);
    sum->l += share * c.l;
    sum->a += share * c.a;
    sum->b += share * c.b;
}

struct palette {
    unsigned useful;
    unsigned mpi;
    unsigned wait;
    unsigned amounts[3]; /* little, some, much */
};

static const struct palette light = {0xb0cbd5, 0xf2b134, 0xc4314b, {0xdfe6f6, 0x7086d8, 0x2a1a6b}};
static const struct palette dark = {0x254350, 0xf0bd4f, 0xe8505f, {0x262d4d, 0x8b66d9, 0xffd98f}};

static void write_classes(FILE *out, const struct palette *palette)
{
    for (int mpi = 0; mpi <= FFMK_COLOUR_STEPS; mpi++)
        for (int wait = 0; mpi + wait <= FFMK_COLOUR_STEPS; wait++) {
            struct oklab mix = {0, 0, 0};
            const double step = 1.0 / FFMK_COLOUR_STEPS;
            add(&mix, step * (FFMK_COLOUR_STEPS - mpi - wait), palette->useful);
            add(&mix, step * mpi, palette->mpi);
            add(&mix, step * wait, palette->wait);
            fprintf(out, ".k%d-%d{fill:", mpi, wait);
            write_rgb(out, mix);
            fputs("}", out);
        }
    for (int level = 0; level < FFMK_COLOUR_LEVELS; level++) {
        double at = 2.0 * level / (FFMK_COLOUR_LEVELS - 1);
        size_t from = at < 1 ? 0 : 1;
        struct oklab mix = {0, 0, 0};
        add(&mix, 1 - (at - (double)from), palette->amounts[from]);
        add(&mix, at - (double)from, palette->amounts[from + 1]);
        fprintf(out, ".a%d{fill:", level);
        write_rgb(out, mix);
        fputs(";background:", out);
        write_rgb(out, mix);
        fputs("}", out);
    }
    fprintf(out, "\n:root{--useful:#%06x;--mpi:#%06x;--wait:#%06x}\n", palette->useful,
            palette->mpi, palette->wait);
}

void ffmk_colour_style(FILE *out)
{
    write_classes(out, &light);
    fputs("@media screen and (prefers-color-scheme:dark){", out);
    write_classes(out, &dark);
    fputs("}\n", out);
}

struct ffmk_colour_mix ffmk_colour_mix(double mpi, double wait)
{
    mpi = fmin(1, fmax(0, mpi));
    wait = fmin(1 - mpi, fmax(0, wait));
    struct ffmk_colour_mix mix = {(int)lround(mpi * FFMK_COLOUR_STEPS),
                                  (int)lround(wait * FFMK_COLOUR_STEPS)};
    if (mix.mpi + mix.wait > FFMK_COLOUR_STEPS)
        mix.mpi = FFMK_COLOUR_STEPS - mix.wait;
    return mix;
}

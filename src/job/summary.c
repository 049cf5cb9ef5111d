/* SPDX-License-Identifier: BSD-3-Clause
 * At most twelve lines that a person understands at once. */
#include "job/report.h"

#include <inttypes.h>
#include <string.h>

/* "12.3 GB": three digits and a unit. */
static const char *amount(char *text, size_t bytes, double value, const char *unit)
{
    static const char prefixes[] = " kMGTPE";
    size_t p = 0;
    while (value >= 999.5 && p + 2 < sizeof prefixes) {
        value /= 1000;
        p++;
    }
    const int decimals = value >= 99.95 || p == 0 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, bytes, "%.*f %.*s%s", decimals, value, p ? 1 : 0, &prefixes[p], unit);
    return text;
}

/* "850 ns", "1.45 ms", "12.3 s": three digits and a unit. */
static const char *duration(char *text, size_t bytes, double seconds)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    size_t u = 0;
    double value = seconds * 1e9;
    while (value >= 999.5 && u < 3) {
        value /= 1000;
        u++;
    }
    const int decimals = value >= 99.95 || u == 0 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, bytes, "%.*f %s", decimals, value, units[u]);
    return text;
}

static size_t count_hosts(const struct ffmk_rank_record *records, size_t n)
{
    size_t hosts = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && strcmp(records[k].host, records[i].host) != 0)
            k++;
        hosts += k == i;
    }
    return hosts;
}

/* A file's name, as a shell takes it, in one line. */
static void print_word(FILE *out, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./+:@%=,";
    const bool quoted = name[strspn(name, plain)] != '\0';
    if (quoted)
        fputc('\'', out);
    if (*name == '-')
        fputs("./", out);
    for (; *name; name++)
        if (*name == '\'')
            fputs("'\\''", out);
        else
            fputc((unsigned char)*name < ' ' ? '?' : *name, out);
    if (quoted)
        fputc('\'', out);
}

void ffmk_report_summary(FILE *out, const struct ffmk_job *job,
                         const struct ffmk_rank_record *records, const struct ffmk_metrics *metrics,
                         const char *json_path)
{
    const struct ffmk_efficiency *e = &metrics->efficiency;
    const size_t hosts = count_hosts(records, metrics->n_ranks);
    char a[32];
    char b[32];
    if (job->application > 0)
        snprintf(b, sizeof b, ", program %d", job->application);
    else
        b[0] = '\0';
    fprintf(out, "ffmk: %.3f s on %zu rank%s, %zu host%s%s\n", metrics->elapsed_s, metrics->n_ranks,
            metrics->n_ranks == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s", b);
    fprintf(out,
            "  parallel efficiency %3.0f %% = load balance %.0f %% (inside hosts %.0f %% × between "
            "%.0f %%) × communication %.0f %%\n",
            100 * e->parallel, 100 * e->load_balance, 100 * e->load_balance_inside,
            100 * e->load_balance_between, 100 * e->communication);
    if (metrics->n_ranks > 1)
        fprintf(out,
                "  most work: rank %d on %s, %.3f s    least: rank %d on %s, %.3f s    mean %.3f "
                "s\n",
                records[metrics->slowest].rank, records[metrics->slowest].host,
                metrics->max_useful_s, records[metrics->fastest].rank,
                records[metrics->fastest].host, metrics->min_useful_s, metrics->mean_useful_s);
    for (size_t i = 0; i < metrics->n_top; i++) {
        const struct ffmk_call_sum *call = metrics->top[i];
        const double share = metrics->elapsed_s > 0
                                 ? call->time_s / (metrics->elapsed_s * (double)metrics->n_ranks)
                                 : 0;
        fprintf(out, "  %-22s %-5s %9s calls %9s %8.3f s = %.1f %% of the ranks' time\n",
                call->name, ffmk_report_binding(call->binding),
                amount(a, sizeof a, (double)call->count, ""),
                call->bytes ? amount(b, sizeof b, (double)call->bytes, "B") : "", call->time_s,
                100 * share);
    }
    fprintf(out, "  measuring cost %s, %s%.3g %% of the time (%.1f ns a call), %s a rank\n",
            duration(b, sizeof b, metrics->cost_s), metrics->cost_share < 1e-5 ? "<" : "",
            metrics->cost_share < 1e-5 ? 0.001 : 100 * metrics->cost_share, metrics->cost_ns,
            amount(a, sizeof a, (double)metrics->recorder_bytes, "B"));
    if (*json_path) {
        fputs("  report: ", out);
        print_word(out, json_path);
        fputs("    page: ffmk report ", out);
        print_word(out, json_path);
        fputs(" -o run.html\n", out);
    }
    fprintf(out, "  → %s\n", metrics->advice);
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What table and page both work out from a report: sums, extremes, pairs of rows of two runs. It
 * prints nothing. */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

double ffmk_report_scale(const struct ffmk_report *report, const struct ffmk_report *other)
{
    const size_t n = report->n_per_rank;
    return n == other->n_per_rank ? 1 : 1 / (double)n;
}

struct ffmk_report_sums ffmk_report_sum(const struct ffmk_report *report)
{
    struct ffmk_report_sums sums = {.most_useful = report->per_rank,
                                    .least_useful = report->per_rank};
    for (size_t i = 0; i < report->n_per_rank; i++) {
        const struct ffmk_report_rank *row = &report->per_rank[i];
        sums.elapsed_s += row->elapsed_s;
        sums.useful_s += row->useful_s;
        sums.mpi_s += row->mpi_s;
        sums.wait_s += row->wait_s;
        sums.overhead_s += row->overhead_s;
        if (row->useful_s > sums.most_useful->useful_s)
            sums.most_useful = row;
        if (row->useful_s < sums.least_useful->useful_s)
            sums.least_useful = row;
    }
    sums.mean_useful_s = sums.useful_s / (double)report->n_per_rank;
    return sums;
}

void ffmk_report_library(const struct ffmk_report *report, char *name, size_t capacity)
{
    size_t length = strcspn(report->mpi, ",");
    if (length >= capacity)
        length = capacity - 1;
    /* A character of several bytes must not lose its end. */
    while (length > 0 && ((unsigned char)report->mpi[length] & 0xc0) == 0x80)
        length--;
    memcpy(name, report->mpi, length);
    name[length] = '\0';
}

struct ffmk_report_sentence ffmk_report_partial(const struct ffmk_report *report)
{
    const char *why = strcmp(report->ending, "abort") == 0  ? "MPI_Abort ended the job"
                      : strcmp(report->ending, "exit") == 0 ? "a rank left without MPI_Finalize"
                                                            : "the job did not end in order";
    struct ffmk_report_sentence sentence;
    snprintf(sentence.text, sizeof sentence.text,
             "%s: %zu of %d ranks are known, and only until then", why, report->n_per_rank,
             report->ranks);
    return sentence;
}

static int by_name(const void *left, const void *right)
{
    const struct ffmk_report_call *a = *(const struct ffmk_report_call *const *)left;
    const struct ffmk_report_call *b = *(const struct ffmk_report_call *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->binding, b->binding);
}

/* What starts MPI lies before the run: last. */
static double longest(const struct ffmk_report_pair *pair)
{
    const struct ffmk_report_call *a = pair->before;
    const struct ffmk_report_call *b = pair->after;
    double before = a ? a->time_s : 0;
    double after = b ? b->time_s : 0;
    if ((a && a->begins) || (b && b->begins))
        return -1;
    return before > after ? before : after;
}

static int by_longest(const void *left, const void *right)
{
    double a = longest(left);
    double b = longest(right);
    return (a < b) - (a > b);
}

static const struct ffmk_report_call **sorted_by_name(const struct ffmk_report_calls *calls)
{
    const struct ffmk_report_call **rows =
        calloc(calls->n + 1, sizeof(const struct ffmk_report_call *));
    if (!rows)
        return NULL;
    for (size_t i = 0; i < calls->n; i++)
        rows[i] = &calls->rows[i];
    qsort(rows, calls->n, sizeof *rows, by_name);
    return rows;
}

struct ffmk_report_pair *ffmk_report_pairs(const struct ffmk_report *before,
                                           const struct ffmk_report *after, size_t *n_p)
{
    size_t most = before->calls.n + after->calls.n;
    struct ffmk_report_pair *pairs = calloc(most + 1, sizeof *pairs);
    const struct ffmk_report_call **a = sorted_by_name(&before->calls);
    const struct ffmk_report_call **b = sorted_by_name(&after->calls);
    size_t n = 0;
    if (pairs && a && b) {
        for (size_t i = 0, k = 0; i < before->calls.n || k < after->calls.n; n++) {
            int order = i == before->calls.n ? 1 : k == after->calls.n ? -1 : by_name(&a[i], &b[k]);
            if (order <= 0)
                pairs[n].before = a[i++];
            if (order >= 0)
                pairs[n].after = b[k++];
        }
        qsort(pairs, n, sizeof *pairs, by_longest);
    }
    free(a);
    free(b);
    if (n == 0) {
        free(pairs);
        pairs = NULL;
    }
    *n_p = n;
    return pairs;
}

int ffmk_report_more_useful(const void *left, const void *right)
{
    const struct ffmk_report_rank *a = *(const struct ffmk_report_rank *const *)left;
    const struct ffmk_report_rank *b = *(const struct ffmk_report_rank *const *)right;
    if (a->useful_s != b->useful_s)
        return a->useful_s < b->useful_s ? 1 : -1;
    return a->rank - b->rank;
}

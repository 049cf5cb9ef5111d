/* SPDX-License-Identifier: BSD-3-Clause
 * A program's own account of the MPI calls it makes. */
#include "tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const char *name;
    unsigned long count;
    size_t bytes;
} rows[1000];
static int n;

void tally(const char *name, size_t bytes)
{
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < n && strcmp(rows[i].name, name) != 0)
        i++;
    if (i == n)
        rows[n++].name = name;
    rows[i].count++;
    rows[i].bytes += bytes;
    pthread_mutex_unlock(&lock);
}

void tally_write(const char *stem, int rank)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%d", stem, rank);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < n; i++)
        fprintf(file, "%s c %lu %zu\n", rows[i].name, rows[i].count, rows[i].bytes);
    fclose(file);
}

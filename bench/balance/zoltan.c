/* SPDX-License-Identifier: BSD-3-Clause
 * Zoltan, and Scotch through it. Its callbacks copy from arrays that are there already: nobody can
 * serve it faster. */
#include "method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zoltan.h>

struct zoltan {
    struct Zoltan_Struct *handle;
    const struct field *field;
};

/* The callbacks' types are Zoltan's. NOLINTBEGIN(readability-non-const-parameter) */
static const struct field *field_of(void *data, int *error)
{
    *error = ZOLTAN_OK;
    return ((struct zoltan *)data)->field;
}

static int number(void *data, int *error)
{
    return (int)field_of(data, error)->n;
}

static void objects(void *data, int n_global, int n_local, ZOLTAN_ID_PTR ids, ZOLTAN_ID_PTR places,
                    int n_weights, float *weights, int *error)
{
    const struct field *field = field_of(data, error);
    (void)n_global;
    (void)n_local;
    (void)n_weights;
    for (size_t i = 0; i < field->n; i++) {
        ids[i] = (ZOLTAN_ID_TYPE)field->ids[i];
        places[i] = (ZOLTAN_ID_TYPE)i;
        weights[i] = (float)field->weights[i];
    }
}

static void parts(void *data, int n_global, int n_local, int n, ZOLTAN_ID_PTR ids,
                  ZOLTAN_ID_PTR places, int *at, int *error)
{
    const struct field *field = field_of(data, error);
    (void)n_global;
    (void)n_local;
    (void)ids;
    for (int i = 0; i < n; i++)
        at[i] = field->at[places[i]];
}

static int dimensions(void *data, int *error)
{
    (void)data;
    *error = ZOLTAN_OK;
    return 3;
}

static void geometry(void *data, int n_global, int n_local, int n, ZOLTAN_ID_PTR ids,
                     ZOLTAN_ID_PTR places, int n_axes, double *positions, int *error)
{
    const struct field *field = field_of(data, error);
    (void)n_global;
    (void)n_local;
    (void)ids;
    (void)n_axes;
    for (size_t i = 0; i < (size_t)n; i++)
        memcpy(positions + 3 * i, field->positions + 3 * (size_t)places[i], 3 * sizeof *positions);
}

static void degrees(void *data, int n_global, int n_local, int n, ZOLTAN_ID_PTR ids,
                    ZOLTAN_ID_PTR places, int *numbers, int *error)
{
    const struct field *field = field_of(data, error);
    (void)n_global;
    (void)n_local;
    (void)ids;
    for (int i = 0; i < n; i++)
        numbers[i] = (int)(field->first[places[i] + 1] - field->first[places[i]]);
}

static void edges(void *data, int n_global, int n_local, int n, ZOLTAN_ID_PTR ids,
                  ZOLTAN_ID_PTR places, int *numbers, ZOLTAN_ID_PTR others, int *holders,
                  int n_weights, float *weights, int *error)
{
    const struct field *field = field_of(data, error);
    (void)n_global;
    (void)n_local;
    (void)ids;
    (void)numbers;
    (void)n_weights;
    size_t at = 0;
    for (int i = 0; i < n; i++)
        for (size_t k = field->first[places[i]]; k < field->first[places[i] + 1]; k++, at++) {
            others[at] = (ZOLTAN_ID_TYPE)field->links[k].id;
            holders[at] = field->holders[k];
            weights[at] = (float)field->links[k].weight;
        }
}

/* NOLINTEND(readability-non-const-parameter) */

static int set(struct Zoltan_Struct *handle, const char *words)
{
    char text[512], *rest = text;
    snprintf(text, sizeof text, "%s", words);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(word, '=');
        if (!value)
            return 1;
        *value++ = '\0';
        if (Zoltan_Set_Param(handle, word, value) != ZOLTAN_OK)
            return 1;
    }
    return 0;
}

static void close_zoltan(void *state)
{
    struct zoltan *zoltan = state;
    Zoltan_Destroy(&zoltan->handle);
    free(zoltan);
}

static void *open_zoltan(const char *parameters, const struct field *field)
{
    char own[128];
    float version;
    struct zoltan *zoltan = calloc(1, sizeof *zoltan);
    if (!zoltan || Zoltan_Initialize(0, NULL, &version) != ZOLTAN_OK ||
        !(zoltan->handle = Zoltan_Create(MPI_COMM_WORLD))) {
        free(zoltan);
        return NULL;
    }
    snprintf(own, sizeof own, "IMBALANCE_TOL=%g NUM_GLOBAL_PARTS=%d", BENCH_IMBALANCE,
             field->parts);
    if (set(zoltan->handle, "DEBUG_LEVEL=0 NUM_GID_ENTRIES=1 NUM_LID_ENTRIES=1 OBJ_WEIGHT_DIM=1 "
                            "EDGE_WEIGHT_DIM=1 RETURN_LISTS=EXPORT CHECK_GRAPH=0") ||
        set(zoltan->handle, own) || set(zoltan->handle, parameters)) {
        close_zoltan(zoltan);
        return NULL;
    }
    Zoltan_Set_Num_Obj_Fn(zoltan->handle, number, zoltan);
    Zoltan_Set_Obj_List_Fn(zoltan->handle, objects, zoltan);
    Zoltan_Set_Part_Multi_Fn(zoltan->handle, parts, zoltan);
    Zoltan_Set_Num_Geom_Fn(zoltan->handle, dimensions, zoltan);
    Zoltan_Set_Geom_Multi_Fn(zoltan->handle, geometry, zoltan);
    Zoltan_Set_Num_Edges_Multi_Fn(zoltan->handle, degrees, zoltan);
    Zoltan_Set_Edge_List_Multi_Fn(zoltan->handle, edges, zoltan);
    return zoltan;
}

static int no_work(void *state, const struct field *field)
{
    (void)state;
    (void)field;
    return 0;
}

/* An error is what Zoltan calls fatal; that it missed the imbalance it only warns of. */
static int plan(void *state, const struct field *field, int *to)
{
    struct zoltan *zoltan = state;
    int changes, n_global, n_local, n_in, n_out;
    ZOLTAN_ID_PTR ids_in = NULL, places_in = NULL, ids_out = NULL, places_out = NULL;
    int *from = NULL, *parts_in = NULL, *ranks_out = NULL, *parts_out = NULL;
    zoltan->field = field;
    const int code = Zoltan_LB_Partition(zoltan->handle, &changes, &n_global, &n_local, &n_in,
                                         &ids_in, &places_in, &from, &parts_in, &n_out, &ids_out,
                                         &places_out, &ranks_out, &parts_out);
    if (code != ZOLTAN_OK && code != ZOLTAN_WARN)
        return code;
    memcpy(to, field->at, field->n * sizeof *to);
    for (int i = 0; i < n_out; i++)
        to[places_out[i]] = parts_out[i];
    Zoltan_LB_Free_Part(&ids_in, &places_in, &from, &parts_in);
    Zoltan_LB_Free_Part(&ids_out, &places_out, &ranks_out, &parts_out);
    return 0;
}

static int move(void *state, const struct field *field, const int *to)
{
    (void)to;
    return no_work(state, field);
}

const struct method_kind method_zoltan = {true, open_zoltan, no_work, plan, move, close_zoltan};

/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls: regions are the recorder's own; the others are served by the engine. */
#include "core/log.h"
#include "pmpi/door.h"

#include <ffmk.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Why there is no engine for a call. \return what the call returns. */
static int refuse(const char *call)
{
    if (ffmk_lifecycle_mpi_runs())
        return FFMK_ERR_NO_ENGINE; /* a line said why */
    ffmk_log_mistake("%s: it belongs between MPI_Init and MPI_Finalize", call);
    return FFMK_ERR_STATE;
}

#define API(name, parameters, arguments)                                                           \
    FFMK_PUBLIC int name parameters                                                                \
    {                                                                                              \
        const struct ffmk_engine *engine = ffmk_lifecycle_engine();                                \
        return engine ? engine->name arguments : refuse(#name);                                    \
    }
#define API_WAITS(name, class, parameters, arguments, nothing)                                     \
    FFMK_PUBLIC int name parameters                                                                \
    {                                                                                              \
        const struct ffmk_engine *engine = ffmk_lifecycle_engine();                                \
        if (nothing)                                                                               \
            return FFMK_SUCCESS;                                                                   \
        if (!engine)                                                                               \
            return refuse(#name);                                                                  \
        if (!ffmk_lifecycle_records(DOOR_FRAME()))                                                 \
            return engine->name arguments;                                                         \
        ffmk_thread.lane = NULL;                                                                   \
        DOOR_START(DOOR_FRAME(), ffmk_clock_ticks());                                              \
        const int code = engine->name arguments;                                                   \
        return ffmk_door_leave_slow(code, FFMK_DOOR(name, C), true, ffmk_clock_ticks(), true, 0);  \
    }
#include "job/api.def"

/* Say once what is wrong with a region. \return code. */
__attribute__((format(printf, 3, 4))) static int tell_once(bool *told, int code, const char *format,
                                                           ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!*told)
        ffmk_log("%s (said once)", text);
    *told = true;
    return code;
}

#define TEXT(x)  TEXT_(x)
#define TEXT_(x) #x
#ifdef OPEN_MPI
#define VENDOR                                                                                     \
    "Open MPI " TEXT(OMPI_MAJOR_VERSION) "." TEXT(OMPI_MINOR_VERSION) "." TEXT(OMPI_RELEASE_VERSION)
#else
#define VENDOR "MPICH " MPICH_VERSION
#endif

FFMK_PUBLIC const char *ffmk_built_for(void)
{
    return VENDOR " (MPI " TEXT(MPI_VERSION) "." TEXT(MPI_SUBVERSION) ")";
}

FFMK_PUBLIC int ffmk_region_begin(const char *name)
{
    static bool told_name;
    static bool told_depth;
    if (!name || !*name)
        return tell_once(&told_name, FFMK_ERR_ARGUMENT, "ffmk_region_begin: the name is %s",
                         name ? "empty" : "NULL");
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    const int code = recorder ? ffmk_recorder_region_begin(recorder, name) : FFMK_SUCCESS;
    if (code == FFMK_ERR_LIMIT)
        return tell_once(
            &told_depth, code,
            "ffmk_region_begin(\"%.63s\"): %d regions are open on this thread, the most "
            "that may be",
            name, FFMK_REGION_DEPTH);
    return code;
}

FFMK_PUBLIC int ffmk_region_end(const char *name)
{
    static bool told_name;
    static bool told_order;
    if (!name || !*name)
        return tell_once(&told_name, FFMK_ERR_ARGUMENT, "ffmk_region_end: the name is %s",
                         name ? "empty" : "NULL");
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    const int code = recorder ? ffmk_recorder_region_end(recorder, name) : FFMK_SUCCESS;
    if (code == FFMK_SUCCESS)
        return code;
    return tell_once(&told_order, code,
                     "ffmk_region_end(\"%.63s\"): the innermost open region of this thread has "
                     "another name, or none is open; nothing was closed",
                     name);
}

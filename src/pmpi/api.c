/* SPDX-License-Identifier: BSD-3-Clause
 * The public calls: regions are the recorder's own; the others are served by the engine. */
#include "core/log.h"
#include "pmpi/door.h"

#include <ffmk.h>
#include <stdbool.h>

#define API(name, parameters, arguments)                                                           \
    FFMK_PUBLIC int name parameters                                                                \
    {                                                                                              \
        const struct ffmk_engine *engine = ffmk_lifecycle_engine();                                \
        return engine ? engine->name arguments : FFMK_ERR_NO_ENGINE;                               \
    }
#include "job/api.def"

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
    if (!name || !*name)
        return FFMK_ERR_ARGUMENT;
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    return recorder ? ffmk_recorder_region_begin(recorder, name) : FFMK_SUCCESS;
}

FFMK_PUBLIC int ffmk_region_end(const char *name)
{
    if (!name || !*name)
        return FFMK_ERR_ARGUMENT;
    struct ffmk_recorder *recorder = ffmk_lifecycle_recorder();
    if (!recorder)
        return FFMK_SUCCESS;
    const int code = ffmk_recorder_region_end(recorder, name);
    static bool told;
    if (code != FFMK_SUCCESS && !told) {
        told = true;
        ffmk_log("ffmk_region_end(\"%.63s\"): the innermost open region of this thread has another "
                 "name, or none is open; nothing was closed (said once)",
                 name);
    }
    return code;
}

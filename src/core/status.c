/* SPDX-License-Identifier: BSD-3-Clause
 * Error codes and what to do about them. Knows nothing but the public header's codes. */
#include <ffmk.h>

/* Public: libffmk.so exports what lies here. */
#pragma GCC visibility push(default)

const char *ffmk_strerror(int code)
{
    switch (code) {
    case FFMK_SUCCESS:
        return "success";
    case FFMK_ERR_ARGUMENT:
        return "an argument is outside what the call allows; see its description in ffmk.h";
    case FFMK_ERR_STATE:
        return "the call does not fit here; check that MPI is running and what was opened is open";
    case FFMK_ERR_NO_MEMORY:
        return "out of memory; nothing was changed, free some and call again";
    case FFMK_ERR_NO_ENGINE:
        return "ffmk has stepped aside; run `ffmk info` to see why";
    case FFMK_ERR_MPI:
        return "MPI returned an error to ffmk; its message was printed above";
    case FFMK_ERR_DUPLICATE:
        return "this id is registered already; ids must be unique over the communicator";
    case FFMK_ERR_UNKNOWN_ITEM:
        return "an id or the target of a link is registered nowhere; register it or remove the "
               "link";
    case FFMK_ERR_CALLBACK:
        return "a pack or unpack callback failed; those items stayed where they were";
    case FFMK_ERR_LIMIT:
        return "a stated limit is reached; see the call's description in ffmk.h";
    case FFMK_ERR_IO:
        return "a file could not be read or written; the line printed above names it";
    case FFMK_ERR_FAILED:
        return "ranks died that the operation needed; ask ffmk_comm_dead() who, and go on without "
               "them or restart";
    case FFMK_ERR_EXCLUDED:
        return "this rank was declared dead and the others go on without it; end it";
    case FFMK_ERR_DEVICE:
        return "the GPU's driver could not copy from or to its memory; the line printed above has "
               "its error code";
    default:
        return "not an ffmk error code";
    }
}

const char *ffmk_version(void)
{
    return FFMK_VERSION_STRING;
}

#pragma GCC visibility pop

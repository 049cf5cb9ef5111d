/* SPDX-License-Identifier: BSD-3-Clause
 * Which of a job's ranks on this host run under ffmk. Some ranks may not: a script that starts them
 * differently, several programs on one line of the launcher. Whoever then waits for all ranks waits
 * for ever, so this is known before anybody waits. Each rank signs a file that all of the job on
 * this host share before MPI starts; MPI usually starts nowhere before all ranks came so far. Where
 * it does, those that are there wait a second and then close the roll. All ranks read the same file
 * in the same order, so they agree: it is complete if all signed before anybody closed it. */
#ifndef FFMK_CORE_ROLLCALL_H
#define FFMK_CORE_ROLLCALL_H

#include <stdbool.h>

struct ffmk_rollcall {
    int present;  /* ranks of this host that signed; 0 where this one could not */
    int expected; /* ranks of the job on this host; 0: this launcher does not tell enough */
    bool first;   /* this process speaks for the others: it signed first */
};

/** Whose ranks are counted: an environment may tell of another MPI's job, too. */
enum ffmk_rollcall_mpi { FFMK_ROLLCALL_OPENMPI, FFMK_ROLLCALL_MPICH };

/** Sign. Once a process, before MPI starts. */
void ffmk_rollcall_sign(enum ffmk_rollcall_mpi mpi);

/** Instead: this process will do nothing more. \return whether it is the first of this host to say
 * so, or of the job where the host is not known, and may tell why. */
bool ffmk_rollcall_sign_off(enum ffmk_rollcall_mpi mpi);

/** Count, when MPI has started with that many ranks, and forget about it. Waits a second when not
 * all are there. Whether `present` is `expected` is the same for all of this host that count. Fewer
 * ranks than this host should have: the launcher spoke of another job, whose environment this
 * program inherited; then nothing is known. */
struct ffmk_rollcall ffmk_rollcall_count(int ranks);

/** Forget about it without counting; also done when the process exits. */
void ffmk_rollcall_leave(void);

#endif

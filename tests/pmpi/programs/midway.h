/* SPDX-License-Identifier: BSD-3-Clause
 * What a program has done in the midst of its own MPI calls, by the tool that it links (midway.c).
 */
#ifndef FFMK_TEST_MIDWAY_H
#define FFMK_TEST_MIDWAY_H

/** Called where set, by the thread that makes the call: before PMPI is, or behind it. */
extern struct midway {
    void (*init)(void);          /* MPI_Init_thread */
    void (*session)(void);       /* MPI_Session_init */
    void (*session_begun)(void); /* behind it */
    void (*finalize)(void);      /* MPI_Finalize */
    void (*sending)(void);       /* MPI_Send, MPI_Ssend */
    void (*sent)(void);          /* behind them */
} midway;

#endif

/* SPDX-License-Identifier: BSD-3-Clause
 * What the rooms of `ffmk sim` share: the words once read, and the ways to show what came of them.
 */
#ifndef FFMK_CLI_SIM_H
#define FFMK_CLI_SIM_H

#include "sim/study.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** A broadcast by its name on the command line. */
struct ffmk_sim_name {
    const char *name;
    enum ffmk_sim_algorithm algorithm;
    enum ffmk_rumor_rules rules; /* unless others are asked for */
    bool corrects;               /* takes a correction; checked, unless another is asked for */
    bool tables;                 /* takes rounds and rules */
    const char *summary;
};
enum { FFMK_SIM_NAMES = 7 };
extern const struct ffmk_sim_name ffmk_sim_names[FFMK_SIM_NAMES];

/** What the words ask for. */
struct ffmk_sim_words {
    const struct ffmk_sim_name *name;
    struct ffmk_study_case wanted;
    uint32_t runs;
    bool runs_given;
    bool json;
    bool compare;
    bool help;
    const char *picture; /* files, or NULL */
    const char *page;
};

/** Read the words behind `gossip`. \return 0, or an exit code after a line that says why. */
int ffmk_sim_words_read(int argc, char **argv, struct ffmk_sim_words *words);

/** The case of another algorithm in the same network, with the best rounds and reach. */
struct ffmk_study_case ffmk_sim_case(const struct ffmk_study_case *like, const char *name,
                                     enum ffmk_rumor_mode mode);

/** "checked", "opportunistic:3", "failure-proof:1", "none". */
struct ffmk_sim_text {
    char text[64];
};
struct ffmk_sim_text ffmk_sim_correction(const struct ffmk_sim_setup *setup);
const char *ffmk_sim_rules(enum ffmk_rumor_rules rules);

/** One broadcast studied: what was asked, chosen, expected and found. */
struct ffmk_sim_row {
    const char *name;
    struct ffmk_study_case wanted; /* with what was chosen */
    bool predicted;
    struct ffmk_tune_choice prediction;
    struct ffmk_study_summary sum;
};

/** Shows how far a long simulation is, on a terminal only. */
struct ffmk_sim_progress {
    bool on;
    bool shown;
    uint64_t begun_ns;
    uint64_t told_ns;
    double whole; /* of what is to be done, in any unit */
    double done;
};
void ffmk_sim_progress_begin(struct ffmk_sim_progress *progress, double whole);
void ffmk_sim_progress_add(struct ffmk_sim_progress *progress, double part);
void ffmk_sim_progress_end(struct ffmk_sim_progress *progress);

/** Study one broadcast; progress goes on by ranks times runs. \return false after a line that says
 * why not. */
bool ffmk_sim_study(const char *name, const struct ffmk_study_case *wanted, uint32_t runs,
                    struct ffmk_sim_progress *progress, struct ffmk_sim_row *row);

/** The rows of --compare. */
enum { FFMK_SIM_COMPARED = 8 };
extern const struct ffmk_sim_compared {
    const char *name;
    enum ffmk_rumor_mode mode;
} ffmk_sim_compared[FFMK_SIM_COMPARED];

/** Write into a file, or to standard output when its name is "-". Simulating takes long: whether
 * the file can be written is asked before, and it is opened after, so that who ends it leaves
 * nothing. \return 0, or an exit code after a line that says why. */
int ffmk_sim_write(const char *name, bool (*write)(FILE *out, const void *words),
                   const void *words);

/* Ways of showing. */
void ffmk_sim_table(FILE *out, const struct ffmk_sim_row *row);
void ffmk_sim_compare_table(FILE *out, const struct ffmk_sim_row *rows, size_t n);
json_t *ffmk_sim_json(const struct ffmk_sim_row *row);

/** "4,096 ranks, L = 1, o = 1 (k = 3), 5 dead before". */
void ffmk_sim_where(FILE *out, const struct ffmk_study_case *wanted);

#endif

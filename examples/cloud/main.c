/* SPDX-License-Identifier: BSD-3-Clause
 * cloud: a cloud drifts and grows through a grid of blocks. Its microphysics cost far more than
 * clear air, so ranks that own it would make all others wait; ffmk moves blocks between ranks. The
 * shape is that of COSMO-SPECS, an atmospheric model with spectral-bin microphysics.
 *
 * This file tells the story; the rooms beside it do the work. */
#include "balance.h"
#include "exchange.h"
#include "history.h"
#include "options.h"
#include "physics.h"
#include "pictures.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BAD_OPTION = 2 };

/** Everything that a running model holds. */
struct model {
    MPI_Comm comm;
    int rank;
    int n_ranks;
    struct options options;
    struct grid grid;
    struct physics *physics;
    struct blocks blocks;
    struct exchange exchange;
    struct balance balance;
    struct history history;
    bool draw_progress;
};

/** Say on rank 0 what went wrong. */
static void complain(int rank, const char *line)
{
    if (rank == 0)
        fprintf(stderr, "cloud: %s\n", line);
}

/** Whether all ranks say yes. Collective. */
static bool all_agree(MPI_Comm comm, bool yes)
{
    int answer = yes;
    MPI_Allreduce(MPI_IN_PLACE, &answer, 1, MPI_INT, MPI_LAND, comm);
    return answer;
}

/** Make this rank's slab of blocks, and all that works on it. Collective; says itself what went
 * wrong. */
static bool model_create(struct model *model)
{
    const struct options *options = &model->options;
    model->grid = grid_make(options->grid, options->block);
    bool good =
        blocks_create(&model->blocks, &model->grid) &&
        (model->physics = physics_create(&model->grid)) &&
        history_create(&model->history, model->comm, &model->grid, options->steps, options->every);
    for (int id = 0; id < model->grid.n_blocks && good; id++) {
        if (grid_first_owner(&model->grid, id, model->n_ranks) != model->rank)
            continue;
        struct block *block = blocks_add(&model->blocks, id);
        good = block != NULL;
        if (good)
            physics_start(model->physics, block, options->seed);
    }
    if (!all_agree(model->comm, good)) {
        complain(model->rank, "not enough memory for this --grid");
        return false;
    }
    const int code = balance_create(&model->balance, model->comm, &model->blocks, options->seed,
                                    options->measured);
    if (code) {
        complain(model->rank, ffmk_strerror(code));
        return false;
    }
    if (!all_agree(model->comm, exchange_connect(&model->exchange, model->comm, &model->blocks,
                                                 model->balance.items))) {
        complain(model->rank, "not enough memory for the halo exchange");
        return false;
    }
    model->draw_progress =
        model->rank == 0 && !options->quiet && (options->progress || progress_wanted());
    return true;
}

static void model_destroy(struct model *model)
{
    exchange_disconnect(&model->exchange);
    balance_destroy(&model->balance);
    history_destroy(&model->history);
    physics_destroy(model->physics);
    blocks_destroy(&model->blocks);
}

static struct block *first_block(const struct model *model)
{
    return blocks_from(&model->blocks, 0);
}

static struct block *next_block(const struct model *model, const struct block *block)
{
    return blocks_from(&model->blocks, block->id + 1);
}

/** One time step of the model: talk to the neighbours, then compute. */
static void advance(struct model *model, int step)
{
    ffmk_region_begin("exchange");
    exchange_halos(&model->exchange, &model->blocks);
    ffmk_region_end("exchange");

    ffmk_region_begin("dynamics");
    for (struct block *block = first_block(model); block; block = next_block(model, block)) {
        const double start = MPI_Wtime();
        physics_dynamics(model->physics, block, step);
        block->seconds += MPI_Wtime() - start;
    }
    ffmk_region_end("dynamics");

    ffmk_region_begin("microphysics");
    for (struct block *block = first_block(model); block; block = next_block(model, block)) {
        const double start = MPI_Wtime();
        physics_microphysics(model->physics, block);
        block->seconds += MPI_Wtime() - start;
    }
    ffmk_region_end("microphysics");
}

/** Balance, find the new neighbours, and count afresh. */
static bool rebalance(struct model *model, int steps)
{
    ffmk_region_begin("balance");
    const int code = balance_now(&model->balance, steps);
    const bool connected = code || exchange_connect(&model->exchange, model->comm, &model->blocks,
                                                    model->balance.items);
    if (code)
        complain(model->rank, ffmk_strerror(code));
    else if (!all_agree(model->comm, connected))
        complain(model->rank, "not enough memory for the halo exchange");
    ffmk_region_end("balance");
    return !code && connected;
}

/** All time steps. \return false when it had to give up. Collective. */
static bool run(struct model *model)
{
    const struct options *options = &model->options;
    int counted_from = 0;
    for (int step = 1; step <= options->steps; step++) {
        advance(model, step);
        if (model->draw_progress)
            progress_draw(step, options->steps);

        const bool last = step == options->steps;
        if (step % options->every != 0 && !last)
            continue;
        const int steps = step - counted_from;
        history_record(&model->history, &model->blocks, step, steps);
        if (options->balance && !last && !rebalance(model, steps))
            return false;
        for (struct block *block = first_block(model); block; block = next_block(model, block)) {
            block->substeps = 0;
            block->seconds = 0.0;
        }
        counted_from = step;
    }
    return true;
}

/** The same number for the same fields, whoever owns the blocks: a sum does not depend on its
 * order. On rank 0. */
static uint64_t checksum(const struct model *model)
{
    uint64_t mine = 0, sum = 0;
    for (const struct block *block = first_block(model); block; block = next_block(model, block))
        mine += block_hash(&model->grid, block);
    MPI_Reduce(&mine, &sum, 1, MPI_UINT64_T, MPI_SUM, 0, model->comm);
    return sum;
}

static void print_result(const struct model *model, double seconds, uint64_t sum)
{
    const struct options *options = &model->options;
    const struct balance *balance = &model->balance;
    const struct history *history = &model->history;
    if (options->quiet) {
        printf("%016" PRIx64 "\n", sum);
        return;
    }
    printf("cloud        %dx%dx%d cells in %d blocks, %d rank%s, %d steps\n", options->grid[0],
           options->grid[1], options->grid[2], model->grid.n_blocks, model->n_ranks,
           model->n_ranks == 1 ? "" : "s", options->steps);
    printf("elapsed      %.2f s, %.2f ms a step\n", seconds, 1e3 * seconds / options->steps);
    printf("imbalance    %.2f on average (largest / mean work of a rank)",
           history_imbalance(history, history->balanced));
    if (!options->balance)
        printf(", not balanced\n");
    else
        printf("; without balancing %.2f\n", history_imbalance(history, history->slabs));
    if (balance->times > 0)
        printf("balancing    %d times, from %.2f to %.2f on average; %" PRIu64
               " blocks, %.1f MB moved\n",
               balance->times, balance->sum_before / balance->times,
               balance->sum_after / balance->times, balance->blocks_moved,
               (double)balance->bytes_moved / 1e6);
    printf("checksum     %016" PRIx64 "\n", sum);
}

/** Run the model and tell about it. \return the exit code. */
static int model_main(struct model *model)
{
    const struct options *options = &model->options;
    MPI_Barrier(model->comm);
    const double start = MPI_Wtime();
    const bool good = run(model);
    MPI_Barrier(model->comm);
    const double seconds = MPI_Wtime() - start;
    if (model->draw_progress)
        progress_end();
    if (!good)
        return EXIT_FAILURE;

    const uint64_t sum = checksum(model);
    if (model->rank != 0)
        return EXIT_SUCCESS;
    print_result(model, seconds, sum);
    if (options->pictures &&
        !pictures_write(options->pictures, &model->history, options->balance)) {
        fprintf(stderr, "cloud: --pictures %s: %s\n", options->pictures, strerror(errno));
        return EXIT_FAILURE;
    }
    if (options->pictures && !options->quiet)
        printf("pictures     %s/owners.svg %s/load.svg\n", options->pictures, options->pictures);
    return EXIT_SUCCESS;
}

/** Whether rank 0 can write pictures; every rank gets the answer. Collective. */
static bool pictures_possible(const struct model *model)
{
    int good = 1;
    if (model->rank == 0 && model->options.pictures && !pictures_prepare(model->options.pictures)) {
        fprintf(stderr, "cloud: --pictures %s: %s; give a folder that can be written to\n",
                model->options.pictures, strerror(errno));
        good = 0;
    }
    MPI_Bcast(&good, 1, MPI_INT, 0, model->comm);
    return good;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    struct model model = {.comm = MPI_COMM_WORLD};
    MPI_Comm_rank(model.comm, &model.rank);
    MPI_Comm_size(model.comm, &model.n_ranks);

    char line[256];
    int code = EXIT_SUCCESS;
    const enum verdict verdict = options_parse(&model.options, argc, argv, line, sizeof(line));
    if (verdict == OPTIONS_HELP) {
        if (model.rank == 0)
            fputs(options_help(), stdout);
    } else if (verdict == OPTIONS_BAD) {
        complain(model.rank, line);
        code = EXIT_BAD_OPTION;
    } else if (!pictures_possible(&model)) {
        code = EXIT_BAD_OPTION;
    } else {
        code = model_create(&model) ? model_main(&model) : EXIT_FAILURE;
        model_destroy(&model);
    }
    MPI_Finalize();
    return code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ffmk: fast and fault tolerant MPI jobs on stock Linux and a stock MPI.
 *
 * This header is the manual of the library. It is C11 and C++; it needs nothing but <mpi.h>. A
 * source file that has no MPI can define FFMK_NO_MPI before it and keeps what needs none: versions,
 * errors, regions.
 *
 * Conventions, for every call below unless it says otherwise:
 *  - Returns FFMK_SUCCESS (0) or a negative FFMK_ERR_*; ffmk_strerror() explains a code and what to
 * do next.
 *  - Outputs come last, end in _p when they point at one value to set, and are set only on success.
 *  - Strings and arrays handed in are read during the call only and stay the caller's.
 *  - Options and information structures begin with `size`; set them with the _INIT macro beside
 * them, so that a program built today runs with a library that knows more fields.
 *  - Sizes are bytes, times are seconds, ranks are those of the communicator given.
 */
#ifndef FFMK_H
#define FFMK_H

#ifndef FFMK_NO_MPI
#include <mpi.h>
#endif
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \defgroup version Version and errors
 * Callable at any time from any thread, before MPI_Init and after MPI_Finalize.
 * @{ */

#define FFMK_VERSION_MAJOR  0
#define FFMK_VERSION_MINOR  1
#define FFMK_VERSION_PATCH  0
#define FFMK_VERSION_STRING "0.1.0"

/** Version of the library that is loaded, as "major.minor.patch"; a static string. */
const char *ffmk_version(void);

/** The MPI that the loaded library is built for, as "Open MPI 4.1.4 (MPI 3.1)"; a static string. */
const char *ffmk_built_for(void);

enum {
    FFMK_SUCCESS = 0,
    FFMK_ERR_ARGUMENT = -1, /**< An argument is outside what the call allows. */
    FFMK_ERR_STATE = -2, /**< The call does not fit here: MPI not initialised, region not open, … */
    FFMK_ERR_NO_MEMORY = -3,    /**< Memory could not be had; nothing was changed. */
    FFMK_ERR_NO_ENGINE = -4,    /**< libffmk stepped aside; `ffmk info` says why. */
    FFMK_ERR_MPI = -5,          /**< MPI returned an error to us. */
    FFMK_ERR_DUPLICATE = -6,    /**< The id is registered already, here or on another rank. */
    FFMK_ERR_UNKNOWN_ITEM = -7, /**< An id, or the target of a link, is registered nowhere. */
    FFMK_ERR_CALLBACK = -8,     /**< A callback failed; its item stays where it was. */
    FFMK_ERR_LIMIT = -9,        /**< A stated limit is reached (regions, bytes, …). */
    FFMK_ERR_IO = -10,          /**< A file could not be read or written. */
    FFMK_ERR_FAILED = -11,      /**< Deaths beyond what the operation promises to survive. */
    FFMK_ERR_EXCLUDED = -12,    /**< This rank was declared dead; the others go on without it. */
    FFMK_ERR_DEVICE = -13       /**< The GPU's driver could not copy from or to its memory. */
};

/** What an error code means and what to do next, as one line; a static string, never NULL. */
const char *ffmk_strerror(int code);

/** @} */

/** \defgroup regions Regions of a program
 * The report breaks times and calls down by region. Regions nest; a call and its time belong to the
 * innermost open region of the thread that made it. A name is at most 63 bytes (longer ones are
 * cut), copied, and compared by content; at most 1,022 different names a rank are kept apart, later
 * ones share the region "(other regions)".
 *
 * Callable from any thread at any time; before MPI_Init and without a running report they do
 * nothing and succeed.
 *
 * Unmodified programs: MPI_Pcontrol(0) stops recording, MPI_Pcontrol(1) resumes it, MPI_Pcontrol(n
 * ≥ 2) opens the region "pcontrol n" and MPI_Pcontrol(−n) closes it.
 * @{ */

/** Open the region `name` on this thread.
 * \return FFMK_ERR_ARGUMENT when name is NULL or empty; FFMK_ERR_LIMIT when 64 regions are open on
 * this thread. */
int ffmk_region_begin(const char *name);

/** Close the innermost open region of this thread, which must be `name`.
 * \return FFMK_ERR_STATE when no region is open or the innermost one has another name (nothing is
 * closed then). The first mistake of each kind that a process makes with regions is logged in one
 * line.
 */
int ffmk_region_end(const char *name);

/** @} */

/** \defgroup balance Balancing
 * A registry holds the items of this rank that may move: blocks, patches, particles' cells. An item
 * has an id that is unique over the communicator, a weight (its cost; any unit), a size in bytes,
 * links to the items it exchanges data with, and optionally a position. ffmk_rebalance() moves
 * items between ranks until no rank has more than `imbalance` times the average weight, moving
 * little and cutting few links.
 *
 * Method: the smallest flow along the graph of neighbouring ranks that evens out the load, found by
 * second-order diffusion (Muthukrishnan, Ghosh, Schultz 1998; Diekmann, Frommer, Monien 1999),
 * filled with boundary items chosen by their gain in edge cut, planned in rounds, and migrated
 * once.
 *
 * Thread safety: calls on one registry must not overlap; calls on different registries may,
 * provided that MPI was started with MPI_THREAD_MULTIPLE. Calls marked "collective" must be made by
 * all ranks of the communicator. Where ranks make different ones on a registry, all return
 * FFMK_ERR_ARGUMENT and nothing is done; without MPI_THREAD_MULTIPLE also where they make them on
 * different registries over one communicator, or on that itself.
 * @{ */

/** A registry of items; created and destroyed by the calls below. */
typedef struct ffmk_items ffmk_items;

/** A link of an item to another one, on whichever rank that is. Links have no direction: either
 * item may give it; when both do, or one does so twice, the weights add up. */
typedef struct ffmk_link {
    uint64_t id;   /**< The other item. */
    double weight; /**< What the exchange costs when the two are on different ranks; ≥ 0, finite. */
} ffmk_link;

/** An item as it is registered. `size` must be sizeof(ffmk_item): use FFMK_ITEM_INIT. */
typedef struct ffmk_item {
    size_t size;
    uint64_t id;            /**< Unique over the communicator. */
    double weight;          /**< Cost; ≥ 0, finite. */
    size_t bytes;           /**< Upper bound of what pack writes; may be 0. */
    size_t n_links;         /**< Length of links. */
    const ffmk_link *links; /**< The caller's; copied. NULL when n_links is 0. */
    const double *position; /**< Three coordinates, or NULL; copied. */
    size_t n_weights;       /**< 0: `weight` is the only one. Else, up to FFMK_WEIGHTS_MOST, as many
                               costs that are each evened out by itself, as those of phases with a
                               synchronisation between them; what an item lacks is 0. */
    const double *weights;  /**< Instead of `weight`; copied. NULL when n_weights is 0. */
    int pinned;             /**< Not 0: stays on its rank. */
} ffmk_item;

/** Most weights of an item. */
#define FFMK_WEIGHTS_MOST 8
#define FFMK_ITEM_INIT                                                                             \
    {                                                                                              \
        sizeof(ffmk_item), 0, 1.0, 0, 0, NULL, NULL, 0, NULL, 0                                    \
    }

/** What the library calls to move an item. All run inside ffmk_rebalance(), on the calling thread;
 * they must not call the registry they serve. Each returns 0, or another value for failure. */
typedef struct ffmk_item_ops {
    size_t size;
    /** Write the item into buffer (capacity bytes: the item's `bytes`) and say how many bytes were
     * written. The item stays valid here until drop. On failure the item stays on this rank. */
    int (*pack)(void *context, uint64_t id, void *buffer, size_t capacity, size_t *written_p);
    /** Take over an item that arrived. On failure it is given back to the rank it came from, which
     * still has it. */
    int (*unpack)(void *context, uint64_t id, const void *buffer, size_t bytes);
    /** Forget an item: its new rank has it. Cannot fail. */
    void (*drop)(void *context, uint64_t id);
} ffmk_item_ops;
#define FFMK_ITEM_OPS_INIT                                                                         \
    {                                                                                              \
        sizeof(ffmk_item_ops), NULL, NULL, NULL                                                    \
    }

/** How to balance. FFMK_BALANCE_OPTIONS_INIT gives the defaults. */
typedef struct ffmk_balance_options {
    size_t size;
    double imbalance; /**< Largest rank weight / mean weight to aim for; ≥ 1, default 1.05. */
    uint64_t seed;  /**< Decides ties; the same registry and seed give the same plan. Default 1. */
    int max_rounds; /**< Most planning rounds; 1 to 1000, default 32. */
    /** How much of the load goes over the wider borders: a border conducts like the weight of its
     * links to this power. 0 to 1, default 0.5. 1 keeps the cut smallest, 0 the weight that moves.
     */
    double conductance;
    double migration_price; /**< What moving an item of average weight costs, in average links that
                               are cut: no item moves for the sake of the cut that saves less. ≥ 0,
                               default 0.05. */
    size_t min_items; /**< A rank should hold so many items, where there are enough for all. Default
                         0. */
    int calibrate; /**< Not 0: ffmk_rebalance_if_worth() sets the ranks' capacities by the seconds
                      they took for their weight, so that a slower core gets less. Weights should
                      be work then (cells, particles), not seconds. Default 0. */
} ffmk_balance_options;
#define FFMK_BALANCE_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(ffmk_balance_options), 1.05, 1, 32, 0.5, 0.05, 0, 0                                 \
    }

/** What a plan or a migration did. Sums over the communicator, the same on every rank, but for the
 * fields marked "here". FFMK_BALANCE_INFO_INIT before the call. After ffmk_balance_plan()
 * items_moved, weight_moved and the two "after" say what would be; what only a migration knows is
 * 0. */
typedef struct ffmk_balance_info {
    size_t size;
    double imbalance_before; /**< Largest rank weight / mean; 1 when nothing weighs anything. */
    double imbalance_after;
    double imbalance_bound; /**< No plan can be surely better than this: max(asked, heaviest item /
                               mean). */
    double cut_before;      /**< Weight of the links between ranks, each pair counted once. */
    double cut_after;
    uint64_t items_moved; /**< Items that changed rank. */
    double weight_moved;
    uint64_t bytes_moved; /**< Packed bytes sent to other ranks. */
    uint64_t items_kept;  /**< Items that should have moved but whose pack or unpack failed. */
    int rounds;           /**< Planning rounds used. */
    double plan_s;        /**< Wall time of planning, largest over the ranks. */
    double migrate_s;     /**< Wall time of moving, largest over the ranks. */
    uint64_t items_sent_here;
    uint64_t items_received_here;
    int acted;        /**< ffmk_rebalance_if_worth(): 0, it was not worth it, and all above is 0. */
    double lost_s;    /**< Seconds that imbalance lost since the last such call. */
    double price_s;   /**< Seconds that planning and moving are expected to take. */
    char reason[128]; /**< Why it acted or did not, to be read. */
} ffmk_balance_info;
#define FFMK_BALANCE_INFO_INIT                                                                     \
    {                                                                                              \
        sizeof(ffmk_balance_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/** Create an empty registry over the intracommunicator `comm`. Collective. A handle of no
 * communicator at all is an error of MPI's, as in its own calls.
 * The communicator is duplicated; ops is copied; context is handed to every callback and stays the
 * caller's. ops may be NULL for a registry that is only planned, never moved.
 * \return FFMK_ERR_ARGUMENT, FFMK_ERR_STATE (MPI not running), FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI. */
#ifndef FFMK_NO_MPI
int ffmk_items_create(MPI_Comm comm, const ffmk_item_ops *ops, void *context, ffmk_items **items_p);

/** The same for a communicator as Fortran knows it; what the module `ffmk` (fortran/ffmk.f90)
 * calls. */
int ffmk_items_create_f(MPI_Fint comm, const ffmk_item_ops *ops, void *context,
                        ffmk_items **items_p);
#endif

/** Free the registry (not the items' data). Collective, before MPI_Finalize. NULL is fine.
 * \return FFMK_ERR_ARGUMENT where other ranks make another call: it is still there then. */
int ffmk_items_destroy(ffmk_items *items);

/** Register one item of this rank. Local.
 * \return FFMK_ERR_ARGUMENT (weight or link weight negative or not finite, item linked to itself),
 * FFMK_ERR_DUPLICATE (id registered on this rank; one that another rank holds is found by the next
 * plan). */
int ffmk_items_add(ffmk_items *items, const ffmk_item *item);

/** Take an item out of the registry. Local; its data is the caller's. Links of others to it must go
 * too. */
int ffmk_items_remove(ffmk_items *items, uint64_t id);

/** Set what an item weighs from now on. Local. */
int ffmk_items_set_weight(ffmk_items *items, uint64_t id, double weight);

/** Set all weights of an item, 1 to FFMK_WEIGHTS_MOST, in place of those it had. Local. */
int ffmk_items_set_weights(ffmk_items *items, uint64_t id, size_t n, const double *weights);

/** Pin an item to its rank (pinned not 0), or let it move again. Local. */
int ffmk_items_set_pinned(ffmk_items *items, uint64_t id, int pinned);

/** Set the upper bound of an item's packed size. Local. */
int ffmk_items_set_bytes(ffmk_items *items, uint64_t id, size_t bytes);

/** How many items this rank has. Local. */
int ffmk_items_count(const ffmk_items *items, size_t *count_p);

/** The ids of this rank's items, ascending. Local. `ids` has room for `capacity` ids.
 * \return FFMK_ERR_LIMIT when capacity is less than the count. */
int ffmk_items_ids(const ffmk_items *items, uint64_t *ids, size_t capacity);

/** The ranks that hold the targets of an item's links, in the order in which the links were given.
 * Local; valid after a plan or rebalance that succeeded, until items are added or removed anywhere.
 * `ranks` has room for `capacity`.
 * \return FFMK_ERR_STATE before the first plan and after items were added or removed on this rank,
 * FFMK_ERR_UNKNOWN_ITEM, FFMK_ERR_LIMIT. */
int ffmk_items_link_ranks(const ffmk_items *items, uint64_t id, int *ranks, size_t capacity);

/** Set how this registry is balanced from now on. Local, but every rank must set the same values:
 * they are compared at the next plan, which fails with FFMK_ERR_ARGUMENT where they differ. */
int ffmk_items_set_options(ffmk_items *items, const ffmk_balance_options *options);

/** Say what this rank can do, in comparison with the others: it gets a share of every weight in
 * proportion. A core that is three times slower than the rest has a capacity of a third. Local; >
 * 0, finite, 1 unless set. */
int ffmk_items_set_capacity(ffmk_items *items, double capacity);

/** Say how many bytes of items (their `bytes`) this rank can hold at most. No plan makes it hold
 * more, nor leaves it with more where others have room. Local; SIZE_MAX, no limit, unless set. */
int ffmk_items_set_memory_limit(ffmk_items *items, size_t bytes);

/** Say where each item of this rank should go; nothing moves. Collective.
 * `destinations` has room for ffmk_items_count() ranks and is filled in the order of
 * ffmk_items_ids(). info may be NULL; where it is on all ranks, what the plan comes to is not
 * summed up, which saves messages.
 * \return the same code on every rank: FFMK_ERR_ARGUMENT, FFMK_ERR_DUPLICATE, FFMK_ERR_UNKNOWN_ITEM
 * (a link leads to an item that is registered nowhere; the offending ids are logged),
 * FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI. */
int ffmk_balance_plan(ffmk_items *items, int *destinations, ffmk_balance_info *info);

/** Plan, then move the items through pack, unpack and drop. Collective. The registry afterwards
 * holds what this rank has. info may be NULL.
 * \return as ffmk_balance_plan(), and FFMK_ERR_CALLBACK when a pack or unpack failed anywhere:
 * those items stayed where they were, every other one moved, none is lost or doubled, and info says
 * how many. FFMK_ERR_NO_MEMORY means the same where memory for their data was the only reason and
 * items_kept is not 0. FFMK_ERR_STATE when the registry was created without ops. */
int ffmk_rebalance(ffmk_items *items, ffmk_balance_info *info);

/** Move the items where you say, through pack, unpack and drop: after ffmk_balance_plan() and a
 * look at it, with what you do not want set back to this rank, or by a plan of another maker.
 * `destinations` are ranks, in the order of ffmk_items_ids(); pinned items stay. Collective. info
 * may be NULL. \return as ffmk_rebalance(). */
int ffmk_migrate(ffmk_items *items, const int *destinations, ffmk_balance_info *info);

#ifndef FFMK_NO_MPI
/** A graph in compressed rows, in the shape that ParMETIS takes: `size` must be sizeof(ffmk_csr),
 * so use FFMK_CSR_INIT. Rank r has the vertices vtxdist[r] to vtxdist[r + 1] - 1; the other arrays
 * are about these. Each edge is listed at both ends, with the same weight. All arrays stay the
 * caller's. */
typedef struct ffmk_csr {
    size_t size;
    const int64_t *vtxdist; /**< Ranks + 1 entries, the same on every rank. */
    const int64_t *xadj;    /**< The edges of the i-th vertex here are adjncy[xadj[i]] and on. */
    const int64_t *adjncy;  /**< The other vertex of each edge, by its number over all ranks. */
    const double *adjwgt;   /**< Weight of each edge; NULL: 1. */
    int ncon;               /**< Weights a vertex has, 1 to FFMK_WEIGHTS_MOST, each evened out. */
    const double *vwgt;     /**< ncon a vertex; NULL: 1. */
    const double *xyz;      /**< Three coordinates a vertex; NULL: unknown. */
    int nparts;             /**< Any number, more or less than ranks. */
    const double *tpwgts;   /**< Share of each part, in any unit; NULL: equal shares. */
} ffmk_csr;
#define FFMK_CSR_INIT                                                                              \
    {                                                                                              \
        sizeof(ffmk_csr), NULL, NULL, NULL, NULL, 1, NULL, NULL, 1, NULL                           \
    }

/** The plan alone, for who has arrays and no registry: from the parts that the vertices are in,
 * `part`, 0 to nparts - 1, to the better ones, in the same array. Where vertices are in no part
 * yet, put them all in 0, or better, where they are. Collective. options NULL: the defaults;
 * min_items counts, calibrate does not. info may be NULL; what only a migration knows is 0 there.
 * On failure `part` is as before. \return as ffmk_balance_plan(). */
int ffmk_balance_csr(MPI_Comm comm, const ffmk_csr *csr, const ffmk_balance_options *options,
                     int *part, ffmk_balance_info *info);

/** The same for a communicator as Fortran knows it, and for arrays that say how long they are:
 * vtxdist, and for how many vertices all others are, negative where they differ. What the module
 * `ffmk` calls. */
int ffmk_balance_csr_f(MPI_Fint comm, const ffmk_csr *csr, int64_t n_vtxdist, int64_t n_vertices,
                       const ffmk_balance_options *options, int *part, ffmk_balance_info *info);
#endif

/** Questions about an application's objects, in the manner of Zoltan's. Each returns 0, or another
 * value for failure. Use FFMK_QUERY_INIT. */
typedef struct ffmk_query {
    size_t size;
    void *context;    /**< Handed to every callback. */
    size_t n_weights; /**< An object has; 0: all weigh the same. */
    /** How many objects this rank has. */
    int (*count)(void *context, size_t *n_p);
    /** Their ids, unique over the communicator, and n_weights weights of each. */
    int (*list)(void *context, size_t n, uint64_t *ids, double *weights);
    /** Three coordinates of an object; NULL: there are none. */
    int (*position)(void *context, uint64_t id, double position[3]);
    /** How many links an object has, and which; both NULL: there are none. Each link is listed at
     * both its ends, with the same weight. */
    int (*link_count)(void *context, uint64_t id, size_t *n_p);
    int (*links)(void *context, uint64_t id, size_t n, ffmk_link *links);
} ffmk_query;
#define FFMK_QUERY_INIT                                                                            \
    {                                                                                              \
        sizeof(ffmk_query), NULL, 0, NULL, NULL, NULL, NULL, NULL                                  \
    }

/** What should leave this rank: object ids[i] to rank ranks[i]. FFMK_EXPORTS_INIT before;
 * ffmk_exports_free() afterwards. */
typedef struct ffmk_exports {
    size_t size;
    size_t n;
    uint64_t *ids; /**< Ascending. */
    int *ranks;
} ffmk_exports;
#define FFMK_EXPORTS_INIT                                                                          \
    {                                                                                              \
        sizeof(ffmk_exports), 0, NULL, NULL                                                        \
    }

#ifndef FFMK_NO_MPI
/** The plan alone, for who has callbacks and no registry, as Zoltan_LB_Partition() takes them: what
 * should go where. Collective. options NULL: the defaults. info may be NULL.
 * \return as ffmk_balance_plan(), and FFMK_ERR_CALLBACK when a callback failed anywhere. */
int ffmk_balance_query(MPI_Comm comm, const ffmk_query *query, const ffmk_balance_options *options,
                       ffmk_exports *exports, ffmk_balance_info *info);

/** The same for a communicator as Fortran knows it; what the module `ffmk` calls. */
int ffmk_balance_query_f(MPI_Fint comm, const ffmk_query *query,
                         const ffmk_balance_options *options, ffmk_exports *exports,
                         ffmk_balance_info *info);
#endif

/** Free the lists. Local; NULL is fine. */
int ffmk_exports_free(ffmk_exports *exports);

/** Instead of seconds: what ffmk measured itself. */
#define FFMK_MEASURED (-1e300)

/** Rebalance when it pays: as soon as imbalance has lost as much time as planning and moving took
 * the last times, which together is at most twice the least possible. To be called once a step,
 * with the seconds this rank needed for its items, without waiting. FFMK_MEASURED: the time that
 * the calling thread spent outside of MPI and of ffmk since the last such call on this registry, or
 * its creation, without what MPI_Pcontrol(0) paused. Collective; two reductions when nothing is
 * done. info->acted and info->reason say what was decided; info may be NULL.
 * \return as ffmk_rebalance(), and FFMK_ERR_STATE where FFMK_MEASURED is given on a rank on which
 * nothing is measured: with FFMK_DISABLE, or where MPI started before libffmk was loaded. */
int ffmk_rebalance_if_worth(ffmk_items *items, double seconds, ffmk_balance_info *info);

/** @} */

/** \defgroup collectives Collective operations that dead ranks do not stop
 * Broadcast, barrier and allreduce over any intracommunicator, on ways of our own: what is sent is
 * not lost with a rank that should have passed it on, nobody waits for the dead, and survivors
 * never hold different results. docs/gossip.md says what is promised, proves it, and says what
 * happens beyond. The MPI has to let survivors live (Open MPI: mpirun --enable-recovery).
 *
 * All ranks of a communicator call them in the same order, among each other and with MPI's
 * collective operations; then they match. The first call on a communicator prepares it through MPI
 * itself, so it must come before anybody died.
 *
 * Method within a host: shared memory, written once, read by everyone who comes by. Across hosts:
 * corrected gossip (Hoefler, Barak, Shiloh, Drezner, IPDPS 2017) over the circulant tree, by UDP,
 * with TCP for what is larger than a datagram, between one rank of each host; and an agreement of
 * the survivors when a rank died that others need. Where a network cannot be had all ranks leave
 * them to MPI, and `algorithm` says so.
 *
 * A rank on another host is declared dead when it answers nothing for FFMK_DETECT milliseconds;
 * that is final, and it spreads. If it comes back its operations give FFMK_ERR_EXCLUDED, after one
 * more result at most that nobody shares, and on other communicators what had been sent to it
 * before. Ranks that are late, or compute, answer: a thread of the library does it for them.
 *
 * Buffers may be in a GPU's memory, at some ranks or at all, whether or not the MPI knows of GPUs:
 * where the program has loaded the driver of CUDA (11.0 or newer) or HIP (5.0 or newer) it copies
 * them. All of a buffer is then one device's memory; what lies between the elements of a datatype
 * is read and written back with them. Level Zero's device memory is not known.
 *
 * Thread safety: calls on one communicator must not overlap; calls on different ones may, provided
 * that MPI was started with MPI_THREAD_MULTIPLE.
 * @{ */

/** What a collective operation did, here. FFMK_COLLECTIVE_INFO_INIT before the call. */
typedef struct ffmk_collective_info {
    size_t size;
    const char *algorithm; /**< Static: "shared memory", "corrected gossip over UDP", where no
                              survival is promised "corrected gossip over MPI" or "MPI". */
    uint64_t messages;     /**< This rank sent over a network meanwhile, for this communicator. */
    double time_s;         /**< Wall time in the call. */
    int dead;              /**< Ranks of the communicator that are known to be dead here. */
} ffmk_collective_info;
#define FFMK_COLLECTIVE_INFO_INIT                                                                  \
    {                                                                                              \
        sizeof(ffmk_collective_info), NULL, 0, 0, 0                                                \
    }

#ifndef FFMK_NO_MPI
/** Send count elements of the root's buffer to all ranks of comm. Collective. Other ranks may give
 * another count and datatype with the same signature. The root may return before anybody has
 * received it; its buffer is free then. info may be NULL.
 * \return FFMK_ERR_ARGUMENT (an intercommunicator, a root that is no rank of comm, a negative
 * count, or the root sends another number of bytes), FFMK_ERR_STATE (MPI not running),
 * FFMK_ERR_NO_MEMORY, FFMK_ERR_MPI; FFMK_ERR_FAILED at every survivor when the root died before all
 * of it could be had by any of them; FFMK_ERR_EXCLUDED; FFMK_ERR_DEVICE at the rank whose device
 * memory could not be copied (the others, if it is the root: FFMK_ERR_ARGUMENT). */
int ffmk_bcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
               ffmk_collective_info *info);

/** A broadcast under way; made by ffmk_ibcast(), ended by ffmk_test() or ffmk_wait(). */
typedef struct ffmk_request ffmk_request;

/** Begin a broadcast as ffmk_bcast() makes it, and return. Collective; several may be under way.
 * The buffer is the broadcast's until it is complete. A root whose message is larger than what lies
 * ready for the others at once (some tens of KiB) sends the rest in ffmk_test(), ffmk_wait() and
 * whatever else it calls for this communicator. *request_p gets the request, NULL when there is
 * none. \return as ffmk_bcast(), but what only the broadcast itself can tell comes from its end. */
int ffmk_ibcast(void *buffer, MPI_Count count, MPI_Datatype datatype, int root, MPI_Comm comm,
                ffmk_request **request_p);

/** Go on with a broadcast; *complete_p tells whether it is complete. Local. Then info, unless NULL,
 * is filled, the request is gone and *request_p is NULL.
 * \return FFMK_ERR_ARGUMENT when there is no request; when it is complete as ffmk_bcast(). */
int ffmk_test(ffmk_request **request_p, int *complete_p, ffmk_collective_info *info);

/** The same until it is complete. */
int ffmk_wait(ffmk_request **request_p, ffmk_collective_info *info);

/** Return when all living ranks of comm have called it. Collective. info may be NULL.
 * \return as ffmk_bcast(), but never FFMK_ERR_FAILED. */
int ffmk_barrier(MPI_Comm comm, ffmk_collective_info *info);

/** Combine count elements of every rank with op and give all ranks the result: the same, bit for
 * bit, at all survivors. In the order of ranks; across hosts, where op commutes, first within
 * hosts. Ranks that were dead before they called it do not count. Collective. sendbuf may be
 * MPI_IN_PLACE, at all ranks or at some. An element may have 32 KiB; larger ones are left to MPI.
 * info may be NULL. \return as ffmk_bcast(), but never FFMK_ERR_FAILED. */
int ffmk_allreduce(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Datatype datatype,
                   MPI_Op op, MPI_Comm comm, ffmk_collective_info *info);

/** The ranks of comm that are known to be dead here, ascending. Local. `ranks` has room for
 * `capacity`; *count_p gets how many there are, also when that is more.
 * \return FFMK_ERR_LIMIT when capacity is less; FFMK_ERR_ARGUMENT, FFMK_ERR_STATE. */
int ffmk_comm_dead(MPI_Comm comm, int *ranks, size_t capacity, size_t *count_p);

/** The same for handles as Fortran knows them; what the module `ffmk` calls. A sendbuf of NULL is
 * MPI_IN_PLACE, which has another value in Fortran. */
int ffmk_bcast_f(void *buffer, MPI_Count count, MPI_Fint datatype, int root, MPI_Fint comm,
                 ffmk_collective_info *info);
int ffmk_barrier_f(MPI_Fint comm, ffmk_collective_info *info);
int ffmk_allreduce_f(const void *sendbuf, void *recvbuf, MPI_Count count, MPI_Fint datatype,
                     MPI_Fint op, MPI_Fint comm, ffmk_collective_info *info);
int ffmk_comm_dead_f(MPI_Fint comm, int *ranks, size_t capacity, size_t *count_p);
#endif

/** @} */

#ifdef __cplusplus
}
#endif

#endif

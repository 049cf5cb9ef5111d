// SPDX-License-Identifier: BSD-3-Clause
// Proves that ffmk.h is C++: every call and every initialiser compiles, links by its C name, and
// works over two ranks.
#include <ffmk.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

namespace
{

using Cells = std::map<std::uint64_t, double>;

int pack(void *context, std::uint64_t id, void *buffer, std::size_t capacity,
         std::size_t *written_p)
{
    const Cells &cells = *static_cast<Cells *>(context);
    if (capacity < sizeof(double))
        return 1;
    *static_cast<double *>(buffer) = cells.at(id);
    *written_p = sizeof(double);
    return 0;
}

int unpack(void *context, std::uint64_t id, const void *buffer, std::size_t bytes)
{
    if (bytes != sizeof(double))
        return 1;
    (*static_cast<Cells *>(context))[id] = *static_cast<const double *>(buffer);
    return 0;
}

void drop(void *context, std::uint64_t id)
{
    static_cast<Cells *>(context)->erase(id);
}

int faults = 0;

void expect(bool holds, const char *what)
{
    if (holds)
        return;
    std::printf("not true: %s\n", what);
    faults++;
}

#define EXPECT(condition) expect(condition, #condition)

/** All items begin on rank 0; a rebalance must spread them and lose none. */
void balance(int rank, int n_ranks)
{
    constexpr std::uint64_t n = 40;
    Cells cells;
    ffmk_item_ops ops = FFMK_ITEM_OPS_INIT;
    ops.pack = pack;
    ops.unpack = unpack;
    ops.drop = drop;
    ffmk_items *items = nullptr;
    EXPECT(ffmk_items_create(MPI_COMM_WORLD, &ops, &cells, &items) == FFMK_SUCCESS);
    ffmk_balance_options options = FFMK_BALANCE_OPTIONS_INIT;
    options.seed = 7;
    EXPECT(ffmk_items_set_options(items, &options) == FFMK_SUCCESS);

    for (std::uint64_t id = 0; rank == 0 && id < n; id++) {
        const ffmk_link links[] = {{(id + 1) % n, 1.0}, {(id + n - 1) % n, 1.0}};
        const double position[] = {static_cast<double>(id), 0.0, 0.0};
        ffmk_item item = FFMK_ITEM_INIT;
        item.id = id;
        item.n_links = 2;
        item.links = links;
        item.position = position;
        cells[id] = static_cast<double>(id);
        EXPECT(ffmk_items_add(items, &item) == FFMK_SUCCESS);
        EXPECT(ffmk_items_set_weight(items, id, 2.0) == FFMK_SUCCESS);
        EXPECT(ffmk_items_set_bytes(items, id, sizeof(double)) == FFMK_SUCCESS);
    }

    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    std::vector<int> destinations(n);
    EXPECT(ffmk_balance_plan(items, destinations.data(), &info) == FFMK_SUCCESS);
    EXPECT(ffmk_rebalance(items, &info) == FFMK_SUCCESS);
    EXPECT(n_ranks == 1 || info.imbalance_after < info.imbalance_before);

    std::size_t count = 0;
    EXPECT(ffmk_items_count(items, &count) == FFMK_SUCCESS);
    EXPECT(count == cells.size());
    if (count > 0) {
        const double weights[] = {1.0, 2.0};
        const std::uint64_t id = cells.begin()->first;
        EXPECT(ffmk_items_set_weights(items, id, 2, weights) == FFMK_SUCCESS);
        EXPECT(ffmk_items_set_pinned(items, id, 1) == FFMK_SUCCESS);
    }
    EXPECT(ffmk_items_set_capacity(items, 0.5) == FFMK_SUCCESS);
    EXPECT(ffmk_items_set_memory_limit(items, SIZE_MAX) == FFMK_SUCCESS);
    std::fill(destinations.begin(), destinations.end(), rank);
    EXPECT(ffmk_migrate(items, destinations.data(), &info) == FFMK_SUCCESS);
    EXPECT(ffmk_rebalance_if_worth(items, 1.0, &info) == FFMK_SUCCESS);
    EXPECT(!info.acted && info.reason[0] != '\0');
    std::vector<std::uint64_t> ids(count);
    EXPECT(ffmk_items_ids(items, ids.data(), ids.size()) == FFMK_SUCCESS);
    double mine[2] = {0.0, static_cast<double>(count)};
    for (const std::uint64_t id : ids) {
        int ranks[2];
        EXPECT(ffmk_items_link_ranks(items, id, ranks, 2) == FFMK_SUCCESS);
        mine[0] += cells.at(id);
    }
    double all[2];
    MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    EXPECT(all[0] == static_cast<double>(n * (n - 1) / 2));
    EXPECT(all[1] == static_cast<double>(n));
    if (count > 0)
        EXPECT(ffmk_items_remove(items, ids[0]) == FFMK_SUCCESS);
    EXPECT(ffmk_items_destroy(items) == FFMK_SUCCESS);
}

int count(void *context, std::size_t *n_p)
{
    *n_p = *static_cast<int *>(context) == 0 ? 20 : 0;
    return 0;
}

int list(void *, std::size_t n, std::uint64_t *ids, double *)
{
    for (std::size_t i = 0; i < n; i++)
        ids[i] = i;
    return 0;
}

/** Plans without a registry: all on rank 0 for a half to leave, and a pair of vertices a rank in
 * two parts. */
void plan_alone(int rank, int n_ranks)
{
    ffmk_query query = FFMK_QUERY_INIT;
    query.context = &rank;
    query.count = count;
    query.list = list;
    ffmk_exports exports = FFMK_EXPORTS_INIT;
    EXPECT(ffmk_balance_query(MPI_COMM_WORLD, &query, nullptr, &exports, nullptr) == FFMK_SUCCESS);
    EXPECT((exports.n > 0) == (rank == 0 && n_ranks > 1));
    EXPECT(ffmk_exports_free(&exports) == FFMK_SUCCESS);

    std::vector<std::int64_t> vtxdist;
    for (int r = 0; r <= n_ranks; r++)
        vtxdist.push_back(2 * r);
    const std::int64_t xadj[] = {0, 1, 2}, adjncy[] = {2 * rank + 1, 2 * rank};
    int part[] = {0, 0};
    ffmk_csr csr = FFMK_CSR_INIT;
    csr.vtxdist = vtxdist.data();
    csr.xadj = xadj;
    csr.adjncy = adjncy;
    csr.nparts = 2;
    ffmk_balance_info info = FFMK_BALANCE_INFO_INIT;
    EXPECT(ffmk_balance_csr(MPI_COMM_WORLD, &csr, nullptr, part, &info) == FFMK_SUCCESS);
    EXPECT(info.imbalance_before == 2 && info.imbalance_after < 2);
}

/** The sum of 1 … n_ranks, sent around by every way there is. */
void collect(int rank, int n_ranks)
{
    ffmk_collective_info info = FFMK_COLLECTIVE_INFO_INIT;
    const int one_more = rank + 1;
    int sum = 0, dead = -1;
    std::size_t n_dead = 1;
    const MPI_Fint world = MPI_Comm_c2f(MPI_COMM_WORLD);
    const MPI_Fint type = MPI_Type_c2f(MPI_INT);
    EXPECT(ffmk_allreduce(&one_more, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &info) ==
           FFMK_SUCCESS);
    EXPECT(sum == n_ranks * (n_ranks + 1) / 2);
    EXPECT(info.algorithm != nullptr && info.dead == 0);
    sum = one_more;
    EXPECT(ffmk_allreduce_f(nullptr, &sum, 1, type, MPI_Op_c2f(MPI_SUM), world, nullptr) ==
           FFMK_SUCCESS);
    EXPECT(sum == n_ranks * (n_ranks + 1) / 2);
    EXPECT(ffmk_barrier(MPI_COMM_WORLD, &info) == FFMK_SUCCESS);
    EXPECT(ffmk_barrier_f(world, nullptr) == FFMK_SUCCESS);
    for (int root = 0; root < n_ranks; root++) {
        int word = rank == root ? 40 + root : 0;
        EXPECT(ffmk_bcast(&word, 1, MPI_INT, root, MPI_COMM_WORLD, &info) == FFMK_SUCCESS);
        EXPECT(word == 40 + root);
        word = rank == root ? 50 + root : 0;
        EXPECT(ffmk_bcast_f(&word, 1, type, root, world, nullptr) == FFMK_SUCCESS);
        EXPECT(word == 50 + root);
    }
    EXPECT(ffmk_comm_dead(MPI_COMM_WORLD, &dead, 1, &n_dead) == FFMK_SUCCESS && n_dead == 0);
    n_dead = 1;
    EXPECT(ffmk_comm_dead_f(world, &dead, 1, &n_dead) == FFMK_SUCCESS && n_dead == 0);
}

} // namespace

int main(int argc, char **argv)
{
    int rank, n_ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    EXPECT(ffmk_version() != nullptr);
    EXPECT(ffmk_strerror(FFMK_ERR_LIMIT) != nullptr);
    EXPECT(ffmk_region_begin("all") == FFMK_SUCCESS);
    balance(rank, n_ranks);
    plan_alone(rank, n_ranks);
    EXPECT(ffmk_region_end("all") == FFMK_SUCCESS);

    collect(rank, n_ranks);

    ffmk_items *items = nullptr;
    EXPECT(ffmk_items_create_f(MPI_Comm_c2f(MPI_COMM_WORLD), nullptr, nullptr, &items) ==
           FFMK_SUCCESS);
    EXPECT(ffmk_items_destroy(items) == FFMK_SUCCESS);
    MPI_Finalize();
    return faults > 0;
}

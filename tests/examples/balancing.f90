! SPDX-License-Identifier: BSD-3-Clause
! Proves that the module `ffmk` hands balancing on as it is: structures of the size that the library knows, several
! weights, pinned items, capacities, limits, a plan of the program's own, and what the information tells.
module stock
    use, intrinsic :: iso_c_binding
    implicit none

    integer, parameter :: each = 60 ! items of a rank
    integer(c_size_t), parameter :: item_bytes = 8
    logical, allocatable :: here(:)

contains

    function pack_item(context, id, buffer, capacity, written) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        type(c_ptr), value :: buffer
        integer(c_size_t), value :: capacity
        integer(c_size_t), intent(out) :: written
        integer(c_int) :: code
        integer(c_int64_t), pointer :: place

        written = item_bytes
        code = 1
        if (c_associated(context) .or. capacity < item_bytes .or. .not. here(id)) return
        call c_f_pointer(buffer, place)
        place = id
        code = 0
    end function pack_item

    function unpack_item(context, id, buffer, bytes) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        type(c_ptr), value :: buffer
        integer(c_size_t), value :: bytes
        integer(c_int) :: code
        integer(c_int64_t), pointer :: place

        code = 1
        if (c_associated(context) .or. bytes /= item_bytes .or. here(id)) return
        call c_f_pointer(buffer, place)
        if (place /= id) return
        here(id) = .true.
        code = 0
    end function unpack_item

    subroutine drop_item(context, id) bind(c)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id

        if (.not. c_associated(context)) here(id) = .false.
    end subroutine drop_item
end module stock

program balancing
    use, intrinsic :: iso_c_binding
    use mpi_f08
    use ffmk
    use stock
    implicit none

    type(ffmk_items) :: items
    type(ffmk_balance_options) :: options
    type(ffmk_balance_info) :: info
    integer :: rank, n_ranks, n, held

    call MPI_Init()
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, n_ranks)
    n = each * n_ranks
    allocate (here(n))
    here = .false.
    call expect(ffmk_items_create(MPI_COMM_WORLD%MPI_VAL, items, pack_item, unpack_item, drop_item))
    options%min_items = 10
    options%calibrate = .true.
    call expect(ffmk_items_set_options(items, options))
    options%conductance = 2
    call hold(ffmk_items_set_options(items, options) == FFMK_ERR_ARGUMENT, 'conductance')
    call register()

    call two_weights()
    call abilities()
    call own_plan()
    call when_it_pays()
    call expect(ffmk_items_destroy(items))
    call MPI_Finalize()

contains

    subroutine expect(code)
        integer, intent(in) :: code

        call hold(code == FFMK_SUCCESS, ffmk_strerror(code))
    end subroutine expect

    subroutine hold(truth, what)
        logical, intent(in) :: truth
        character(len=*), intent(in) :: what

        if (truth) return
        write (*, '(2a)') 'balancing: ', what
        call MPI_Abort(MPI_COMM_WORLD, 1)
    end subroutine hold

    !> The first weight is in the first half of all items, the second one in the other half.
    function weights_of(id) result(weights)
        integer, intent(in) :: id
        real(c_double) :: weights(2)

        weights = merge([3, 1], [1, 3], id <= n / 2)
    end function weights_of

    subroutine register()
        integer :: id, last

        do id = rank * each + 1, (rank + 1) * each
            here(id) = .true.
            last = merge(0, 1, id == n)
            call expect(ffmk_items_add(items, int(id, c_int64_t), 1.0_c_double, item_bytes, &
                                       reshape([ffmk_link(id + 1, 1)], [last]), weights=weights_of(id), pinned=id == 1))
        end do
        call hold(ffmk_items_add(items, 999999_c_int64_t, 1.0_c_double, item_bytes, &
                                 weights=[(1.0_c_double, id=0, FFMK_WEIGHTS_MOST)]) == FFMK_ERR_ARGUMENT, 'nine weights')
    end subroutine register

    !> The largest load of a rank over the mean, by one of the weights.
    function imbalance_by(which) result(imbalance)
        integer, intent(in) :: which
        real(c_double) :: imbalance, load, largest, total, weights(2)
        integer :: id

        load = 0
        do id = 1, n
            weights = weights_of(id)
            if (here(id)) load = load + weights(which)
        end do
        call MPI_Allreduce(load, largest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
        call MPI_Allreduce(load, total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
        imbalance = largest * n_ranks / total
    end function imbalance_by

    subroutine check_all_there()
        integer :: all_held

        held = count(here)
        call MPI_Allreduce(held, all_held, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD)
        call hold(all_held == n, 'an item is lost, or there twice')
        call hold(rank > 0 .or. here(1), 'the pinned item went')
    end subroutine check_all_there

    subroutine two_weights()
        real(c_double) :: first, second

        first = imbalance_by(1)
        call hold(n_ranks == 1 .or. first > 1.2_c_double, 'it is balanced already')
        call expect(ffmk_rebalance(items, info))
        call check_all_there()
        first = imbalance_by(1)
        second = imbalance_by(2)
        call hold(max(first, second) < 1.06_c_double, 'two weights')
        call hold(abs(info%imbalance_after - max(first, second)) < 1.0e-6_c_double, 'imbalance_after')
    end subroutine two_weights

    !> The last rank is three times slower, then has room for few items; and one weight is enough.
    subroutine abilities()
        integer(c_size_t), parameter :: room = 15
        integer :: id

        do id = 1, n
            if (here(id)) call expect(ffmk_items_set_weights(items, int(id, c_int64_t), [1.0_c_double]))
        end do
        call hold(ffmk_items_set_capacity(items, 0.0_c_double) == FFMK_ERR_ARGUMENT, 'no capacity')
        if (rank == n_ranks - 1) call expect(ffmk_items_set_capacity(items, 1 / 3.0_c_double))
        call expect(ffmk_rebalance(items, info))
        call check_all_there()
        if (n_ranks > 1 .and. rank == n_ranks - 1) &
            call hold(abs(held - n / (3 * n_ranks - 2)) <= 3, 'the share of a slow rank')
        call expect(ffmk_items_set_capacity(items, 1.0_c_double))
        if (n_ranks > 1 .and. rank == n_ranks - 1) call expect(ffmk_items_set_memory_limit(items, room * item_bytes))
        call expect(ffmk_rebalance(items, info))
        call check_all_there()
        if (n_ranks > 1 .and. rank == n_ranks - 1) call hold(held <= room, 'what a rank has room for')
        call expect(ffmk_items_set_memory_limit(items))
        call expect(ffmk_rebalance(items, info))
        call check_all_there()
        call hold(info%imbalance_after < 1.06_c_double, 'no limit')
    end subroutine abilities

    !> All to rank 0, after a plan for too few items was refused; then the pinned one may go, and goes.
    subroutine own_plan()
        integer(c_int), allocatable :: destinations(:)
        integer :: number

        call expect(ffmk_items_count(items, number))
        allocate (destinations(number))
        destinations = 0
        call hold(ffmk_migrate(items, destinations(2:)) == FFMK_ERR_ARGUMENT, 'a plan for fewer items')
        call expect(ffmk_migrate(items, destinations, info))
        call check_all_there()
        call hold(merge(held == n, held == 0, rank == 0), 'all on rank 0')
        call hold(info%items_received_here == merge(n - number, 0, rank == 0), 'items_received_here')
        if (rank == 0) call expect(ffmk_items_set_pinned(items, 1_c_int64_t, .false.))
        destinations = [(n_ranks - 1, number=1, held)]
        call expect(ffmk_migrate(items, destinations))
        held = count(here)
        call hold(merge(held == n, held == 0, rank == n_ranks - 1), 'all on the last rank')
    end subroutine own_plan

    subroutine when_it_pays()
        real(c_double) :: seconds

        seconds = 1
        call expect(ffmk_rebalance_if_worth(items, seconds, info))
        call hold(info%acted == 0 .and. info%items_moved == 0, 'nothing is lost')
        call hold(ffmk_balance_reason(info) == 'balanced: nothing is lost', ffmk_balance_reason(info))
        if (rank < n_ranks - 1) seconds = 0
        call expect(ffmk_rebalance_if_worth(items, 100 * seconds, info))
        call hold((info%acted /= 0) .eqv. n_ranks > 1, 'a second is more than it costs')
        call hold(n_ranks == 1 .or. (info%items_moved > 0 .and. info%lost_s > 0 .and. info%price_s >= 0), 'what it cost')
        call hold(len(ffmk_balance_reason(info)) > 0, 'no reason')
        call expect(ffmk_rebalance_if_worth(items, FFMK_MEASURED))
        call hold(ffmk_rebalance_if_worth(items, -1.0_c_double) == FFMK_ERR_ARGUMENT, 'time runs backwards')
    end subroutine when_it_pays
end program balancing

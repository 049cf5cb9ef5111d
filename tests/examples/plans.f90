! SPDX-License-Identifier: BSD-3-Clause
! Proves that the module `ffmk` makes plans of a program's arrays and of its callbacks: what goes in is understood, with
! numbers from 1 and from 0, what comes out is balanced, and what is wrong on one rank is refused by all.
module ring
    use, intrinsic :: iso_c_binding
    use ffmk, only: ffmk_link
    implicit none

    integer, parameter :: each = 60 ! objects of the ring for each rank
    integer :: n_all, n_here        ! on all ranks; rank 0 has the objects 1 to n_all, for the query
    integer :: failing = 0          ! the callback of this number fails

contains

    function count_ring(context, n) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_size_t), intent(out) :: n
        integer(c_int) :: code

        n = n_here
        code = merge(1, 0, failing == 1 .or. c_associated(context))
    end function count_ring

    function list_ring(context, n, ids, weights) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_size_t), value :: n
        integer(c_int64_t), intent(inout) :: ids(n)
        real(c_double), intent(inout) :: weights(*)
        integer(c_int) :: code
        integer :: i

        do i = 1, int(n)
            ids(i) = i
            weights(2 * i - 1) = 1
            weights(2 * i) = mod(i, 2)
        end do
        code = merge(1, 0, failing == 2 .or. c_associated(context))
    end function list_ring

    function place_ring(context, id, position) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        real(c_double), intent(inout) :: position(3)
        integer(c_int) :: code
        real(c_double), parameter :: turn = 6.283185307179586_c_double

        position = [cos(turn * id / n_all), sin(turn * id / n_all), 0.0_c_double]
        code = merge(1, 0, failing == 3 .or. c_associated(context))
    end function place_ring

    function count_links(context, id, n) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        integer(c_size_t), intent(out) :: n
        integer(c_int) :: code

        n = 2
        code = merge(1, 0, failing == 4 .or. id < 1 .or. c_associated(context))
    end function count_links

    function list_links(context, id, n, links) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        integer(c_size_t), value :: n
        type(ffmk_link), intent(inout) :: links(n)
        integer(c_int) :: code

        links(1) = ffmk_link(modulo(id, int(n_all, c_int64_t)) + 1, 1)
        links(2) = ffmk_link(modulo(id - 2, int(n_all, c_int64_t)) + 1, 1)
        code = merge(1, 0, failing == 5 .or. c_associated(context))
    end function list_links
end module ring

program plans
    use, intrinsic :: iso_c_binding
    use mpi_f08
    use ffmk
    use ring
    implicit none

    integer :: rank, n_ranks

    call MPI_Init()
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, n_ranks)
    n_all = each * n_ranks
    n_here = merge(n_all, 0, rank == 0)
    call plan_arrays(1)
    call plan_arrays(0)
    call refused_arrays()
    call plan_objects()
    call refused_objects()
    call MPI_Finalize()

contains

    subroutine hold(truth, what)
        logical, intent(in) :: truth
        character(len=*), intent(in) :: what

        if (truth) return
        write (*, '(2a)') 'plans: ', what
        call MPI_Abort(MPI_COMM_WORLD, 1)
    end subroutine hold

    !> A ring, numbered from `first`, of which part `first` has most.
    subroutine ring_of(first, vtxdist, xadj, adjncy, part)
        integer, intent(in) :: first
        integer(c_int64_t), allocatable, intent(out) :: vtxdist(:), xadj(:), adjncy(:)
        integer(c_int), allocatable, intent(out) :: part(:)
        integer :: i, at

        allocate (vtxdist(n_ranks + 1), xadj(each + 1), adjncy(2 * each), part(each))
        vtxdist = [(i * each + first, i=0, n_ranks)]
        xadj = [(2 * i + first, i=0, each)]
        do i = 1, each
            at = rank * each + i - 1
            adjncy(2 * i - 1) = modulo(at + 1, n_all) + first
            adjncy(2 * i) = modulo(at - 1, n_all) + first
        end do
        part = merge(0, 1, [(i <= each - 10, i=1, each)]) + first
    end subroutine ring_of

    subroutine plan_arrays(first)
        integer, intent(in) :: first
        integer(c_int64_t), allocatable :: vtxdist(:), xadj(:), adjncy(:)
        integer(c_int), allocatable :: part(:)
        real(c_double), allocatable :: vwgt(:, :), xyz(:, :)
        type(ffmk_balance_info) :: info
        type(ffmk_balance_options) :: options
        integer, parameter :: nparts = 3
        real(c_double), parameter :: shares(nparts) = [1, 1, 2]
        real(c_double) :: load(nparts), total(nparts)
        integer :: i, code

        call ring_of(first, vtxdist, xadj, adjncy, part)
        allocate (vwgt(1, each), xyz(3, each))
        vwgt = 2
        xyz = 0
        xyz(1, :) = [(cos(6.2832_c_double * (rank * each + i) / n_all), i=1, each)]
        xyz(2, :) = [(sin(6.2832_c_double * (rank * each + i) / n_all), i=1, each)]
        options%imbalance = 1.1_c_double
        code = ffmk_balance_csr(MPI_COMM_WORLD%MPI_VAL, vtxdist, xadj, adjncy, part, nparts, vwgt=vwgt, xyz=xyz, &
                                tpwgts=shares, options=options, info=info)
        call hold(code == FFMK_SUCCESS, ffmk_strerror(code))
        call hold(minval(part) >= first .and. maxval(part) < nparts + first, 'numbers of parts')
        load = [(sum(vwgt(1, :), part == i + first), i=0, nparts - 1)]
        call MPI_Allreduce(load, total, nparts, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
        total = total / shares * sum(shares) / (2 * n_all)
        call hold(maxval(total) < 1.101_c_double, 'shares')
        call hold(abs(info%imbalance_after - maxval(total)) < 1.0e-6_c_double, 'imbalance_after')
        call hold(info%imbalance_before > 1.5_c_double .and. info%cut_after >= nparts, 'what the arrays say')
    end subroutine plan_arrays

    !> Each on the last rank alone.
    subroutine refused_arrays()
        integer(c_int64_t), allocatable :: vtxdist(:), xadj(:), adjncy(:)
        integer(c_int), allocatable :: part(:), before(:)
        real(c_double) :: adjwgt(2 * each), vwgt(2, each), xyz(3, each), shares(2)
        integer :: mistake, code, n, m
        logical :: mine

        mine = rank == n_ranks - 1
        adjwgt = 1
        vwgt = 1
        xyz = 0
        shares = 1
        do mistake = 0, 8
            call ring_of(1, vtxdist, xadj, adjncy, part)
            before = part
            n = each
            m = 2
            if (mine .and. mistake == 1) vtxdist = vtxdist(:n_ranks)
            if (mine .and. mistake == 2) xadj = xadj(:each)
            if (mine .and. mistake == 3) adjncy = adjncy(:2 * each - 1)
            if (mine .and. mistake == 4) n = each - 1
            if (mine .and. mistake == 5) m = 1
            if (mine .and. mistake == 6) adjncy(1) = n_all + 1
            if (mine .and. mistake == 7) part(1) = 3
            if (mine .and. mistake == 8) vtxdist = vtxdist + 1
            code = ffmk_balance_csr(MPI_COMM_WORLD%MPI_VAL, vtxdist, xadj, adjncy, part, 2, adjwgt(:2 * each), vwgt(:, :n), &
                                    xyz(:, :n), shares(:m))
            call hold(code == merge(FFMK_SUCCESS, FFMK_ERR_ARGUMENT, mistake == 0), 'a mistake: '//ffmk_strerror(code))
            if (mistake /= 0 .and. mistake /= 7) call hold(all(part == before), 'a mistake moved something')
        end do
    end subroutine refused_arrays

    subroutine plan_objects()
        integer(c_int64_t), allocatable :: ids(:)
        integer(c_int), allocatable :: ranks(:)
        type(ffmk_balance_info) :: info
        integer :: code, to

        code = ffmk_balance_query(MPI_COMM_WORLD%MPI_VAL, count_ring, list_ring, ids, ranks, n_weights=2, &
                                  position=place_ring, link_count=count_links, links=list_links, info=info)
        call hold(code == FFMK_SUCCESS, ffmk_strerror(code))
        call hold(size(ids) == merge(int(info%items_moved), 0, rank == 0), 'how many should leave')
        call hold(size(ids) == size(ranks), 'ids and ranks')
        call hold(abs(info%imbalance_before - n_ranks) < 1.0e-6_c_double, 'imbalance before')
        call hold(info%imbalance_after < 1.06_c_double, 'imbalance after')
        call hold(n_ranks < 3 .or. info%cut_after < 4 * n_ranks, 'cut')
        if (rank > 0) return
        do to = 1, n_ranks - 1
            call hold(abs(count(ranks == to) - each) <= 3, 'first weight')
            call hold(abs(count(ranks == to .and. mod(ids, 2_c_int64_t) == 1) - each / 2) <= 3, 'second weight')
        end do
        if (size(ids) > 1) call hold(all(ids(2:) > ids(:size(ids) - 1)), 'the order of ids')
    end subroutine plan_objects

    subroutine refused_objects()
        integer(c_int64_t), allocatable :: ids(:)
        integer(c_int), allocatable :: ranks(:)
        integer :: code, which

        do which = 1, 5
            failing = merge(which, 0, rank == 0)
            code = ffmk_balance_query(MPI_COMM_WORLD%MPI_VAL, count_ring, list_ring, ids, ranks, n_weights=2, &
                                      position=place_ring, link_count=count_links, links=list_links)
            call hold(code == FFMK_ERR_CALLBACK .and. size(ids) == 0, 'a callback failed')
        end do
        failing = 0
        code = ffmk_balance_query(MPI_COMM_WORLD%MPI_VAL, count_ring, list_ring, ids, ranks, n_weights=2, links=list_links)
        call hold(code == FFMK_ERR_ARGUMENT .and. size(ranks) == 0, 'links without their count')
    end subroutine refused_objects
end program plans

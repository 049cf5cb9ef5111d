! SPDX-License-Identifier: BSD-3-Clause
! A peak wanders over [0, 1] and is integrated at every step, in panels. Those under the peak cost far more than the
! others, so ffmk moves panels between ranks. Fortran 2008 with mpi_f08 and the module `ffmk`.
program peak
    use, intrinsic :: iso_c_binding
    use mpi_f08
    use ffmk
    use peak_panels
    implicit none

    integer, parameter :: steps = 60, every = 5
    real(c_double), parameter :: width = 0.05_c_double
    type(ffmk_items) :: items
    type(ffmk_balance_info) :: info
    real(c_double) :: exact, total, before, after
    integer :: rank, n_ranks, number, step, moved, times

    call MPI_Init()
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, n_ranks)
    call register()

    exact = 0
    before = 0
    after = 0
    moved = 0
    times = 0
    do step = 1, steps
        call check(ffmk_region_begin('integrate'))
        do number = 1, n_panels
            if (here(number)) call integrate(number, centre_at(step), width)
        end do
        call check(ffmk_region_end('integrate'))
        exact = exact + (atan((1 - centre_at(step)) / width) + atan(centre_at(step) / width)) / width

        if (mod(step, every) == 0) call balance()
    end do
    call report()
    call check(ffmk_items_destroy(items))
    call MPI_Finalize()

contains

    !> Where the peak stands: from left to right.
    pure function centre_at(step) result(centre)
        integer, intent(in) :: step
        real(c_double) :: centre

        centre = 0.1_c_double + 0.8_c_double * step / steps
    end function centre_at

    !> End the job with a line when a call failed.
    subroutine check(code)
        integer, intent(in) :: code

        if (code == FFMK_SUCCESS) return
        write (*, '(2a)') 'peak: ', ffmk_strerror(code)
        call MPI_Abort(MPI_COMM_WORLD, 1)
    end subroutine check

    !> Every rank begins with an equal share of panels, side by side; a panel is linked to those beside it.
    subroutine register()
        type(ffmk_link) :: links(2)
        integer :: first, last

        call check(ffmk_items_create(MPI_COMM_WORLD%MPI_VAL, items, pack_panel, unpack_panel, drop_panel))
        do number = 1, n_panels
            here(number) = (number - 1) * n_ranks / n_panels == rank
            if (.not. here(number)) cycle
            links = [ffmk_link(number - 1, 1), ffmk_link(number + 1, 1)]
            first = merge(2, 1, number == 1)
            last = merge(1, 2, number == n_panels)
            call check(ffmk_items_add(items, int(number, c_int64_t), 1.0_c_double, panel_bytes, links(first:last), &
                                      [real(number, c_double), 0.0_c_double, 0.0_c_double]))
        end do
    end subroutine register

    subroutine balance()
        do number = 1, n_panels
            if (.not. here(number)) cycle
            call check(ffmk_items_set_weight(items, int(number, c_int64_t), real(panels(number)%evaluations, c_double)))
        end do
        call check(ffmk_rebalance(items, info))
        panels%evaluations = 0
        before = before + info%imbalance_before
        after = after + info%imbalance_after
        moved = moved + int(info%items_moved)
        times = times + 1
    end subroutine balance

    !> Every panel is owned by one rank, so the sum over what each rank owns is the whole.
    subroutine report()
        integer :: owned

        owned = count(here)
        total = sum(panels%total, mask=here)
        call MPI_Allreduce(MPI_IN_PLACE, owned, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD)
        call MPI_Allreduce(MPI_IN_PLACE, total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
        if (rank == 0) then
            write (*, '(a, f0.9, a, f0.9)') 'integral   ', total, ', exactly ', exact
            write (*, '(a, i0, a, i0, a)') 'panels     ', owned, ' at the end, ', moved, ' moved on the way'
            write (*, '(a, f0.2, a, f0.2, a)') 'imbalance  from ', before / times, ' to ', after / times, ' on average'
        end if
        if (owned /= n_panels .or. abs(total - exact) > 1.0e-6_c_double) then
            if (rank == 0) write (*, '(a)') 'peak: the result is wrong'
            call MPI_Abort(MPI_COMM_WORLD, 1)
        end if
    end subroutine report
end program peak

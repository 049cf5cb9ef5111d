! SPDX-License-Identifier: BSD-3-Clause
! Proves that the module `ffmk` hands the collective operations on as they are: buffers of the usual types, sums of them,
! handles, in place, what the information tells, and a refusal.
program collectives
    use, intrinsic :: iso_c_binding
    use mpi_f08
    use ffmk
    implicit none

    real(c_double), target :: field(1000)
    real, target :: single(3)
    integer, target :: whole, total
    logical, target :: flag
    character(len=12), target :: text
    complex(c_double_complex), target :: z
    integer(c_int) :: dead(4)
    integer :: rank, n_ranks, root, code, count, world
    type(ffmk_collective_info) :: info

    dead = -1
    count = -1
    code = ffmk_comm_dead(0, dead, count)
    if (code /= FFMK_ERR_STATE .or. count /= -1) error stop 'before MPI_Init'
    call MPI_Init()
    world = MPI_COMM_WORLD%MPI_VAL
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, n_ranks)

    do root = 0, n_ranks - 1
        field = merge(1.5_c_double * root, -1.0_c_double, rank == root)
        single = merge(2.5 * root, -1.0, rank == root)
        flag = rank == root
        text = merge('from root   ', 'not yet here', rank == root)
        z = merge((1.0_c_double, 2.0_c_double), (0.0_c_double, 0.0_c_double), rank == root)
        call expect(ffmk_bcast(c_loc(field), 1000_c_int64_t, MPI_DOUBLE_PRECISION%MPI_VAL, root, world, info))
        call expect(ffmk_bcast(c_loc(single), 3_c_int64_t, MPI_REAL%MPI_VAL, root, world))
        call expect(ffmk_bcast(c_loc(flag), 1_c_int64_t, MPI_LOGICAL%MPI_VAL, root, world))
        call expect(ffmk_bcast(c_loc(text), 12_c_int64_t, MPI_CHARACTER%MPI_VAL, root, world))
        call expect(ffmk_bcast(c_loc(z), 1_c_int64_t, MPI_DOUBLE_COMPLEX%MPI_VAL, root, world))
        call hold(all(abs(field - 1.5_c_double * root) <= 0) .and. all(abs(single - 2.5 * root) <= 0), 'numbers')
        call hold(flag .and. text == 'from root' .and. abs(z - (1.0_c_double, 2.0_c_double)) <= 0, 'the rest')
    end do
    call hold(info%algorithm == 'shared memory' .or. info%algorithm == 'MPI', 'algorithm')
    call hold(info%time_s >= 0 .and. info%messages == 0 .and. info%dead == 0, 'information')

    call expect(ffmk_barrier(world, info))
    whole = rank + 1
    total = -1
    call expect(ffmk_allreduce(c_loc(whole), c_loc(total), 1_c_int64_t, MPI_INTEGER%MPI_VAL, MPI_SUM%MPI_VAL, world, info))
    call hold(total == n_ranks * (n_ranks + 1) / 2, 'a sum')
    call expect(ffmk_allreduce(c_null_ptr, c_loc(whole), 1_c_int64_t, MPI_INTEGER%MPI_VAL, MPI_MAX%MPI_VAL, world))
    call hold(whole == n_ranks, 'in place')

    call hold(ffmk_bcast(c_loc(whole), 1_c_int64_t, MPI_INTEGER%MPI_VAL, n_ranks, world) == FFMK_ERR_ARGUMENT, 'refused')
    call expect(ffmk_comm_dead(world, dead, count))
    call hold(count == 0 .and. all(dead == -1), 'nobody is dead')
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
        write (*, '(2a)') 'collectives: ', what
        call MPI_Abort(MPI_COMM_WORLD, 1)
    end subroutine hold
end program collectives

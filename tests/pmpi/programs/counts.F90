! SPDX-License-Identifier: BSD-3-Clause
! A program that makes many different MPI calls through one of Fortran's three faces (MPIF_H, USE_MPI, USE_F08) and
! keeps its own account of them: counts STEM.
#ifdef USE_F08
#define HANDLE(kind) type(kind)
#else
#define HANDLE(kind) integer
#endif

module account
    implicit none
    private
    public :: note, write_account
    character(len=32) :: names(400)
    integer :: counts(400) = 0, bytes(400) = 0, n = 0
contains
    ! Note one call that moves `moved` bytes.
    subroutine note(name, moved)
        character(len=*), intent(in) :: name
        integer, intent(in) :: moved
        integer :: i
        do i = 1, n
            if (names(i) == name) exit
        end do
        if (i > n) then
            n = i
            names(i) = name
        end if
        counts(i) = counts(i) + 1
        bytes(i) = bytes(i) + moved
    end subroutine note

    subroutine write_account(stem, rank)
        character(len=*), intent(in) :: stem
        integer, intent(in) :: rank
        character(len=12) :: text
        integer :: i, unit
        write (text, '(i0)') rank
        open (newunit=unit, file=trim(stem)//'.'//trim(text), action='write', status='replace')
        do i = 1, n
            write (unit, '(a,a,i0,1x,i0)') trim(names(i)), ' f ', counts(i), bytes(i)
        end do
        close (unit)
    end subroutine write_account
end module account

program counted
#ifdef USE_F08
    use mpi_f08
#elif defined(USE_MPI)
    use mpi
#endif
    use account
    implicit none
#ifdef MPIF_H
    include 'mpif.h'
#endif
    integer, parameter :: INTS = 4
    integer :: rank, size, left, right, error, provided
    character(len=512) :: stem
    call get_command_argument(1, stem)

    call note('MPI_Init_thread', 0)
    call MPI_Init_thread(MPI_THREAD_SINGLE, provided, error)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
    call MPI_Comm_size(MPI_COMM_WORLD, size, error)
    right = mod(rank + 1, size)
    left = mod(rank + size - 1, size)

    call point_to_point()
    call completions()
    call persistent()
    call collectives()
    call communicators()
    call windows()
    call files()
    call datatypes()
#ifdef HAVE_LARGE
    call large()
#endif
#ifdef USE_F08
    call without_error()
#endif
    call note('MPI_Pcontrol', 0)
    call MPI_Pcontrol(1)
    call note('MPI_Pcontrol', 0)
    call MPI_Pcontrol(7)
    call note('MPI_Barrier', 0)
    call MPI_Barrier(MPI_COMM_WORLD, error)
    call note('MPI_Pcontrol', 0)
    call MPI_Pcontrol(-7)
    call note('MPI_Finalize', 0)
    call MPI_Finalize(error)
    call write_account(stem, rank)

contains

    subroutine point_to_point()
        integer :: buf(INTS), got(INTS), mode
        logical :: flag
        HANDLE(MPI_Request) :: r, s
        HANDLE(MPI_Message) :: message
#ifdef USE_F08
        type(MPI_Status) :: status
#else
        integer :: status(MPI_STATUS_SIZE)
#endif
        buf = rank
        do mode = 1, 6
            call note('MPI_Irecv', 16)
            call MPI_Irecv(got, INTS, MPI_INTEGER, left, mode, MPI_COMM_WORLD, r, error)
            call note('MPI_Barrier', 0)
            call MPI_Barrier(MPI_COMM_WORLD, error)
            s = MPI_REQUEST_NULL
            select case (mode)
            case (1)
                call note('MPI_Send', 16)
                call MPI_Send(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, error)
            case (2)
                call note('MPI_Ssend', 16)
                call MPI_Ssend(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, error)
            case (3)
                call note('MPI_Rsend', 16)
                call MPI_Rsend(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, error)
            case (4)
                call note('MPI_Isend', 16)
                call MPI_Isend(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, s, error)
            case (5)
                call note('MPI_Issend', 16)
                call MPI_Issend(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, s, error)
            case (6)
                call note('MPI_Irsend', 16)
                call MPI_Irsend(buf, INTS, MPI_INTEGER, right, mode, MPI_COMM_WORLD, s, error)
            end select
            call note('MPI_Wait', 0)
            call MPI_Wait(r, status, error)
            call note('MPI_Wait', 0)
            call MPI_Wait(s, MPI_STATUS_IGNORE, error)
        end do
        call note('MPI_Sendrecv', 8)
        call MPI_Sendrecv(buf, 2, MPI_INTEGER, right, 7, got, INTS, MPI_INTEGER, left, 7, MPI_COMM_WORLD, status, error)
        call note('MPI_Sendrecv_replace', 16)
        call MPI_Sendrecv_replace(buf, INTS, MPI_INTEGER, right, 8, left, 8, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
        call note('MPI_Send', 0)
        call MPI_Send(buf, INTS, MPI_INTEGER, MPI_PROC_NULL, 9, MPI_COMM_WORLD, error)

        do mode = 1, 4
            call note('MPI_Isend', 4)
            call MPI_Isend(buf, 1, MPI_INTEGER, right, mode, MPI_COMM_WORLD, s, error)
            call note('MPI_Request_free', 0)
            call MPI_Request_free(s, error)
        end do
        call note('MPI_Probe', 0)
        call MPI_Probe(left, 1, MPI_COMM_WORLD, status, error)
        call note('MPI_Recv', 4)
        call MPI_Recv(got, 1, MPI_INTEGER, left, 1, MPI_COMM_WORLD, status, error)
        flag = .false.
        do while (.not. flag)
            call note('MPI_Iprobe', 0)
            call MPI_Iprobe(left, 2, MPI_COMM_WORLD, flag, MPI_STATUS_IGNORE, error)
        end do
        call note('MPI_Recv', 4)
        call MPI_Recv(got, 1, MPI_INTEGER, left, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)
        call note('MPI_Mprobe', 0)
        call MPI_Mprobe(left, 3, MPI_COMM_WORLD, message, status, error)
        call note('MPI_Mrecv', 4)
        call MPI_Mrecv(got, 1, MPI_INTEGER, message, status, error)
        flag = .false.
        do while (.not. flag)
            call note('MPI_Improbe', 0)
            call MPI_Improbe(left, 4, MPI_COMM_WORLD, flag, message, status, error)
        end do
        call note('MPI_Imrecv', 4)
        call MPI_Imrecv(got, 1, MPI_INTEGER, message, r, error)
        call note('MPI_Wait', 0)
        call MPI_Wait(r, status, error)
    end subroutine point_to_point

    subroutine completions()
        integer :: buf(2), got(2), kind, i, done, indices(2), which, total
        logical :: flag
        HANDLE(MPI_Request) :: r(2)
#ifdef USE_F08
        type(MPI_Status) :: status
#else
        integer :: status(MPI_STATUS_SIZE)
#endif
        buf = rank
        do kind = 1, 8
            do i = 1, 2
                call note('MPI_Irecv', 4)
                call MPI_Irecv(got(i), 1, MPI_INTEGER, left, i, MPI_COMM_WORLD, r(i), error)
            end do
            do i = 1, 2
                call note('MPI_Send', 4)
                call MPI_Send(buf(i), 1, MPI_INTEGER, right, i, MPI_COMM_WORLD, error)
            end do
            total = 0
            flag = .false.
            select case (kind)
            case (1)
                do i = 1, 2
                    flag = .false.
                    do while (.not. flag)
                        call note('MPI_Test', 0)
                        call MPI_Test(r(i), flag, status, error)
                    end do
                end do
            case (2)
                do while (.not. flag)
                    call note('MPI_Testall', 0)
                    call MPI_Testall(2, r, flag, MPI_STATUSES_IGNORE, error)
                end do
            case (3)
                do while (total < 2)
                    call note('MPI_Testany', 0)
                    call MPI_Testany(2, r, which, flag, status, error)
                    if (flag) total = total + 1
                end do
            case (4)
                do while (total < 2)
                    call note('MPI_Testsome', 0)
                    call MPI_Testsome(2, r, done, indices, MPI_STATUSES_IGNORE, error)
                    total = total + done
                end do
            case (5)
                do i = 1, 2
                    call note('MPI_Waitany', 0)
                    call MPI_Waitany(2, r, which, status, error)
                end do
            case (6)
                do while (total < 2)
                    call note('MPI_Waitsome', 0)
                    call MPI_Waitsome(2, r, done, indices, MPI_STATUSES_IGNORE, error)
                    total = total + done
                end do
            case (7)
                do while (.not. flag)
                    call note('MPI_Request_get_status', 0)
                    call MPI_Request_get_status(r(1), flag, status, error)
                end do
                call note('MPI_Waitall', 0)
                call MPI_Waitall(2, r, MPI_STATUSES_IGNORE, error)
            case (8)
                call note('MPI_Waitall', 0)
                call MPI_Waitall(2, r, MPI_STATUSES_IGNORE, error)
            end select
        end do
    end subroutine completions

    subroutine persistent()
        integer :: buf(INTS), got(INTS), i
        HANDLE(MPI_Request) :: r(2)
        buf = rank
        call note('MPI_Recv_init', 0)
        call MPI_Recv_init(got, INTS, MPI_INTEGER, left, 1, MPI_COMM_WORLD, r(1), error)
        call note('MPI_Send_init', 0)
        call MPI_Send_init(buf, INTS, MPI_INTEGER, right, 1, MPI_COMM_WORLD, r(2), error)
        do i = 1, 2
            call note('MPI_Startall', 16)
            call MPI_Startall(2, r, error)
            call note('MPI_Waitall', 0)
            call MPI_Waitall(2, r, MPI_STATUSES_IGNORE, error)
        end do
        call note('MPI_Start', 0)
        call MPI_Start(r(1), error)
        call note('MPI_Start', 16)
        call MPI_Start(r(2), error)
        call note('MPI_Waitall', 0)
        call MPI_Waitall(2, r, MPI_STATUSES_IGNORE, error)
        do i = 1, 2
            call note('MPI_Request_free', 0)
            call MPI_Request_free(r(i), error)
        end do
    end subroutine persistent

    subroutine collectives()
        integer :: buf(64), got(64), n(16), at(16), i, total
        HANDLE(MPI_Request) :: r
        buf = rank
        total = 0
        do i = 1, size
            n(i) = i
            at(i) = total
            total = total + i
        end do
        call note('MPI_Bcast', 12)
        call MPI_Bcast(buf, 3, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Gather', 8)
        call MPI_Gather(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Gatherv', 4*(rank + 1))
        call MPI_Gatherv(buf, rank + 1, MPI_INTEGER, got, n, at, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Scatter', 8)
        call MPI_Scatter(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Scatterv', 4*(rank + 1))
        call MPI_Scatterv(buf, n, at, MPI_INTEGER, got, rank + 1, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Allgather', 8)
        call MPI_Allgather(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Allgatherv', 4*(rank + 1))
        call MPI_Allgatherv(buf, rank + 1, MPI_INTEGER, got, n, at, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Alltoall', 8*size)
        call MPI_Alltoall(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Reduce', 8)
        call MPI_Reduce(buf, got, 2, MPI_INTEGER, MPI_SUM, 0, MPI_COMM_WORLD, error)
        call note('MPI_Allreduce', 8)
        call MPI_Allreduce(buf, got, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
        call note('MPI_Reduce_scatter', 4*total)
        call MPI_Reduce_scatter(buf, got, n, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
        call note('MPI_Scan', 8)
        call MPI_Scan(buf, got, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
        ! In place: what the receive arguments say of a rank's own part.
        call note('MPI_Allgather', 8)
        call MPI_Allgather(MPI_IN_PLACE, 0, MPI_INTEGER, got, 2, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Allgatherv', 4*(rank + 1))
        call MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_INTEGER, got, n, at, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Alltoall', 12*size)
        call MPI_Alltoall(MPI_IN_PLACE, 0, MPI_INTEGER, got, 3, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Allreduce', 8)
        call MPI_Allreduce(MPI_IN_PLACE, got, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
        if (rank == 0) then
            call note('MPI_Gather', 8)
            call MPI_Gather(MPI_IN_PLACE, 5, MPI_INTEGER, got, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
            call note('MPI_Scatter', 0)
            call MPI_Scatter(buf, 2, MPI_INTEGER, MPI_IN_PLACE, 5, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        else
            call note('MPI_Gather', 8)
            call MPI_Gather(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
            call note('MPI_Scatter', 8)
            call MPI_Scatter(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        end if
        call note('MPI_Iallreduce', 8)
        call MPI_Iallreduce(buf, got, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, r, error)
        call note('MPI_Wait', 0)
        call MPI_Wait(r, MPI_STATUS_IGNORE, error)
        call note('MPI_Ibcast', 8)
        call MPI_Ibcast(buf, 2, MPI_INTEGER, 0, MPI_COMM_WORLD, r, error)
        call note('MPI_Wait', 0)
        call MPI_Wait(r, MPI_STATUS_IGNORE, error)
        call note('MPI_Ibarrier', 0)
        call MPI_Ibarrier(MPI_COMM_WORLD, r, error)
        call note('MPI_Wait', 0)
        call MPI_Wait(r, MPI_STATUS_IGNORE, error)
    end subroutine collectives

    subroutine communicators()
        HANDLE(MPI_Comm) :: a, b
        HANDLE(MPI_Group) :: group
        integer :: buf(8), got(8)
        buf = 0
        call note('MPI_Comm_dup', 0)
        call MPI_Comm_dup(MPI_COMM_WORLD, a, error)
        call note('MPI_Comm_split', 0)
        call MPI_Comm_split(a, 0, size - rank, b, error)
        call note('MPI_Bcast', 4)
        call MPI_Bcast(buf, 1, MPI_INTEGER, 0, b, error)
        call note('MPI_Comm_free', 0)
        call MPI_Comm_free(b, error)
        call MPI_Comm_group(MPI_COMM_WORLD, group, error)
        call note('MPI_Comm_create', 0)
        call MPI_Comm_create(a, group, b, error)
        call MPI_Group_free(group, error)
        call note('MPI_Comm_disconnect', 0)
        call MPI_Comm_disconnect(b, error)
        call note('MPI_Cart_create', 0)
        call MPI_Cart_create(a, 1, [size], [.true.], .false., b, error)
        call note('MPI_Neighbor_alltoall', 16)
        call MPI_Neighbor_alltoall(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, b, error)
        call note('MPI_Neighbor_allgather', 8)
        call MPI_Neighbor_allgather(buf, 2, MPI_INTEGER, got, 2, MPI_INTEGER, b, error)
        call note('MPI_Comm_free', 0)
        call MPI_Comm_free(b, error)
        call note('MPI_Comm_free', 0)
        call MPI_Comm_free(a, error)
    end subroutine communicators

    subroutine windows()
        integer :: memory(8), value, got
        integer(kind=MPI_ADDRESS_KIND) :: bytes, place
        HANDLE(MPI_Win) :: win
        bytes = 32
        place = 0
        memory = 0
        value = 1
        call note('MPI_Win_create', 0)
        call MPI_Win_create(memory, bytes, 4, MPI_INFO_NULL, MPI_COMM_WORLD, win, error)
        call note('MPI_Win_fence', 0)
        call MPI_Win_fence(0, win, error)
        call note('MPI_Put', 4)
        call MPI_Put(value, 1, MPI_INTEGER, right, place, 1, MPI_INTEGER, win, error)
        place = 1
        call note('MPI_Get', 4)
        call MPI_Get(got, 1, MPI_INTEGER, right, place, 1, MPI_INTEGER, win, error)
        call note('MPI_Win_fence', 0)
        call MPI_Win_fence(0, win, error)
        call note('MPI_Win_lock', 0)
        call MPI_Win_lock(MPI_LOCK_SHARED, right, 0, win, error)
        call note('MPI_Accumulate', 4)
        call MPI_Accumulate(value, 1, MPI_INTEGER, right, place, 1, MPI_INTEGER, MPI_SUM, win, error)
        call note('MPI_Fetch_and_op', 4)
        call MPI_Fetch_and_op(value, got, MPI_INTEGER, right, place, MPI_SUM, win, error)
        call note('MPI_Win_unlock', 0)
        call MPI_Win_unlock(right, win, error)
        call note('MPI_Win_free', 0)
        call MPI_Win_free(win, error)
    end subroutine windows

    subroutine files()
        integer :: buf(INTS)
        integer(kind=MPI_OFFSET_KIND) :: place, bytes
        HANDLE(MPI_File) :: file
#ifdef USE_F08
        type(MPI_Status) :: status
#else
        integer :: status(MPI_STATUS_SIZE)
#endif
        buf = rank
        place = 16*rank
        call note('MPI_File_open', 0)
        call MPI_File_open(MPI_COMM_WORLD, trim(stem)//'.file', MPI_MODE_RDWR + MPI_MODE_CREATE, MPI_INFO_NULL, file, error)
        call note('MPI_File_write_at', 16)
        call MPI_File_write_at(file, place, buf, INTS, MPI_INTEGER, status, error)
        call note('MPI_File_sync', 0)
        call MPI_File_sync(file, error)
        call note('MPI_File_read_at_all', 16)
        call MPI_File_read_at_all(file, place, buf, INTS, MPI_INTEGER, status, error)
        call note('MPI_File_get_size', 0)
        call MPI_File_get_size(file, bytes, error)
        place = 0
        call note('MPI_File_set_view', 0)
        call MPI_File_set_view(file, place, MPI_INTEGER, MPI_INTEGER, 'native', MPI_INFO_NULL, error)
        call note('MPI_File_close', 0)
        call MPI_File_close(file, error)
        call note('MPI_Barrier', 0)
        call MPI_Barrier(MPI_COMM_WORLD, error)
        if (rank == 0) then
            call note('MPI_File_delete', 0)
            call MPI_File_delete(trim(stem)//'.file', MPI_INFO_NULL, error)
        end if
    end subroutine files

    ! The same handle may name types of another size later on.
    subroutine datatypes()
        double precision :: data(32)
        integer :: n, position
        character(len=1) :: room(1024)
        HANDLE(MPI_Datatype) :: type
        data = 0
        do n = 1, 4
            call MPI_Type_contiguous(n, MPI_DOUBLE_PRECISION, type, error)
            call note('MPI_Type_commit', 0)
            call MPI_Type_commit(type, error)
            call note('MPI_Bcast', 16*n)
            call MPI_Bcast(data, 2, type, 0, MPI_COMM_WORLD, error)
            position = 0
            call note('MPI_Pack', 16*n)
            call MPI_Pack(data, 2, type, room, 1024, position, MPI_COMM_WORLD, error)
            position = 0
            call note('MPI_Unpack', 16*n)
            call MPI_Unpack(room, 1024, position, data, 2, type, MPI_COMM_WORLD, error)
            call note('MPI_Type_free', 0)
            call MPI_Type_free(type, error)
        end do
    end subroutine datatypes

#ifdef USE_F08
    ! ierror is optional in mpi_f08.
    subroutine without_error()
        integer :: buf(2), got(2)
        buf = 0
        call note('MPI_Barrier', 0)
        call MPI_Barrier(MPI_COMM_WORLD)
        call note('MPI_Allreduce', 8)
        call MPI_Allreduce(buf, got, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD)
        call note('MPI_Sendrecv', 8)
        call MPI_Sendrecv(buf, 2, MPI_INTEGER, right, 7, got, 2, MPI_INTEGER, left, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    end subroutine without_error
#endif

#ifdef HAVE_LARGE
    subroutine large()
        integer :: buf(64), got(64), i
        integer(kind=MPI_COUNT_KIND) :: two, n(16)
        integer(kind=MPI_ADDRESS_KIND) :: at(16)
        type(MPI_Request) :: r
        two = 2
        buf = 0
        do i = 1, size
            n(i) = 2
            at(i) = 2*(i - 1)
        end do
        call note('MPI_Irecv_c', 8)
        call MPI_Irecv(got, two, MPI_INTEGER, left, 1, MPI_COMM_WORLD, r, error)
        call note('MPI_Send_c', 8)
        call MPI_Send(buf, two, MPI_INTEGER, right, 1, MPI_COMM_WORLD, error)
        call note('MPI_Wait', 0)
        call MPI_Wait(r, MPI_STATUS_IGNORE, error)
        call note('MPI_Bcast_c', 8)
        call MPI_Bcast(buf, two, MPI_INTEGER, 0, MPI_COMM_WORLD, error)
        call note('MPI_Allreduce_c', 8)
        call MPI_Allreduce(buf, got, two, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
        call note('MPI_Allgatherv_c', 8)
        call MPI_Allgatherv(buf, two, MPI_INTEGER, got, n, at, MPI_INTEGER, MPI_COMM_WORLD, error)
        call note('MPI_Allgatherv_c', 8)
        call MPI_Allgatherv(MPI_IN_PLACE, two, MPI_INTEGER, got, n, at, MPI_INTEGER, MPI_COMM_WORLD, error)
    end subroutine large
#endif
end program counted

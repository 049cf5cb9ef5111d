! SPDX-License-Identifier: BSD-3-Clause
! The same through mpi_f08, whose MPICH passes C descriptors: whole arrays, and sections with gaps, which are given back
! element by element. Each rank writes what it has in the end into the file rank-<number>.
program languages_f08
  use mpi_f08
  implicit none
  character(len=16) :: name
  integer :: rank, ranks, i, sum, ierror
  integer :: numbers(5), matrix(4, 6), wide(2, 3, 4)
  double precision :: value, total(300)
  double precision :: values(300)
  integer :: begun(4, 6), most
  logical :: flag
  type(MPI_Request) :: requests(4)

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)

  numbers = 0
  if (rank == 0) numbers = [1, 2, 3, 4, 5]
  call MPI_Bcast(numbers, 5, MPI_INTEGER, 0, MPI_COMM_WORLD)
  sum = 0
  if (rank == ranks - 1) sum = 42
  call MPI_Bcast(sum, 1, MPI_INTEGER, ranks - 1, MPI_COMM_WORLD, ierror)
  if (ierror /= MPI_SUCCESS) stop 1
  matrix = 0
  wide = 0
  if (rank == 0) then
    matrix = reshape([(i, i = 1, 24)], [4, 6])
    wide = reshape([(i, i = 1, 24)], [2, 3, 4])
  end if
  call MPI_Bcast(matrix(:, 3:4), 8, MPI_INTEGER, 0, MPI_COMM_WORLD)
  if (MPI_SUBARRAYS_SUPPORTED) then
    call MPI_Bcast(matrix(2, :), 6, MPI_INTEGER, 0, MPI_COMM_WORLD)
    call MPI_Bcast(wide(1, ::2, 4:1:-1), 8, MPI_INTEGER, 0, MPI_COMM_WORLD)
  end if
  call MPI_Barrier(MPI_COMM_WORLD)

  value = rank + 1
  call MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
  values = [(dble(i + rank), i = 1, 300)]
  total = 0
  call MPI_Allreduce(values, total, 300, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)

  begun = 0
  most = 3 * rank + 1
  if (rank == 0) begun = reshape([(i * i, i = 1, 24)], [4, 6])
  call MPI_Ibcast(begun(:, 2:3), 8, MPI_INTEGER, 0, MPI_COMM_WORLD, requests(1))
  call MPI_Iallreduce(MPI_IN_PLACE, most, 1, MPI_INTEGER, MPI_MAX, MPI_COMM_WORLD, requests(2), ierror)
  call MPI_Ibarrier(MPI_COMM_WORLD, requests(3))
  requests(4) = MPI_REQUEST_NULL
  ! Sections are given back when they are complete, long after the call.
  if (MPI_SUBARRAYS_SUPPORTED) call MPI_Ibcast(begun(2, 4:6), 3, MPI_INTEGER, 0, MPI_COMM_WORLD, requests(4), ierror)
  flag = .not. MPI_SUBARRAYS_SUPPORTED ! Open MPI 4.1.4's never says that it is complete here
  do while (.not. flag)
    call MPI_Request_get_status(requests(2), flag, MPI_STATUS_IGNORE)
  end do
  call MPI_Waitall(4, requests, MPI_STATUSES_IGNORE, ierror)
  if (ierror /= MPI_SUCCESS) stop 2

  write (name, '(a, i0)') 'rank-', rank
  open (unit=10, file=name, action='write', status='replace')
  write (10, *) rank, numbers, sum, matrix, wide, value, total, begun, most
  close (10)
  call MPI_Finalize()
end program languages_f08

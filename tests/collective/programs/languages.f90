! SPDX-License-Identifier: BSD-3-Clause
! Broadcasts, barriers and reductions through `use mpi`: scalars, arrays, MPI_IN_PLACE, MPI_BOTTOM, derived datatypes.
! The nonblocking ones too. Each rank writes what it has in the end into the file rank-<number>.
program languages
  use mpi
  implicit none
  character(len=16) :: name
  integer :: ierror, rank, ranks, i, sum, op, type, lengths(2), types(2)
  integer(kind=MPI_ADDRESS_KIND) :: places(2)
  integer :: numbers(5), vector(20), column, matrix(4, 5)
  integer :: requests(4), begun(6), most
  double precision :: value, values(3000), total(3000)
  logical :: any
  character(len=8) :: word
  external :: digits

  call MPI_Init(ierror)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierror)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, ierror)

  numbers = 0
  if (rank == 0) numbers = [1, 2, 3, 4, 5]
  call MPI_Bcast(numbers, 5, MPI_INTEGER, 0, MPI_COMM_WORLD, ierror)
  if (ierror /= MPI_SUCCESS) stop 1
  word = 'nothing'
  if (rank == ranks - 1) word = 'a word'
  call MPI_Bcast(word, 8, MPI_CHARACTER, ranks - 1, MPI_COMM_WORLD, ierror)
  values = 0
  if (rank == 0) values = [(0.5d0 * i, i = 1, 3000)]
  call MPI_Bcast(values, 3000, MPI_DOUBLE_PRECISION, 0, MPI_COMM_WORLD, ierror)
  call MPI_Barrier(MPI_COMM_WORLD, ierror)
  if (ierror /= MPI_SUCCESS) stop 2

  value = rank + 1
  call MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, ierror)
  total = 0
  values = values + rank
  call MPI_Allreduce(values, total, 3000, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD, ierror)
  call MPI_Allreduce(rank == 1, any, 1, MPI_LOGICAL, MPI_LOR, MPI_COMM_WORLD, ierror)
  call MPI_Op_create(digits, .false., op, ierror)
  call MPI_Allreduce(rank + 1, sum, 1, MPI_INTEGER, op, MPI_COMM_WORLD, ierror)
  call MPI_Op_free(op, ierror)

  ! A row of a matrix, and two variables from MPI_BOTTOM.
  matrix = 0
  if (rank == 0) matrix = reshape([(i, i = 1, 20)], [4, 5])
  call MPI_Type_vector(5, 1, 4, MPI_INTEGER, type, ierror)
  call MPI_Type_commit(type, ierror)
  call MPI_Bcast(matrix(2, 1), 1, type, 0, MPI_COMM_WORLD, ierror)
  call MPI_Type_free(type, ierror)
  vector = 0
  column = 0
  if (rank == 0) then
    vector = [(i * i, i = 1, 20)]
    column = 77
  end if
  call MPI_Get_address(vector, places(1), ierror)
  call MPI_Get_address(column, places(2), ierror)
  lengths = [20, 1]
  types = MPI_INTEGER
  call MPI_Type_create_struct(2, lengths, places, types, type, ierror)
  call MPI_Type_commit(type, ierror)
  call MPI_Bcast(MPI_BOTTOM, 1, type, 0, MPI_COMM_WORLD, ierror)
  call MPI_Type_free(type, ierror)
  call touch(vector, column)

  begun = 0
  if (rank == 0) begun = [6, 5, 4, 3, 2, 1]
  most = 3 * rank + 1
  call MPI_Ibcast(begun, 6, MPI_INTEGER, 0, MPI_COMM_WORLD, requests(1), ierror)
  call MPI_Iallreduce(MPI_IN_PLACE, most, 1, MPI_INTEGER, MPI_MAX, MPI_COMM_WORLD, requests(2), ierror)
  call MPI_Ibarrier(MPI_COMM_WORLD, requests(3), ierror)
  call MPI_Iallreduce(values, total, 3000, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, requests(4), ierror)
  if (ierror /= MPI_SUCCESS) stop 3
  call MPI_Wait(requests(3), MPI_STATUS_IGNORE, ierror)
  call MPI_Waitall(4, requests, MPI_STATUSES_IGNORE, ierror)
  if (ierror /= MPI_SUCCESS .or. any_left(requests)) stop 4

  write (name, '(a, i0)') 'rank-', rank
  open (unit=10, file=name, action='write', status='replace')
  write (10, *) rank, numbers, word, value, total(3000), any, sum, matrix, vector, column, begun, most
  close (10)
  call MPI_Finalize(ierror)

contains

  logical function any_left(these)
    integer, intent(in) :: these(:)
    integer :: k
    any_left = .false.
    do k = 1, size(these)
      any_left = any_left .or. these(k) /= MPI_REQUEST_NULL
    end do
  end function any_left

  ! The compiler does not see that MPI_BOTTOM changed them.
  subroutine touch(a, b)
    integer, intent(inout) :: a(*), b
    integer, volatile :: one
    one = 1
    a(1) = a(1) * one
    b = b * one
  end subroutine touch
end program languages

! Not commutative: which digits in which order.
subroutine digits(in, inout, n, type)
  implicit none
  integer, intent(in) :: n, type
  integer, intent(in) :: in(n)
  integer, intent(inout) :: inout(n)
  integer :: i, weight
  do i = 1, n
    weight = 10
    do while (weight <= inout(i))
      weight = weight * 10
    end do
    inout(i) = in(i) * weight + inout(i)
  end do
  if (type == -12345) print *, 'never'
end subroutine digits

! SPDX-License-Identifier: BSD-3-Clause
! The module `ffmk`: the calls of ffmk.h for Fortran 2008. It needs no MPI module: a communicator, datatype or operation is
! handed over as the INTEGER of mpif.h and `use mpi`, and of a type(MPI_Comm) and its like of mpi_f08 as its component
! %MPI_VAL. Buffers are addresses, c_loc(array).
!
! Every function returns FFMK_SUCCESS (0) or a negative FFMK_ERR_*, which ffmk_strerror() explains; what each call does
! is told in ffmk.h. Where a C call takes a structure of inputs, the function here takes arguments.
module ffmk
    use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_funloc, c_funptr, c_int, &
        c_int64_t, c_loc, c_null_char, c_null_funptr, c_null_ptr, c_ptr, c_size_t, c_sizeof
    implicit none
    private

    integer, parameter, public :: FFMK_SUCCESS = 0
    integer, parameter, public :: FFMK_ERR_ARGUMENT = -1
    integer, parameter, public :: FFMK_ERR_STATE = -2
    integer, parameter, public :: FFMK_ERR_NO_MEMORY = -3
    integer, parameter, public :: FFMK_ERR_NO_ENGINE = -4
    integer, parameter, public :: FFMK_ERR_MPI = -5
    integer, parameter, public :: FFMK_ERR_DUPLICATE = -6
    integer, parameter, public :: FFMK_ERR_UNKNOWN_ITEM = -7
    integer, parameter, public :: FFMK_ERR_CALLBACK = -8
    integer, parameter, public :: FFMK_ERR_LIMIT = -9
    integer, parameter, public :: FFMK_ERR_IO = -10
    integer, parameter, public :: FFMK_ERR_FAILED = -11
    integer, parameter, public :: FFMK_ERR_EXCLUDED = -12
    integer, parameter, public :: FFMK_ERR_DEVICE = -13

    integer, parameter, public :: FFMK_WEIGHTS_MOST = 8

    !> Instead of seconds: what ffmk measured itself.
    real(c_double), parameter, public :: FFMK_MEASURED = -1.0e300_c_double

    public :: ffmk_version, ffmk_strerror, ffmk_region_begin, ffmk_region_end
    public :: ffmk_items_create, ffmk_items_destroy, ffmk_items_add, ffmk_items_remove
    public :: ffmk_items_set_weight, ffmk_items_set_weights, ffmk_items_set_pinned, ffmk_items_set_bytes
    public :: ffmk_items_set_capacity, ffmk_items_set_memory_limit, ffmk_items_set_options
    public :: ffmk_items_count, ffmk_items_ids, ffmk_items_link_ranks
    public :: ffmk_balance_plan, ffmk_rebalance, ffmk_migrate, ffmk_rebalance_if_worth, ffmk_balance_reason
    public :: ffmk_pack, ffmk_unpack, ffmk_drop
    public :: ffmk_balance_csr, ffmk_balance_query
    public :: ffmk_query_count, ffmk_query_list, ffmk_query_position, ffmk_query_link_count, ffmk_query_links
    public :: ffmk_bcast, ffmk_barrier, ffmk_allreduce, ffmk_comm_dead

    !> A registry of items.
    type, public :: ffmk_items
        private
        type(c_ptr) :: handle = c_null_ptr
    end type ffmk_items

    !> A link of an item to another one.
    type, bind(c), public :: ffmk_link
        integer(c_int64_t) :: id
        real(c_double) :: weight
    end type ffmk_link

    !> How to balance; begins with the defaults.
    type, public :: ffmk_balance_options
        real(c_double) :: imbalance = 1.05_c_double
        integer(c_int64_t) :: seed = 1
        integer :: max_rounds = 32
        real(c_double) :: conductance = 0.5_c_double
        real(c_double) :: migration_price = 0.05_c_double
        integer(c_size_t) :: min_items = 0
        logical :: calibrate = .false.
    end type ffmk_balance_options

    !> What a plan or a migration did; the library sets `struct_size`.
    type, bind(c), public :: ffmk_balance_info
        integer(c_size_t) :: struct_size = 0
        real(c_double) :: imbalance_before = 0
        real(c_double) :: imbalance_after = 0
        real(c_double) :: imbalance_bound = 0
        real(c_double) :: cut_before = 0
        real(c_double) :: cut_after = 0
        integer(c_int64_t) :: items_moved = 0
        real(c_double) :: weight_moved = 0
        integer(c_int64_t) :: bytes_moved = 0
        integer(c_int64_t) :: items_kept = 0
        integer(c_int) :: rounds = 0
        real(c_double) :: plan_s = 0
        real(c_double) :: migrate_s = 0
        integer(c_int64_t) :: items_sent_here = 0
        integer(c_int64_t) :: items_received_here = 0
        integer(c_int) :: acted = 0
        real(c_double) :: lost_s = 0
        real(c_double) :: price_s = 0
        character(kind=c_char) :: reason(128) = c_null_char !< see ffmk_balance_reason
    end type ffmk_balance_info

    !> What a collective operation did, here.
    type, public :: ffmk_collective_info
        character(len=16) :: algorithm = ''
        integer(c_int64_t) :: messages = 0
        real(c_double) :: time_s = 0
        integer :: dead = 0
    end type ffmk_collective_info

    !> What the library calls to move an item; write them with bind(c). Each function returns 0, or another value for
    !> failure. `context` is the one given to ffmk_items_create.
    abstract interface
        function ffmk_pack(context, id, buffer, capacity, written) bind(c) result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
            type(c_ptr), value :: buffer
            integer(c_size_t), value :: capacity
            integer(c_size_t), intent(out) :: written
            integer(c_int) :: code
        end function ffmk_pack

        function ffmk_unpack(context, id, buffer, bytes) bind(c) result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
            type(c_ptr), value :: buffer
            integer(c_size_t), value :: bytes
            integer(c_int) :: code
        end function ffmk_unpack

        subroutine ffmk_drop(context, id) bind(c)
            import :: c_int64_t, c_ptr
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
        end subroutine ffmk_drop
    end interface

    !> What ffmk_balance_query asks of a program's objects; write them with bind(c). Each returns 0, or another value for
    !> failure. `context` is the one given to ffmk_balance_query.
    abstract interface
        !> How many objects this rank has.
        function ffmk_query_count(context, n) bind(c) result(code)
            import :: c_int, c_ptr, c_size_t
            type(c_ptr), value :: context
            integer(c_size_t), intent(out) :: n
            integer(c_int) :: code
        end function ffmk_query_count

        !> Their ids, and the weights of one after the other, n_weights of each.
        function ffmk_query_list(context, n, ids, weights) bind(c) result(code)
            import :: c_double, c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: context
            integer(c_size_t), value :: n
            integer(c_int64_t), intent(inout) :: ids(n)
            real(c_double), intent(inout) :: weights(*)
            integer(c_int) :: code
        end function ffmk_query_list

        function ffmk_query_position(context, id, position) bind(c) result(code)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
            real(c_double), intent(inout) :: position(3)
            integer(c_int) :: code
        end function ffmk_query_position

        !> How many links an object has.
        function ffmk_query_link_count(context, id, n) bind(c) result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
            integer(c_size_t), intent(out) :: n
            integer(c_int) :: code
        end function ffmk_query_link_count

        !> Which; each is listed at both its ends, with the same weight.
        function ffmk_query_links(context, id, n, links) bind(c) result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t, ffmk_link
            type(c_ptr), value :: context
            integer(c_int64_t), value :: id
            integer(c_size_t), value :: n
            type(ffmk_link), intent(inout) :: links(n)
            integer(c_int) :: code
        end function ffmk_query_links
    end interface

    ! The structures of ffmk.h that stay behind the arguments.

    type, bind(c) :: c_item
        integer(c_size_t) :: struct_size
        integer(c_int64_t) :: id
        real(c_double) :: weight
        integer(c_size_t) :: bytes
        integer(c_size_t) :: n_links
        type(c_ptr) :: links
        type(c_ptr) :: position
        integer(c_size_t) :: n_weights
        type(c_ptr) :: weights
        integer(c_int) :: pinned
    end type c_item

    type, bind(c) :: c_item_ops
        integer(c_size_t) :: struct_size
        type(c_funptr) :: pack
        type(c_funptr) :: unpack
        type(c_funptr) :: drop
    end type c_item_ops

    type, bind(c) :: c_balance_options
        integer(c_size_t) :: struct_size
        real(c_double) :: imbalance
        integer(c_int64_t) :: seed
        integer(c_int) :: max_rounds
        real(c_double) :: conductance
        real(c_double) :: migration_price
        integer(c_size_t) :: min_items
        integer(c_int) :: calibrate
    end type c_balance_options

    type, bind(c) :: c_csr
        integer(c_size_t) :: struct_size
        type(c_ptr) :: vtxdist
        type(c_ptr) :: xadj
        type(c_ptr) :: adjncy
        type(c_ptr) :: adjwgt
        integer(c_int) :: ncon
        type(c_ptr) :: vwgt
        type(c_ptr) :: xyz
        integer(c_int) :: nparts
        type(c_ptr) :: tpwgts
    end type c_csr

    type, bind(c) :: c_query
        integer(c_size_t) :: struct_size
        type(c_ptr) :: context
        integer(c_size_t) :: n_weights
        type(c_funptr) :: count
        type(c_funptr) :: list
        type(c_funptr) :: position
        type(c_funptr) :: link_count
        type(c_funptr) :: links
    end type c_query

    type, bind(c) :: c_exports
        integer(c_size_t) :: struct_size
        integer(c_size_t) :: n
        type(c_ptr) :: ids
        type(c_ptr) :: ranks
    end type c_exports

    type, bind(c) :: c_collective_info
        integer(c_size_t) :: struct_size
        type(c_ptr) :: algorithm
        integer(c_int64_t) :: messages
        real(c_double) :: time_s
        integer(c_int) :: dead
    end type c_collective_info

    interface
        function c_version() bind(c, name='ffmk_version') result(text)
            import :: c_ptr
            type(c_ptr) :: text
        end function c_version

        function c_strerror(code) bind(c, name='ffmk_strerror') result(text)
            import :: c_int, c_ptr
            integer(c_int), value :: code
            type(c_ptr) :: text
        end function c_strerror

        function c_strlen(text) bind(c, name='strlen') result(length)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: text
            integer(c_size_t) :: length
        end function c_strlen

        function c_region_begin(name) bind(c, name='ffmk_region_begin') result(code)
            import :: c_char, c_int
            character(kind=c_char), intent(in) :: name(*)
            integer(c_int) :: code
        end function c_region_begin

        function c_region_end(name) bind(c, name='ffmk_region_end') result(code)
            import :: c_char, c_int
            character(kind=c_char), intent(in) :: name(*)
            integer(c_int) :: code
        end function c_region_end

        function c_items_create(comm, ops, context, items) bind(c, name='ffmk_items_create_f') result(code)
            import :: c_int, c_ptr
            integer(c_int), value :: comm
            type(c_ptr), value :: ops
            type(c_ptr), value :: context
            type(c_ptr), intent(inout) :: items
            integer(c_int) :: code
        end function c_items_create

        function c_items_destroy(items) bind(c, name='ffmk_items_destroy') result(code)
            import :: c_int, c_ptr
            type(c_ptr), value :: items
            integer(c_int) :: code
        end function c_items_destroy

        function c_items_add(items, item) bind(c, name='ffmk_items_add') result(code)
            import :: c_int, c_item, c_ptr
            type(c_ptr), value :: items
            type(c_item), intent(in) :: item
            integer(c_int) :: code
        end function c_items_add

        function c_items_remove(items, id) bind(c, name='ffmk_items_remove') result(code)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            integer(c_int) :: code
        end function c_items_remove

        function c_items_set_weight(items, id, weight) bind(c, name='ffmk_items_set_weight') result(code)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            real(c_double), value :: weight
            integer(c_int) :: code
        end function c_items_set_weight

        function c_items_set_weights(items, id, n, weights) bind(c, name='ffmk_items_set_weights') result(code)
            import :: c_double, c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            integer(c_size_t), value :: n
            real(c_double), intent(in) :: weights(*)
            integer(c_int) :: code
        end function c_items_set_weights

        function c_items_set_pinned(items, id, pinned) bind(c, name='ffmk_items_set_pinned') result(code)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            integer(c_int), value :: pinned
            integer(c_int) :: code
        end function c_items_set_pinned

        function c_items_set_capacity(items, capacity) bind(c, name='ffmk_items_set_capacity') result(code)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: items
            real(c_double), value :: capacity
            integer(c_int) :: code
        end function c_items_set_capacity

        function c_items_set_memory_limit(items, bytes) bind(c, name='ffmk_items_set_memory_limit') result(code)
            import :: c_int, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_size_t), value :: bytes
            integer(c_int) :: code
        end function c_items_set_memory_limit

        function c_items_set_bytes(items, id, bytes) bind(c, name='ffmk_items_set_bytes') result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            integer(c_size_t), value :: bytes
            integer(c_int) :: code
        end function c_items_set_bytes

        function c_items_set_options(items, options) bind(c, name='ffmk_items_set_options') result(code)
            import :: c_balance_options, c_int, c_ptr
            type(c_ptr), value :: items
            type(c_balance_options), intent(in) :: options
            integer(c_int) :: code
        end function c_items_set_options

        function c_items_count(items, count) bind(c, name='ffmk_items_count') result(code)
            import :: c_int, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_size_t), intent(inout) :: count
            integer(c_int) :: code
        end function c_items_count

        function c_items_ids(items, ids, capacity) bind(c, name='ffmk_items_ids') result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_int64_t), intent(inout) :: ids(*)
            integer(c_size_t), value :: capacity
            integer(c_int) :: code
        end function c_items_ids

        function c_items_link_ranks(items, id, ranks, capacity) bind(c, name='ffmk_items_link_ranks') result(code)
            import :: c_int, c_int64_t, c_ptr, c_size_t
            type(c_ptr), value :: items
            integer(c_int64_t), value :: id
            integer(c_int), intent(inout) :: ranks(*)
            integer(c_size_t), value :: capacity
            integer(c_int) :: code
        end function c_items_link_ranks

        function c_balance_plan(items, destinations, info) bind(c, name='ffmk_balance_plan') result(code)
            import :: c_int, c_ptr, ffmk_balance_info
            type(c_ptr), value :: items
            integer(c_int), intent(inout) :: destinations(*)
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_balance_plan

        function c_rebalance(items, info) bind(c, name='ffmk_rebalance') result(code)
            import :: c_int, c_ptr, ffmk_balance_info
            type(c_ptr), value :: items
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_rebalance

        function c_migrate(items, destinations, info) bind(c, name='ffmk_migrate') result(code)
            import :: c_int, c_ptr, ffmk_balance_info
            type(c_ptr), value :: items
            integer(c_int), intent(in) :: destinations(*)
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_migrate

        function c_rebalance_if_worth(items, seconds, info) bind(c, name='ffmk_rebalance_if_worth') result(code)
            import :: c_double, c_int, c_ptr, ffmk_balance_info
            type(c_ptr), value :: items
            real(c_double), value :: seconds
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_rebalance_if_worth

        function c_balance_csr(comm, csr, n_vtxdist, n_vertices, options, part, info) &
            bind(c, name='ffmk_balance_csr_f') result(code)
            import :: c_balance_options, c_csr, c_int, c_int64_t, ffmk_balance_info
            integer(c_int), value :: comm
            type(c_csr), intent(in) :: csr
            integer(c_int64_t), value :: n_vtxdist
            integer(c_int64_t), value :: n_vertices
            type(c_balance_options), intent(in) :: options
            integer(c_int), intent(inout) :: part(*)
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_balance_csr

        function c_balance_query(comm, query, options, exports, info) bind(c, name='ffmk_balance_query_f') result(code)
            import :: c_balance_options, c_exports, c_int, c_query, ffmk_balance_info
            integer(c_int), value :: comm
            type(c_query), intent(in) :: query
            type(c_balance_options), intent(in) :: options
            type(c_exports), intent(inout) :: exports
            type(ffmk_balance_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_balance_query

        function c_exports_free(exports) bind(c, name='ffmk_exports_free') result(code)
            import :: c_exports, c_int
            type(c_exports), intent(inout) :: exports
            integer(c_int) :: code
        end function c_exports_free

        function c_bcast(buffer, count, datatype, root, comm, info) bind(c, name='ffmk_bcast_f') result(code)
            import :: c_collective_info, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: buffer
            integer(c_int64_t), value :: count
            integer(c_int), value :: datatype
            integer(c_int), value :: root
            integer(c_int), value :: comm
            type(c_collective_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_bcast

        function c_barrier(comm, info) bind(c, name='ffmk_barrier_f') result(code)
            import :: c_collective_info, c_int
            integer(c_int), value :: comm
            type(c_collective_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_barrier

        function c_allreduce(sendbuf, recvbuf, count, datatype, op, comm, info) &
            bind(c, name='ffmk_allreduce_f') result(code)
            import :: c_collective_info, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: sendbuf
            type(c_ptr), value :: recvbuf
            integer(c_int64_t), value :: count
            integer(c_int), value :: datatype
            integer(c_int), value :: op
            integer(c_int), value :: comm
            type(c_collective_info), intent(inout) :: info
            integer(c_int) :: code
        end function c_allreduce

        function c_comm_dead(comm, ranks, capacity, count) bind(c, name='ffmk_comm_dead_f') result(code)
            import :: c_int, c_size_t
            integer(c_int), value :: comm
            integer(c_int), intent(inout) :: ranks(*)
            integer(c_size_t), value :: capacity
            integer(c_size_t), intent(inout) :: count
            integer(c_int) :: code
        end function c_comm_dead
    end interface

contains

    !> A Fortran string out of a C one.
    function text_of(address) result(text)
        type(c_ptr), intent(in) :: address
        character(len=:), allocatable :: text
        character(kind=c_char), pointer :: letters(:)
        integer :: i

        call c_f_pointer(address, letters, [c_strlen(address)])
        allocate (character(len=size(letters)) :: text)
        do i = 1, size(letters)
            text(i:i) = letters(i)
        end do
    end function text_of

    !> The letters of a Fortran string without its trailing blanks, ended for C.
    pure function letters_of(text) result(letters)
        character(len=*), intent(in) :: text
        character(kind=c_char) :: letters(len_trim(text) + 1)
        integer :: i

        do i = 1, len_trim(text)
            letters(i) = text(i:i)
        end do
        letters(len_trim(text) + 1) = c_null_char
    end function letters_of

    function ffmk_version() result(text)
        character(len=:), allocatable :: text

        text = text_of(c_version())
    end function ffmk_version

    function ffmk_strerror(code) result(text)
        integer, intent(in) :: code
        character(len=:), allocatable :: text

        text = text_of(c_strerror(int(code, c_int)))
    end function ffmk_strerror

    !> Trailing blanks of `name` do not count.
    function ffmk_region_begin(name) result(code)
        character(len=*), intent(in) :: name
        integer :: code

        code = c_region_begin(letters_of(name))
    end function ffmk_region_begin

    function ffmk_region_end(name) result(code)
        character(len=*), intent(in) :: name
        integer :: code

        code = c_region_end(letters_of(name))
    end function ffmk_region_end

    !> Without pack, unpack and drop the registry is only planned, never moved. Collective.
    function ffmk_items_create(comm, items, pack, unpack, drop, context) result(code)
        integer, intent(in) :: comm
        type(ffmk_items), intent(out) :: items
        procedure(ffmk_pack), optional :: pack
        procedure(ffmk_unpack), optional :: unpack
        procedure(ffmk_drop), optional :: drop
        type(c_ptr), intent(in), optional :: context
        integer :: code
        type(c_item_ops), target :: ops
        type(c_ptr) :: ops_address, context_address

        ops = c_item_ops(c_sizeof(ops), c_null_funptr, c_null_funptr, c_null_funptr)
        ops_address = c_null_ptr
        if (present(pack)) ops%pack = c_funloc(pack)
        if (present(unpack)) ops%unpack = c_funloc(unpack)
        if (present(drop)) ops%drop = c_funloc(drop)
        if (present(pack) .or. present(unpack) .or. present(drop)) ops_address = c_loc(ops)
        context_address = c_null_ptr
        if (present(context)) context_address = context
        code = c_items_create(int(comm, c_int), ops_address, context_address, items%handle)
    end function ffmk_items_create

    !> Collective.
    function ffmk_items_destroy(items) result(code)
        type(ffmk_items), intent(inout) :: items
        integer :: code

        code = c_items_destroy(items%handle)
        items%handle = c_null_ptr
    end function ffmk_items_destroy

    !> With `weights`, `weight` does not count.
    function ffmk_items_add(items, id, weight, bytes, links, position, weights, pinned) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        real(c_double), intent(in) :: weight
        integer(c_size_t), intent(in) :: bytes
        type(ffmk_link), intent(in), optional, target, contiguous :: links(:)
        real(c_double), intent(in), optional, target :: position(3)
        real(c_double), intent(in), optional, target, contiguous :: weights(:)
        logical, intent(in), optional :: pinned
        integer :: code
        type(c_item) :: item

        item = c_item(c_sizeof(item), id, weight, bytes, 0, c_null_ptr, c_null_ptr, 0, c_null_ptr, 0)
        if (present(links)) then
            item%n_links = size(links, kind=c_size_t)
            if (size(links) > 0) item%links = c_loc(links)
        end if
        if (present(position)) item%position = c_loc(position)
        if (present(weights)) then
            item%n_weights = size(weights, kind=c_size_t)
            if (size(weights) > 0) item%weights = c_loc(weights)
        end if
        if (present(pinned)) item%pinned = merge(1_c_int, 0_c_int, pinned)
        code = c_items_add(items%handle, item)
    end function ffmk_items_add

    function ffmk_items_remove(items, id) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        integer :: code

        code = c_items_remove(items%handle, id)
    end function ffmk_items_remove

    function ffmk_items_set_weight(items, id, weight) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        real(c_double), intent(in) :: weight
        integer :: code

        code = c_items_set_weight(items%handle, id, weight)
    end function ffmk_items_set_weight

    function ffmk_items_set_weights(items, id, weights) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        real(c_double), intent(in), contiguous :: weights(:)
        integer :: code

        code = c_items_set_weights(items%handle, id, size(weights, kind=c_size_t), weights)
    end function ffmk_items_set_weights

    function ffmk_items_set_pinned(items, id, pinned) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        logical, intent(in) :: pinned
        integer :: code

        code = c_items_set_pinned(items%handle, id, merge(1_c_int, 0_c_int, pinned))
    end function ffmk_items_set_pinned

    function ffmk_items_set_capacity(items, capacity) result(code)
        type(ffmk_items), intent(in) :: items
        real(c_double), intent(in) :: capacity
        integer :: code

        code = c_items_set_capacity(items%handle, capacity)
    end function ffmk_items_set_capacity

    !> Without `bytes`, no limit.
    function ffmk_items_set_memory_limit(items, bytes) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_size_t), intent(in), optional :: bytes
        integer :: code
        integer(c_size_t) :: limit

        limit = -1 ! SIZE_MAX
        if (present(bytes)) limit = bytes
        code = c_items_set_memory_limit(items%handle, limit)
    end function ffmk_items_set_memory_limit

    function ffmk_items_set_bytes(items, id, bytes) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        integer(c_size_t), intent(in) :: bytes
        integer :: code

        code = c_items_set_bytes(items%handle, id, bytes)
    end function ffmk_items_set_bytes

    function ffmk_items_set_options(items, options) result(code)
        type(ffmk_items), intent(in) :: items
        type(ffmk_balance_options), intent(in) :: options
        integer :: code

        code = c_items_set_options(items%handle, options_of(options))
    end function ffmk_items_set_options

    !> The options as the library takes them; the defaults where there are none.
    function options_of(options) result(in_c)
        type(ffmk_balance_options), intent(in), optional :: options
        type(c_balance_options) :: in_c
        type(ffmk_balance_options) :: mine

        if (present(options)) mine = options
        in_c = c_balance_options(c_sizeof(in_c), mine%imbalance, mine%seed, int(mine%max_rounds, c_int), &
                                 mine%conductance, mine%migration_price, mine%min_items, &
                                 merge(1_c_int, 0_c_int, mine%calibrate))
    end function options_of

    function ffmk_items_count(items, count) result(code)
        type(ffmk_items), intent(in) :: items
        integer, intent(inout) :: count
        integer :: code
        integer(c_size_t) :: in_c

        in_c = 0
        code = c_items_count(items%handle, in_c)
        if (code == FFMK_SUCCESS) count = int(in_c)
    end function ffmk_items_count

    !> `ids` must have room for as many as ffmk_items_count says.
    function ffmk_items_ids(items, ids) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(inout), contiguous :: ids(:)
        integer :: code

        code = c_items_ids(items%handle, ids, size(ids, kind=c_size_t))
    end function ffmk_items_ids

    function ffmk_items_link_ranks(items, id, ranks) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int64_t), intent(in) :: id
        integer(c_int), intent(inout), contiguous :: ranks(:)
        integer :: code

        code = c_items_link_ranks(items%handle, id, ranks, size(ranks, kind=c_size_t))
    end function ffmk_items_link_ranks

    !> `destinations` must have room for as many as ffmk_items_count says; FFMK_ERR_LIMIT where it has not. Collective.
    function ffmk_balance_plan(items, destinations, info) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int), intent(inout) :: destinations(:)
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(ffmk_balance_info) :: mine
        integer(c_int), allocatable :: planned(:)
        integer :: count

        ! The call is made in any case: the other ranks are in it.
        count = 0
        code = ffmk_items_count(items, count)
        allocate (planned(count))
        mine%struct_size = c_sizeof(mine)
        code = c_balance_plan(items%handle, planned, mine)
        if (code == FFMK_SUCCESS .and. size(destinations) < count) code = FFMK_ERR_LIMIT
        if (code /= FFMK_SUCCESS) return
        destinations(:count) = planned
        if (present(info)) info = mine
    end function ffmk_balance_plan

    !> Collective.
    function ffmk_rebalance(items, info) result(code)
        type(ffmk_items), intent(in) :: items
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(ffmk_balance_info) :: mine

        mine%struct_size = c_sizeof(mine)
        code = c_rebalance(items%handle, mine)
        if (present(info)) info = mine
    end function ffmk_rebalance

    !> `destinations` must be for as many as ffmk_items_count says; FFMK_ERR_ARGUMENT where they are fewer. Collective.
    function ffmk_migrate(items, destinations, info) result(code)
        type(ffmk_items), intent(in) :: items
        integer(c_int), intent(in) :: destinations(:)
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(ffmk_balance_info) :: mine
        integer(c_int), allocatable :: wanted(:)
        integer :: count

        ! The call is made in any case: the other ranks are in it, and hear of a plan that leads to no rank.
        count = 0
        code = ffmk_items_count(items, count)
        allocate (wanted(count))
        wanted = -1
        if (size(destinations) >= count) wanted = destinations(:count)
        mine%struct_size = c_sizeof(mine)
        code = c_migrate(items%handle, wanted, mine)
        if (present(info)) info = mine
    end function ffmk_migrate

    !> Collective.
    function ffmk_rebalance_if_worth(items, seconds, info) result(code)
        type(ffmk_items), intent(in) :: items
        real(c_double), intent(in) :: seconds
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(ffmk_balance_info) :: mine

        mine%struct_size = c_sizeof(mine)
        code = c_rebalance_if_worth(items%handle, seconds, mine)
        if (present(info)) info = mine
    end function ffmk_rebalance_if_worth

    !> Why ffmk_rebalance_if_worth acted or did not.
    pure function ffmk_balance_reason(info) result(text)
        type(ffmk_balance_info), intent(in) :: info
        character(len=:), allocatable :: text
        integer :: i, length

        length = 0
        do while (length < size(info%reason))
            if (info%reason(length + 1) == c_null_char) exit
            length = length + 1
        end do
        allocate (character(len=length) :: text)
        do i = 1, length
            text(i:i) = info%reason(i)
        end do
    end function ffmk_balance_reason

    !> The plan alone, for who has arrays in the shape that ParMETIS takes. Vertices, entries of adjncy, and parts are
    !> numbered from vtxdist(1), 1 or 0, on. `adjncy`, `adjwgt`: an edge at both ends; `vwgt(ncon, n)`, `xyz(3, n)`: of the
    !> n = size(part) vertices here. Arrays whose sizes do not fit are refused. Lines
    !> about mistakes count from 0. Collective.
    function ffmk_balance_csr(comm, vtxdist, xadj, adjncy, part, nparts, adjwgt, vwgt, xyz, tpwgts, options, info) &
        result(code)
        integer, intent(in) :: comm
        integer(c_int64_t), intent(in) :: vtxdist(:), xadj(:), adjncy(:)
        integer(c_int), intent(inout) :: part(:)
        integer, intent(in) :: nparts
        real(c_double), intent(in), optional, target, contiguous :: adjwgt(:), vwgt(:, :), xyz(:, :), tpwgts(:)
        type(ffmk_balance_options), intent(in), optional :: options
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(c_csr) :: csr
        type(ffmk_balance_info) :: mine
        integer(c_int64_t), allocatable, target :: starts(:), edges(:), others(:)
        integer(c_int), allocatable :: parts(:)
        integer(c_int64_t) :: first, n, n_edges

        n = size(part, kind=c_int64_t)
        first = 0
        if (size(vtxdist) > 0) first = merge(1, 0, vtxdist(1) == 1)
        ! C numbers from 0.
        allocate (starts, source=vtxdist - first)
        allocate (edges, source=xadj - first)
        allocate (others, source=adjncy - first)
        allocate (parts, source=part - int(first, c_int))
        n_edges = size(others, kind=c_int64_t)
        csr = c_csr(c_sizeof(csr), address_of(starts), address_of(edges), address_of(others), c_null_ptr, 1, c_null_ptr, &
                    c_null_ptr, int(nparts, c_int), c_null_ptr)
        if (present(adjwgt)) csr%adjwgt = c_loc(adjwgt)
        if (present(vwgt)) csr%vwgt = c_loc(vwgt)
        if (present(vwgt)) csr%ncon = size(vwgt, 1, kind=c_int)
        if (present(xyz)) csr%xyz = c_loc(xyz)
        if (present(tpwgts)) csr%tpwgts = c_loc(tpwgts)
        ! The call is made in any case: the other ranks are in it, and hear of sizes that do not fit.
        if (n > 0 .or. size(edges) > 0) then
            if (size(edges) /= n + 1) then
                n = -1
            else if (edges(n + 1) > n_edges) then
                n = -1
            end if
        end if
        if (present(adjwgt)) n = merge(n, -1_c_int64_t, size(adjwgt) == size(adjncy))
        if (present(vwgt)) n = merge(n, -1_c_int64_t, size(vwgt, 2) == size(part))
        if (present(xyz)) n = merge(n, -1_c_int64_t, size(xyz, 1) == 3 .and. size(xyz, 2) == size(part))
        if (present(tpwgts)) n = merge(n, -1_c_int64_t, size(tpwgts) == nparts)
        mine%struct_size = c_sizeof(mine)
        code = c_balance_csr(int(comm, c_int), csr, size(starts, kind=c_int64_t), n, options_of(options), parts, mine)
        if (code /= FFMK_SUCCESS) return
        part = parts + int(first, c_int)
        if (present(info)) info = mine
    end function ffmk_balance_csr

    function address_of(numbers) result(address)
        integer(c_int64_t), intent(in), target, contiguous :: numbers(:)
        type(c_ptr) :: address

        address = c_null_ptr
        if (size(numbers) > 0) address = c_loc(numbers)
    end function address_of

    !> The plan alone, for who has callbacks, as Zoltan takes them: object ids(i) should leave this rank for ranks(i). Both
    !> have no elements where the call fails. Collective.
    function ffmk_balance_query(comm, count, list, ids, ranks, context, n_weights, position, link_count, links, options, &
                                info) result(code)
        integer, intent(in) :: comm
        procedure(ffmk_query_count) :: count
        procedure(ffmk_query_list) :: list
        integer(c_int64_t), allocatable, intent(out) :: ids(:)
        integer(c_int), allocatable, intent(out) :: ranks(:)
        type(c_ptr), intent(in), optional :: context
        integer, intent(in), optional :: n_weights
        procedure(ffmk_query_position), optional :: position
        procedure(ffmk_query_link_count), optional :: link_count
        procedure(ffmk_query_links), optional :: links
        type(ffmk_balance_options), intent(in), optional :: options
        type(ffmk_balance_info), intent(inout), optional :: info
        integer :: code
        type(c_query) :: query
        type(c_exports) :: exports
        type(ffmk_balance_info) :: mine
        integer(c_int64_t), pointer :: found_ids(:)
        integer(c_int), pointer :: found_ranks(:)
        integer :: freed

        query = c_query(c_sizeof(query), c_null_ptr, 0, c_funloc(count), c_funloc(list), c_null_funptr, c_null_funptr, &
                        c_null_funptr)
        if (present(context)) query%context = context
        if (present(n_weights)) query%n_weights = int(n_weights, c_size_t)
        if (present(position)) query%position = c_funloc(position)
        if (present(link_count)) query%link_count = c_funloc(link_count)
        if (present(links)) query%links = c_funloc(links)
        exports = c_exports(c_sizeof(exports), 0, c_null_ptr, c_null_ptr)
        mine%struct_size = c_sizeof(mine)
        code = c_balance_query(int(comm, c_int), query, options_of(options), exports, mine)
        allocate (ids(exports%n), ranks(exports%n))
        if (exports%n > 0) then
            call c_f_pointer(exports%ids, found_ids, [exports%n])
            call c_f_pointer(exports%ranks, found_ranks, [exports%n])
            ids = found_ids
            ranks = found_ranks
        end if
        freed = c_exports_free(exports)
        if (code == FFMK_SUCCESS) code = freed
        if (code == FFMK_SUCCESS .and. present(info)) info = mine
    end function ffmk_balance_query

    !> What an operation is to write into.
    function empty_info() result(info)
        type(c_collective_info) :: info

        info = c_collective_info(c_sizeof(info), c_null_ptr, 0, 0, 0)
    end function empty_info

    !> What it wrote, for the program.
    subroutine tell(told, info)
        type(c_collective_info), intent(in) :: told
        type(ffmk_collective_info), intent(inout), optional :: info

        if (.not. present(info)) return
        ! An operation that was refused tells nothing.
        if (.not. c_associated(told%algorithm)) return
        info = ffmk_collective_info(text_of(told%algorithm), told%messages, told%time_s, int(told%dead))
    end subroutine tell

    !> Collective.
    function ffmk_bcast(buffer, count, datatype, root, comm, info) result(code)
        type(c_ptr), intent(in) :: buffer
        integer(c_int64_t), intent(in) :: count
        integer, intent(in) :: datatype, root, comm
        type(ffmk_collective_info), intent(inout), optional :: info
        integer :: code
        type(c_collective_info) :: told

        told = empty_info()
        code = c_bcast(buffer, count, int(datatype, c_int), int(root, c_int), int(comm, c_int), told)
        call tell(told, info)
    end function ffmk_bcast

    !> Collective.
    function ffmk_barrier(comm, info) result(code)
        integer, intent(in) :: comm
        type(ffmk_collective_info), intent(inout), optional :: info
        integer :: code
        type(c_collective_info) :: told

        told = empty_info()
        code = c_barrier(int(comm, c_int), told)
        call tell(told, info)
    end function ffmk_barrier

    !> A `sendbuf` of c_null_ptr is MPI_IN_PLACE. Collective.
    function ffmk_allreduce(sendbuf, recvbuf, count, datatype, op, comm, info) result(code)
        type(c_ptr), intent(in) :: sendbuf, recvbuf
        integer(c_int64_t), intent(in) :: count
        integer, intent(in) :: datatype, op, comm
        type(ffmk_collective_info), intent(inout), optional :: info
        integer :: code
        type(c_collective_info) :: told

        told = empty_info()
        code = c_allreduce(sendbuf, recvbuf, count, int(datatype, c_int), int(op, c_int), int(comm, c_int), told)
        call tell(told, info)
    end function ffmk_allreduce

    !> `count` gets how many ranks are known to be dead; FFMK_ERR_LIMIT where `ranks` has not room for all.
    function ffmk_comm_dead(comm, ranks, count) result(code)
        integer, intent(in) :: comm
        integer(c_int), intent(inout), contiguous :: ranks(:)
        integer, intent(inout) :: count
        integer :: code
        integer(c_size_t) :: in_c

        in_c = int(count, c_size_t)
        code = c_comm_dead(int(comm, c_int), ranks, size(ranks, kind=c_size_t), in_c)
        if (code == FFMK_SUCCESS .or. code == FFMK_ERR_LIMIT) count = int(in_c)
    end function ffmk_comm_dead
end module ffmk

! SPDX-License-Identifier: BSD-3-Clause
! The panels of [0, 1] that this rank owns: their state, their integration, and how ffmk packs, unpacks and drops one.
module peak_panels
    use, intrinsic :: iso_c_binding
    implicit none
    private
    public :: panel, n_panels, panels, here, panel_bytes, integrate
    public :: pack_panel, unpack_panel, drop_panel

    integer, parameter :: n_panels = 256

    !> What a panel carries along: plain values, so that it travels as its bytes.
    type, bind(c) :: panel
        integer(c_int64_t) :: evaluations = 0 ! of the integrand since the last balancing: what the panel costs
        real(c_double) :: total = 0           ! of its integrals over all steps
    end type panel

    type(panel) :: panels(n_panels)
    logical :: here(n_panels) = .false. ! whether this rank owns it

    integer(c_size_t), parameter :: panel_bytes = storage_size(panel()) / 8

contains

    !> Add the panel's part of the integral of 1 / (width**2 + (x - centre)**2), by midpoint sums of twice as many
    !> points each until two agree: many under the peak, few beside it.
    subroutine integrate(number, centre, width)
        integer, intent(in) :: number
        real(c_double), intent(in) :: centre, width
        real(c_double), parameter :: tolerance = 1.0e-11_c_double
        integer, parameter :: most_points = 2**20
        real(c_double) :: before, now, step, x
        integer :: i, points

        points = 8
        now = huge(now)
        do
            before = now
            step = 1.0_c_double / (real(n_panels, c_double) * points)
            now = 0
            do i = 1, points
                x = real(number - 1, c_double) / n_panels + (i - 0.5_c_double) * step
                now = now + step / (width**2 + (x - centre)**2)
            end do
            panels(number)%evaluations = panels(number)%evaluations + points
            if (abs(now - before) < tolerance .or. points >= most_points) exit
            points = 2 * points
        end do
        panels(number)%total = panels(number)%total + now
    end subroutine integrate

    function pack_panel(context, id, buffer, capacity, written) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        type(c_ptr), value :: buffer
        integer(c_size_t), value :: capacity
        integer(c_size_t), intent(out) :: written
        integer(c_int) :: code
        integer(c_int8_t), pointer :: bytes(:)

        code = 1
        written = 0
        if (c_associated(context) .or. capacity < panel_bytes) return
        call c_f_pointer(buffer, bytes, [panel_bytes])
        bytes = transfer(panels(id), bytes)
        written = panel_bytes
        code = 0
    end function pack_panel

    function unpack_panel(context, id, buffer, bytes) bind(c) result(code)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id
        type(c_ptr), value :: buffer
        integer(c_size_t), value :: bytes
        integer(c_int) :: code
        integer(c_int8_t), pointer :: arrived(:)

        code = 1
        if (c_associated(context) .or. bytes /= panel_bytes) return
        call c_f_pointer(buffer, arrived, [bytes])
        panels(id) = transfer(arrived, panels(id))
        here(id) = .true.
        code = 0
    end function unpack_panel

    subroutine drop_panel(context, id) bind(c)
        type(c_ptr), value :: context
        integer(c_int64_t), value :: id

        if (c_associated(context)) return
        here(id) = .false.
    end subroutine drop_panel
end module peak_panels

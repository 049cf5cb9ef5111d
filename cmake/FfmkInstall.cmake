# What `cmake --install` puts where. Everything finds the rest from its own place, so a prefix may be moved.
#
#   include/ffmk.h                    bin/ffmk                  share/man/man{1,3,7}/
#   lib/ffmk/<mpi>/libffmk.so[.0[.1.0]], libffmk-engine.so      the library for one MPI
#   lib/libffmk.so, libffmk.so.0      links to the default MPI's: the first of FFMK_MPIS
#   lib/cmake/ffmk/                   find_package(ffmk CONFIG): ffmk::ffmk, ffmk::<mpi>
#   lib/pkgconfig/ffmk[-<mpi>].pc     pkg-config: ffmk (the default), ffmk-<mpi>
#   share/ffmk/fortran/               the module `ffmk` as source: a compiled one fits one compiler only

include(CMakePackageConfigHelpers)

install(FILES ${PROJECT_SOURCE_DIR}/include/ffmk.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS ffmk_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

foreach(mpi IN LISTS FFMK_MPIS)
  set(place ${CMAKE_INSTALL_LIBDIR}/ffmk/${mpi})
  target_include_directories(ffmk_doors_${mpi} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(ffmk_doors_${mpi} PROPERTIES EXPORT_NAME ${mpi})
  set_target_properties(ffmk_engine_${mpi} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ffmk_doors_${mpi} EXPORT ffmk-targets LIBRARY DESTINATION ${place})
  install(TARGETS ffmk_engine_${mpi} LIBRARY DESTINATION ${place})
endforeach()

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/links)
foreach(name libffmk.so libffmk.so.0)
  file(CREATE_LINK ffmk/${FFMK_DEFAULT_MPI}/${name} ${CMAKE_BINARY_DIR}/links/${name} SYMBOLIC)
  install(FILES ${CMAKE_BINARY_DIR}/links/${name} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()

# CMake package
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ffmk)
install(EXPORT ffmk-targets NAMESPACE ffmk:: DESTINATION ${package})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ffmk-config.cmake.in ${CMAKE_BINARY_DIR}/ffmk-config.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ffmk-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ffmk-config.cmake ${CMAKE_BINARY_DIR}/ffmk-config-version.cmake
  DESTINATION ${package})

# pkg-config; from the .pc file's own folder up to the prefix
file(RELATIVE_PATH FFMK_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" FFMK_PC_PREFIX ${FFMK_PC_PREFIX})
foreach(mpi IN LISTS FFMK_MPIS)
  set(FFMK_PC_MPI ${mpi})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/ffmk.pc.in ${CMAKE_BINARY_DIR}/ffmk-${mpi}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/ffmk-${mpi}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/ffmk-${FFMK_DEFAULT_MPI}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  RENAME ffmk.pc)

# Manual pages, and the Fortran module
foreach(section 1 3 7)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  # A page that tells of several calls is found by the name of each.
  foreach(page IN LISTS pages)
    get_filename_component(file ${page} NAME)
    file(STRINGS ${page} title REGEX "^ffmk_[a-z_]+, .* \\\\- ")
    string(REGEX MATCHALL "ffmk_[a-z_]+" names "${title}")
    foreach(name IN LISTS names)
      if(NOT "${name}.${section}" STREQUAL file)
        file(CREATE_LINK ${file} ${CMAKE_BINARY_DIR}/links/${name}.${section} SYMBOLIC)
        install(FILES ${CMAKE_BINARY_DIR}/links/${name}.${section} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
      endif()
    endforeach()
  endforeach()
endforeach()
file(GLOB module CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fortran/*.f90)
install(FILES ${module} DESTINATION ${CMAKE_INSTALL_DATADIR}/ffmk/fortran)

# Two kinds of tests.
#
# ffmk_unit_test(name SOURCES … [MPI mpi])   a Check program that sees the library's internals
# ffmk_mpi_test(name NP n MPI mpi COMMAND … [ENVIRONMENT …] [TIMEOUT s])   a program under a real launcher
#
# A test that cannot run here exits with 77 and prints why; CTest then says "Skipped".

find_package(PkgConfig REQUIRED)
pkg_check_modules(check REQUIRED IMPORTED_TARGET check)
add_custom_target(unit_tests)  # what `./dev asan` builds

function(ffmk_unit_test name)
  cmake_parse_arguments(arg "" "MPI;TIMEOUT" "SOURCES" ${ARGN})
  if(NOT arg_MPI)
    set(arg_MPI ${FFMK_DEFAULT_MPI})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ffmk_flags ffmk_static_${arg_MPI} PkgConfig::check)
  add_dependencies(unit_tests test_${name})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77 ENVIRONMENT "CK_VERBOSITY=normal")
endfunction()

function(ffmk_mpi_test name)
  cmake_parse_arguments(arg "" "NP;MPI;TIMEOUT" "COMMAND;ENVIRONMENT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  ffmk_launcher(${arg_MPI} ${arg_NP} launcher)
  add_test(NAME ${name} COMMAND ${launcher} ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    PROCESSORS 2 ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()

# Tests of programs under real launchers, told by a script that runs them with tests/pmpi/harness.py. The folder that
# includes this says in `area` what its targets' and tests' names begin with.
#
# ffmk_launched_settings(mpi)                                      what a script must know, as <mpi>.json
# ffmk_launched_program(name mpi [LIBRARY] SOURCES … [LINK …] [DEFINE …])   a C program or tool, once for each MPI
# ffmk_launched_test(name mpi script [arguments …])                <script>.py with these settings

find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(Threads REQUIRED)

function(ffmk_launched_program name mpi)
  cmake_parse_arguments(arg "LIBRARY" "" "SOURCES;LINK;DEFINE" ${ARGN})
  set(target ${area}_${name}_${mpi})
  if(arg_LIBRARY)
    add_library(${target} SHARED ${arg_SOURCES})
  else()
    add_executable(${target} ${arg_SOURCES})
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} C_VISIBILITY_PRESET default
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${mpi} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${mpi})
  target_compile_definitions(${target} PRIVATE ${arg_DEFINE})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/programs ${PROJECT_SOURCE_DIR}/tests)
  # MPI_STATUSES_IGNORE and its kin are addresses of no object: the compiler's guesses about them are wrong.
  target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-stringop-overread -Wno-unknown-warning-option)
  target_link_libraries(${target} PRIVATE ffmk_flags ${arg_LINK} ffmk_mpi_${mpi} Threads::Threads ${CMAKE_DL_LIBS})
  add_dependencies(${target} ffmk_doors_${mpi} ffmk_engine_${mpi} ffmk_command)
endfunction()

function(ffmk_launched_test name mpi script)
  add_test(NAME ${area}.${name}.${mpi}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/${script}.py ${CMAKE_CURRENT_BINARY_DIR}/${mpi}.json ${ARGN})
  set_tests_properties(${area}.${name}.${mpi} PROPERTIES TIMEOUT 600 PROCESSORS 2 SKIP_RETURN_CODE 77)
endfunction()

function(ffmk_launched_settings mpi)
  ffmk_launcher(${mpi} NP launcher)
  list(JOIN launcher "\", \"" launcher)
  get_target_property(library ffmk_mpi_${mpi} IMPORTED_LOCATION)
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${mpi}.json CONTENT "{
  \"mpi\": \"${mpi}\",
  \"launcher\": [\"${launcher}\"],
  \"programs\": \"${CMAKE_CURRENT_BINARY_DIR}/${mpi}\",
  \"work\": \"${CMAKE_CURRENT_BINARY_DIR}/work\",
  \"source\": \"${PROJECT_SOURCE_DIR}\",
  \"command\": \"$<TARGET_FILE:ffmk_command>\",
  \"doors\": \"$<TARGET_SONAME_FILE:ffmk_doors_${mpi}>\",
  \"libraries\": \"${CMAKE_BINARY_DIR}/lib/ffmk\",
  \"mpi_library\": \"${library}\",
  \"mpis\": \"${FFMK_MPIS}\",
  \"fortran\": \"${FFMK_MPIFORT_${mpi}}\",
  \"c\": \"${FFMK_MPICC_${mpi}}\",
  \"cxx\": \"${FFMK_MPICXX_${mpi}}\"
}
")
endfunction()

# Finds the MPIs to build for, by asking their compiler wrappers. FindMPI knows one MPI a build; ffmk is built for
# every one it finds, side by side.
#
# For each name in FFMK_MPIS (openmpi, mpich) there is then an imported target ffmk_mpi_<name> (include folders and
# library), FFMK_MPICC_<name>, FFMK_MPIEXEC_<name>, and FFMK_MPIFORT_<name> where Fortran works.

set(FFMK_MPICC "" CACHE STRING "MPI C compiler wrappers to build for; empty: those that are found")

set(candidates ${FFMK_MPICC})
if(NOT candidates)
  set(candidates mpicc.openmpi mpicc.mpich mpicc)
endif()

set(FFMK_MPIS "")
foreach(candidate IN LISTS candidates)
  unset(wrapper CACHE)
  find_program(wrapper NAMES ${candidate} NO_CACHE)
  if(NOT wrapper)
    continue()
  endif()
  execute_process(COMMAND ${wrapper} -show OUTPUT_VARIABLE shown ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    continue()
  endif()
  string(REGEX MATCHALL "-I *[^ ]+" includes "${shown}")
  list(TRANSFORM includes REPLACE "^-I *" "")
  string(REGEX MATCHALL "-L *[^ ]+" folders "${shown}")
  list(TRANSFORM folders REPLACE "^-L *" "")
  set(header "")
  foreach(folder IN LISTS includes)
    if(EXISTS ${folder}/mpi.h)
      file(STRINGS ${folder}/mpi.h vendor REGEX "define (OPEN_MPI|MPICH_VERSION|OMPI_MAJOR_VERSION) ")
      if(vendor MATCHES "OPEN_MPI|OMPI_MAJOR")
        set(header openmpi)
      elseif(vendor MATCHES "MPICH_VERSION")
        set(header mpich)
      endif()
    endif()
  endforeach()
  if(NOT header OR header IN_LIST FFMK_MPIS)
    continue()
  endif()
  if(header STREQUAL "openmpi")
    set(names mpi)
  else()
    set(names mpich mpi)
  endif()
  find_library(ffmk_library_${header} NAMES ${names} HINTS ${folders} NO_CACHE)
  if(NOT ffmk_library_${header})
    message(WARNING "${wrapper}: its library (${names}) is not in ${folders}; not building for it")
    continue()
  endif()
  # A wrapper called mpicc.openmpi has mpiexec.openmpi and mpifort.openmpi beside it.
  get_filename_component(wrapper_name ${wrapper} NAME)
  get_filename_component(wrapper_folder ${wrapper} DIRECTORY)
  string(REPLACE mpicc mpiexec launcher_name ${wrapper_name})
  string(REPLACE mpicc mpifort fortran_name ${wrapper_name})
  string(REPLACE mpicc mpicxx cxx_name ${wrapper_name})
  find_program(launcher NAMES ${launcher_name} HINTS ${wrapper_folder} NO_CACHE)
  find_program(fortran NAMES ${fortran_name} HINTS ${wrapper_folder} NO_CACHE)
  find_program(cxx NAMES ${cxx_name} HINTS ${wrapper_folder} NO_CACHE)
  set(FFMK_MPICC_${header} ${wrapper})
  set(FFMK_MPIEXEC_${header} ${launcher})
  set(FFMK_MPIFORT_${header} ${fortran})
  set(FFMK_MPICXX_${header} ${cxx})
  unset(launcher)
  unset(fortran)
  unset(cxx)

  add_library(ffmk_mpi_${header} SHARED IMPORTED GLOBAL)
  set_target_properties(ffmk_mpi_${header} PROPERTIES
    IMPORTED_LOCATION ${ffmk_library_${header}}
    INTERFACE_INCLUDE_DIRECTORIES "${includes}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${includes}")
  if(header STREQUAL "mpich")
    # MPICH's MPI_STATUSES_IGNORE is (MPI_Status *)1, which GCC takes for an array of no elements.
    target_compile_options(ffmk_mpi_${header} INTERFACE $<$<COMPILE_LANG_AND_ID:C,GNU>:-Wno-stringop-overflow>)
  endif()
  list(APPEND FFMK_MPIS ${header})
  message(STATUS "Building for ${header}: ${wrapper}, ${ffmk_library_${header}}")
  unset(wrapper)
endforeach()

if(NOT FFMK_MPIS)
  message(FATAL_ERROR "No MPI found. Install libopenmpi-dev or libmpich-dev (./dev does), or set FFMK_MPICC to the "
                      "path of an MPI C compiler wrapper.")
endif()
list(GET FFMK_MPIS 0 FFMK_DEFAULT_MPI)

# The launcher's words for np ranks of one MPI, into a list variable. Open MPI's treematch component hangs now and then in
# MPI_Dist_graph_create, without any tool as well (6 of 88 runs of tests/pmpi/programs/counts.c with three ranks).
function(ffmk_launcher mpi np variable)
  if(mpi STREQUAL "openmpi")
    set(${variable} ${FFMK_MPIEXEC_openmpi} --allow-run-as-root --oversubscribe --mca mpi_yield_when_idle 1
        --mca topo basic -np ${np} PARENT_SCOPE)
  else()
    set(${variable} ${FFMK_MPIEXEC_${mpi}} -n ${np} PARENT_SCOPE)
  endif()
endfunction()

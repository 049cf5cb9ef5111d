# The library once for each MPI, and the command.
#
#   core_<…>     rooms without MPI, shared by all
#   libffmk.so.0 the doors (src/pmpi): what a program links or preloads; needs nothing but libc
#   libffmk-engine.so  job and wings: loaded by the doors when MPI starts; needs MPI
#
# Both lie in lib/ffmk/<mpi>/, so that the builds for two MPIs do not meet.

add_library(ffmk_flags INTERFACE)
target_compile_definitions(ffmk_flags INTERFACE _GNU_SOURCE)
target_compile_options(ffmk_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -fno-math-errno)
target_include_directories(ffmk_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(FFMK_SANITIZE)
  target_compile_options(ffmk_flags INTERFACE -fsanitize=${FFMK_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(ffmk_flags INTERFACE -fsanitize=${FFMK_SANITIZE})
endif()
if(FFMK_FUZZ)
  target_compile_options(ffmk_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc)

# The engine carries jansson inside, hidden, where the static library is there: a program's own copy is never met.
find_library(FFMK_JANSSON_STATIC NAMES libjansson.a)
add_library(ffmk_jansson INTERFACE)
target_include_directories(ffmk_jansson INTERFACE ${jansson_INCLUDE_DIRS})
if(FFMK_JANSSON_STATIC)
  target_link_libraries(ffmk_jansson INTERFACE ${FFMK_JANSSON_STATIC})
  target_link_options(ffmk_jansson INTERFACE -Wl,--exclude-libs,ALL)
else()
  target_link_libraries(ffmk_jansson INTERFACE PkgConfig::jansson)
endif()

# The same with libsodium.
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
find_library(FFMK_SODIUM_STATIC NAMES libsodium.a)
add_library(ffmk_sodium INTERFACE)
target_include_directories(ffmk_sodium INTERFACE ${sodium_INCLUDE_DIRS})
if(FFMK_SODIUM_STATIC)
  target_link_libraries(ffmk_sodium INTERFACE ${FFMK_SODIUM_STATIC})
  target_link_options(ffmk_sodium INTERFACE -Wl,--exclude-libs,ALL)
else()
  target_link_libraries(ffmk_sodium INTERFACE PkgConfig::sodium)
endif()

# The same with libevent; its core is enough. Debian's static one is not for shared objects, but only since it means the
# C library's stderr as a program would: it gets another name (src/gossip/net/thread.c has it), and nothing is printed.
pkg_check_modules(event REQUIRED IMPORTED_TARGET libevent_core)
find_library(FFMK_EVENT_STATIC NAMES libevent_core.a)
add_library(ffmk_event INTERFACE)
target_include_directories(ffmk_event INTERFACE ${event_INCLUDE_DIRS})
set(event_inside 1)
if(FFMK_EVENT_STATIC AND CMAKE_OBJCOPY)
  set(event_library ${CMAKE_BINARY_DIR}/libffmk_event.a)
  execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=ffmk_event_stderr ${FFMK_EVENT_STATIC} ${event_library}
    RESULT_VARIABLE event_inside ERROR_QUIET)
endif()
if(event_inside EQUAL 0)
  set(event_stderr ${CMAKE_BINARY_DIR}/CMakeFiles/event_stderr.c)
  file(WRITE ${event_stderr} "__attribute__((visibility(\"hidden\"))) void *ffmk_event_stderr;\n")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -shared -fPIC ${event_stderr} -Wl,--exclude-libs,ALL -Wl,--whole-archive
    ${event_library} -Wl,--no-whole-archive -o ${CMAKE_BINARY_DIR}/CMakeFiles/event_inside.so
    RESULT_VARIABLE event_inside ERROR_QUIET)
endif()
if(event_inside EQUAL 0)
  target_compile_definitions(ffmk_event INTERFACE FFMK_EVENT_INSIDE)
  target_link_libraries(ffmk_event INTERFACE ${event_library})
  target_link_options(ffmk_event INTERFACE -Wl,--exclude-libs,ALL)
else()
  message(STATUS "libevent cannot be put inside: its shared library is needed")
  target_link_libraries(ffmk_event INTERFACE PkgConfig::event)
endif()
find_package(Threads REQUIRED)

# PAPI's header only: the library is loaded when FFMK_COUNTERS asks for it.
find_path(FFMK_PAPI_INCLUDE papi.h)

file(GLOB core_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/core/*.c)
list(REMOVE_ITEM core_sources ${PROJECT_SOURCE_DIR}/src/core/seal.c)
add_library(ffmk_core STATIC ${core_sources})
target_compile_definitions(ffmk_core PRIVATE FFMK_NO_MPI)
target_link_libraries(ffmk_core PRIVATE ffmk_flags)


# Apart from core, since the doors must need nothing but libc.
add_library(ffmk_seal STATIC ${PROJECT_SOURCE_DIR}/src/core/seal.c)
target_link_libraries(ffmk_seal PRIVATE ffmk_flags PUBLIC ffmk_sodium)

# Pure algorithms and the virtual network that runs them: no MPI.
file(GLOB gossip_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/gossip/*.c ${PROJECT_SOURCE_DIR}/src/gossip/net/*.c)
add_library(ffmk_gossip STATIC ${gossip_sources})
target_link_libraries(ffmk_gossip PRIVATE ffmk_flags PUBLIC ffmk_seal ffmk_core ffmk_event Threads::Threads)
target_compile_definitions(ffmk_gossip PRIVATE FFMK_NO_MPI)
add_library(ffmk_balance STATIC)
foreach(room border course court flow graph idmap inside meeting offer order part refine rules spread survey tree wish)
  target_sources(ffmk_balance PRIVATE ${PROJECT_SOURCE_DIR}/src/balance/${room}.c)
endforeach()
target_link_libraries(ffmk_balance PRIVATE ffmk_flags PUBLIC ffmk_core m)
target_compile_definitions(ffmk_balance PRIVATE FFMK_NO_MPI)
file(GLOB sim_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/sim/*.c)
add_library(ffmk_sim STATIC ${sim_sources})
target_link_libraries(ffmk_sim PRIVATE ffmk_flags PUBLIC ffmk_balance ffmk_gossip m)
target_compile_definitions(ffmk_sim PRIVATE FFMK_NO_MPI)

file(GLOB door_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/pmpi/*.c)
file(GLOB engine_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/job/*.c ${PROJECT_SOURCE_DIR}/src/balance/*.c)
get_target_property(pure_sources ffmk_balance SOURCES)
list(REMOVE_ITEM engine_sources ${pure_sources})

foreach(mpi IN LISTS FFMK_MPIS)
  set(place ${CMAKE_BINARY_DIR}/lib/ffmk/${mpi})

  add_library(ffmk_doors_${mpi} SHARED ${door_sources})
  set_target_properties(ffmk_doors_${mpi} PROPERTIES OUTPUT_NAME ffmk VERSION ${PROJECT_VERSION} SOVERSION 0
    LIBRARY_OUTPUT_DIRECTORY ${place} LINK_DEPENDS ${PROJECT_SOURCE_DIR}/src/pmpi/libffmk.map)
  # The version script lists what is exported. TLS is initial-exec: one load from the thread pointer. How fast a door is
  # does not depend on where the linker puts it when it begins a cache line.
  target_compile_options(ffmk_doors_${mpi} PRIVATE -ftls-model=initial-exec -fexceptions -fno-tree-slp-vectorize
    -falign-functions=64)
  target_link_options(ffmk_doors_${mpi} PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/src/pmpi/libffmk.map -Wl,-z,defs
    -Wl,--undefined=ffmk_strerror -Wl,-z,nodelete)
  target_link_libraries(ffmk_doors_${mpi} PRIVATE ffmk_flags ffmk_core ${CMAKE_DL_LIBS})
  target_include_directories(ffmk_doors_${mpi} SYSTEM PRIVATE
    $<TARGET_PROPERTY:ffmk_mpi_${mpi},INTERFACE_INCLUDE_DIRECTORIES>)
  # The MPI to load for a program that was linked with the doors alone.
  get_target_property(library ffmk_mpi_${mpi} IMPORTED_LOCATION)
  execute_process(COMMAND ${CMAKE_READELF} -d ${library} OUTPUT_VARIABLE dynamic ERROR_QUIET)
  string(REGEX MATCH "SONAME[^[]*\\[([^]]+)\\]" soname "${dynamic}")
  target_compile_definitions(ffmk_doors_${mpi} PRIVATE
    FFMK_MPI_SONAME="${CMAKE_MATCH_1}" FFMK_MPI_LIBRARY="${library}")

  add_library(ffmk_engine_objects_${mpi} OBJECT ${engine_sources})
  target_link_libraries(ffmk_engine_objects_${mpi} PRIVATE ffmk_flags ffmk_jansson ffmk_mpi_${mpi})
  if(FFMK_PAPI_INCLUDE)
    target_compile_definitions(ffmk_engine_objects_${mpi} PRIVATE FFMK_HAVE_PAPI)
    target_include_directories(ffmk_engine_objects_${mpi} SYSTEM PRIVATE ${FFMK_PAPI_INCLUDE})
  endif()
  add_library(ffmk_engine_${mpi} MODULE $<TARGET_OBJECTS:ffmk_engine_objects_${mpi}>)
  set_target_properties(ffmk_engine_${mpi} PROPERTIES OUTPUT_NAME ffmk-engine LIBRARY_OUTPUT_DIRECTORY ${place}
    LINKER_LANGUAGE C LINK_DEPENDS ${PROJECT_SOURCE_DIR}/src/job/engine.map)
  target_link_options(ffmk_engine_${mpi} PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/src/job/engine.map -Wl,-z,defs)
  target_link_libraries(ffmk_engine_${mpi} PRIVATE ffmk_flags ffmk_balance ffmk_gossip ffmk_core ffmk_jansson ffmk_mpi_${mpi} m ${CMAKE_DL_LIBS})

  # For tests of internals: everything but the doors' wrappers, nothing hidden away in a shared object.
  add_library(ffmk_static_${mpi} STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:ffmk_engine_objects_${mpi}>)
  target_link_libraries(ffmk_static_${mpi} PUBLIC ffmk_sim ffmk_core ffmk_jansson ffmk_mpi_${mpi} m ${CMAKE_DL_LIBS})
  set_target_properties(ffmk_static_${mpi} PROPERTIES LINKER_LANGUAGE C)

  # What examples and tests of the public face link: as an installed ffmk::ffmk would.
  add_library(ffmk_${mpi} INTERFACE)
  target_include_directories(ffmk_${mpi} INTERFACE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(ffmk_${mpi} INTERFACE ffmk_doors_${mpi} ffmk_mpi_${mpi})
  add_dependencies(ffmk_${mpi} ffmk_engine_${mpi})
endforeach()

file(GLOB cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
add_executable(ffmk_command ${cli_sources})
set_target_properties(ffmk_command PROPERTIES OUTPUT_NAME ffmk RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
target_compile_definitions(ffmk_command PRIVATE FFMK_NO_MPI FFMK_LIBDIR="${CMAKE_INSTALL_LIBDIR}")
target_link_libraries(ffmk_command PRIVATE ffmk_flags ffmk_sim ffmk_core PkgConfig::jansson PkgConfig::hwloc ${CMAKE_DL_LIBS} m)

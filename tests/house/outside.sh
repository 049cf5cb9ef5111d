#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves that an installed ffmk serves an outside project: installs into a temporary prefix, moves the prefix, then
# builds tests/house/outside against it through the CMake package and through pkg-config and runs both under the
# launcher. Each run's report must count the seven MPI_Allreduce of every rank.
#
# usage: outside.sh BUILD_FOLDER MPI MPICC LAUNCHER…     (FFMK_KEEP_PREFIX keeps the folder, to look at)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1 mpi=$2 mpicc=$3
shift 3
launcher=("$@")
mpicxx=${mpicc/mpicc/mpicxx}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "outside: $*"
    exit 1
}
quietly() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log"
        fail "$*"
    }
}

quietly cmake --install "$build" --prefix "$work/first"
prefix=$work/moved
mv "$work/first" "$prefix"

for file in include/ffmk.h bin/ffmk lib/libffmk.so lib/libffmk.so.0 "lib/ffmk/$mpi/libffmk.so" \
    "lib/ffmk/$mpi/libffmk.so.0" "lib/ffmk/$mpi/libffmk-engine.so" lib/pkgconfig/ffmk.pc \
    "lib/pkgconfig/ffmk-$mpi.pc" lib/cmake/ffmk/ffmk-config.cmake share/man/man1/ffmk.1; do
    [ -e "$prefix/$file" ] || fail "$file was not installed"
done
if grep -rIl -e "$work/first" -e "$build" "$prefix" >"$work/log"; then
    cat "$work/log"
    fail "these installed files name the build tree or the first prefix"
fi

# runs NAME COMMAND…: two ranks of it, and the report tells fourteen MPI_Allreduce
runs() {
    local name=$1 counted
    shift
    rm -f "$work/report.json"
    (cd "$work" && FFMK_SUMMARY=off FFMK_REPORT=$work/report.json "${launcher[@]}" "$@") >"$work/said" 2>&1 ||
        { cat "$work/said"; fail "$name: the program failed"; }
    grep -q "outside: ffmk .*, 2 ranks" "$work/said" || { cat "$work/said"; fail "$name: not two ranks of one job"; }
    [ -s "$work/report.json" ] || { cat "$work/said"; fail "$name: no report was written"; }
    counted=$(python3 -c "
import json, sys
calls = json.load(open(sys.argv[1]))['calls']
print(sum(c['count'] for c in calls if c['name'] == 'MPI_Allreduce'))" "$work/report.json")
    [ "$counted" = 14 ] || fail "$name: the report counts $counted MPI_Allreduce instead of 14"
    echo "outside: $name is counted right"
}

# The CMake package, in C and in C++, the MPI found by FindMPI alone.
quietly cmake -G Ninja -S "$here/outside" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -DMPI_C_COMPILER="$mpicc" -DMPI_CXX_COMPILER="$mpicxx"
quietly cmake --build "$work/cmake"
runs "CMake, C, $mpi" "$work/cmake/app_c"
runs "CMake, C++, $mpi" "$work/cmake/app_cxx"

# A wrong wish is refused in words.
if cmake -G Ninja -S "$here/outside" -B "$work/refused" -DCMAKE_PREFIX_PATH="$prefix" -DFFMK_MPI=lam >"$work/log" 2>&1; then
    fail "FFMK_MPI=lam was accepted"
fi
tr -s ' \n' ' ' <"$work/log" | grep -q "project's MPI is 'lam'" || { cat "$work/log"; fail "FFMK_MPI=lam: no clear line"; }

# pkg-config
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -r -a flags <<<"$(pkg-config --cflags --libs "ffmk-$mpi")"
quietly "$mpicc" -std=c11 -Wall -Wextra -Werror -pedantic "$here/outside/app.c" -o "$work/app_pc" "${flags[@]}"
runs "pkg-config, $mpi" "$work/app_pc"

# An unmodified program through the installed command.
cat >"$work/plain.c" <<'SOURCE'
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int sum = 0, one = 1;
    MPI_Init(&argc, &argv);
    for (int i = 0; i < 7; i++)
        MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("outside: ffmk unknown, %d ranks\n", sum);
    MPI_Finalize();
    return 0;
}
SOURCE
quietly "$mpicc" "$work/plain.c" -o "$work/plain"
runs "ffmk run, $mpi" "$prefix/bin/ffmk" run "$work/plain"

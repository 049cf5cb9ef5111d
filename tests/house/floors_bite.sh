#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves that floors.py bites: each small house below has one fault, and floors.py must name it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
faults=0

# bites "what it must say" FILE "text" [FILE "text" …]
bites() {
    local expected=$1 said
    shift
    rm -rf "${house:?}"/*
    while [ $# -gt 0 ]; do
        mkdir -p "$house/$(dirname "$1")"
        printf '%s\n' "$2" >"$house/$1"
        shift 2
    done
    if said=$(python3 "$here/floors.py" "$house") || [[ $said != *"$expected"* ]]; then
        echo "floors.py should have said: $expected"
        echo "it said: $said"
        faults=$((faults + 1))
    fi
}

bites "core/a.h: includes job/b.h" core/a.h '#include "job/b.h"' job/b.h ''
bites "core/a.h: includes job/b.h" core/a.h '#include <job/b.h>' job/b.h ''
bites "balance/a.c: includes gossip/b.h" balance/a.c '#  include "gossip/b.h"' gossip/b.h ''
bites "pmpi/a.c: includes balance/b.h" pmpi/a.c '#include "balance/b.h"' balance/b.h ''
bites "sim/a.c: includes job/b.h" sim/a.c '#include "job/b.h"' job/b.h ''
bites "cli/a.c: includes pmpi/b.h" cli/a.c '#include "pmpi/b.h"' pmpi/b.h ''
bites "the folder attic/ is on no floor" attic/a.c '#include "core/b.h"' core/b.h ''
bites "core/a.c:2: includes \"core/gone.h\"" core/a.c $'\n#include "core/gone.h"'
bites "a circle: core/a.h -> core/b.h -> core/a.h" core/a.h '#include "core/b.h"' core/b.h '#include "core/a.h"'
bites "job/a.c:2: calls MPI_Barrier" job/a.c $'/* MPI_Send() is fine here */\nint x = MPI_Barrier(c);'
[ "$faults" -eq 0 ] && echo "every fault was found"
exit "$faults"

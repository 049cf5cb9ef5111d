#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves that a Python program is watched: mpi4py loads MPI late and out of the global scope, and its seven barriers a
# rank must be counted all the same.
#
# usage: python.sh FFMK LAUNCHER…
set -euo pipefail
ffmk=$1
shift
python=/usr/bin/python3
"$python" -c 'import mpi4py' 2>/dev/null || {
    echo "$python has no mpi4py"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/seven.py" <<'PROGRAM'
from mpi4py import MPI
for _ in range(7):
    MPI.COMM_WORLD.Barrier()
PROGRAM
"$@" "$ffmk" run --summary off --report "$work/report.json" "$python" "$work/seven.py"
"$python" - "$work/report.json" <<'CHECK'
import json
import sys
calls = json.load(open(sys.argv[1]))["calls"]
count = sum(call["count"] for call in calls if call["name"] == "MPI_Barrier")
print(f"{count} MPI_Barrier counted, 14 were made")
sys.exit(count != 14)
CHECK

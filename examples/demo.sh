#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The demo, after `./dev demo` has installed and built: (a) somebody else's program, unmodified, on somebody else's
# input; (b) our cloud without and with balancing, in turns. Leaves pages and pictures in BUILD_FOLDER/demo/.
#
# usage: examples/demo.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
out=$build/demo
ffmk=$build/bin/ffmk
cloud=$build/examples/cloud/cloud
example=/usr/share/lammps/examples/crack/in.crack
rounds=3

ranks=$(nproc)
[ "$ranks" -ge 2 ] || ranks=2
[ "$ranks" -le 4 ] || ranks=4
mpirun=(mpirun.openmpi --oversubscribe -np "$ranks")

if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
title() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }
shown() { realpath --relative-to="$PWD" "$1"; }
run() {
    "$@" >"$out/log" 2>&1 || {
        tail -n 30 "$out/log" >&2
        printf 'demo: this failed: %s\n' "$*" >&2
        exit 1
    }
}
key() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
median() { sort -g | sed -n "$((rounds / 2 + 1))p"; }

rm -rf "$out"
mkdir -p "$out"

title "1. A program that knows nothing of ffmk: LAMMPS as Debian packages it, on its own example 'crack'"
printf '   $ mpirun -np %s ffmk run lmp -in in.crack\n\n' "$ranks"
cp "$example" "$out/"
if ! (cd "$out" && "${mpirun[@]}" "$ffmk" run --report crack.json lmp -in in.crack -log none >lammps.txt 2>summary.txt); then
    tail -n 30 "$out/lammps.txt" "$out/summary.txt" >&2
    exit 1
fi
sed 's/^/   /' "$out/summary.txt"
run "$ffmk" report "$out/crack.json" -o "$out/crack.html"

title "2. A program that balances with ffmk: a cloud that drifts and grows through a grid of blocks"
printf '   $ mpirun -np %s ffmk run cloud [--no-balance]\n\n' "$ranks"
printf '   %s runs each, in turns:\n' "$rounds"
for round in $(seq "$rounds"); do
    for way in without with; do
        choice=()
        [ "$way" = with ] || choice=(--no-balance)
        run "${mpirun[@]}" "$ffmk" run --summary off --report "$out/$way.$round.json" \
            "$cloud" "${choice[@]}" --pictures "$out/$way"
        grep -i -m1 checksum "$out/log" >"$out/$way.checksum" || true
        key "$out/$way.$round.json" elapsed_s >>"$out/$way.seconds"
        printf '   %-8s balancing  %6.1f s\n' "$way" "$(tail -n 1 "$out/$way.seconds")"
    done
done
run "$ffmk" report "$out/without.1.json" "$out/with.1.json" -o "$out/cloud.html"

python3 - "$(median <"$out/without.seconds")" "$(median <"$out/with.seconds")" "$out/without.1.json" \
    "$out/with.1.json" <<'PYTHON'
import json
import sys

without, balanced = float(sys.argv[1]), float(sys.argv[2])
before, after = (json.load(open(path))["efficiency"] for path in sys.argv[3:])
print(f"""
                        without      with
   elapsed (median)   {without:8.1f} s {balanced:8.1f} s   {without / balanced:.2f} times as fast
   load balance       {before["load_balance"]:8.0%}   {after["load_balance"]:8.0%}
   parallel efficiency{before["parallel"]:8.0%}   {after["parallel"]:8.0%}""")
PYTHON
if cmp -s "$out/without.checksum" "$out/with.checksum"; then
    printf '   The field is the same to the last bit: %s\n' "$(cat "$out/with.checksum")"
else
    printf '   The checksums differ, which must not be: %s\n' "$(cat "$out/without.checksum" "$out/with.checksum" | xargs)"
    exit 1
fi

title "Look at it"
printf '   %-28s %s\n' "LAMMPS, call by call:" "$(shown "$out/crack.html")" \
    "The cloud, before and after:" "$(shown "$out/cloud.html")" \
    "Who owns what, pictures:" "$(shown "$out/without") and $(shown "$out/with")"
printf '\n   Your own program:            mpirun -np %s %s run ./app\n' "$ranks" "$(shown "$ffmk")"

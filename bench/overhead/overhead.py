#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an intercepted call costs: no tool, a bare two-TSC shim, sums of each call's number, time and bytes, a plain
recorder and ffmk, in turns within one process (calls.c).

Prints, for each MPI and call, over that many runs: nanoseconds of a call without a tool, and the median with quartiles
of what the others add to it; and the instructions that a call of MPI_Iprobe costs more, under callgrind.
"""
import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import environment, in_turns, spread

KINDS = {
    "iprobe": "MPI_Iprobe",
    "allreduce_self": "MPI_Allreduce on COMM_SELF",
    "pingpong": "8 B ping-pong, np 2",
    "allreduce_np2": "8 B MPI_Allreduce, np 2",
}


def measure(launcher, program, library):
    out = subprocess.run([*launcher, program], env=environment(library), check=True, capture_output=True, text=True,
                         timeout=300).stdout
    return {kind: [float(ns) for ns in rest] for kind, *rest in (line.split() for line in out.splitlines())}


def instructions(program, way, library, calls):
    """Instructions of a whole run with that many calls."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program,
                              str(calls), way], env=environment(library), capture_output=True, text=True, timeout=600)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if not found:
        raise RuntimeError(run.stderr[-2000:])
    return int(found.group(1))


def bench(name, launcher, program, library, rounds):
    samples = in_turns(name, ["run"], rounds, lambda _: measure(launcher, program, library))["run"]
    print(f"\n{name}, {rounds} runs; ns a call: median [quartiles]")
    print(f"  {'call':28} {'no tool':>8}   {'shim adds':>20}   {'sums add':>20}   {'a recorder adds':>20}   {'ffmk adds':>20}   "
          f"{'ffmk / shim':>18}   {'ffmk / sums':>18}   {'ffmk / recorder':>18}")
    for kind, text in KINDS.items():
        none, shim, sums, plain, ffmk = zip(*(sample[kind] for sample in samples))
        ratios = [[f / b for b, f in zip(base, ffmk) if b > 0] for base in (shim, sums, plain)]
        print(f"  {text:28} {statistics.median(none):8.1f}   {spread(shim):>20}   {spread(sums):>20}   {spread(plain):>20}   {spread(ffmk):>20}   "
              + "   ".join(f"{spread(ratio, 2) if ratio else '-':>18}" for ratio in ratios))


def count(name, program, library):
    if not shutil.which("valgrind"):
        print(f"{name}: instructions not counted: valgrind is not installed")
        return
    per_call = {}
    for way in ("none", "shim", "sums", "plain", "tool"):
        few, many = (instructions(program, way, library, calls) for calls in (2000, 12000))
        per_call[way] = (many - few) / 10000
    print(f"{name}: instructions of an MPI_Iprobe: no tool {per_call['none']:.0f}, shim adds "
          f"{per_call['shim'] - per_call['none']:.0f}, sums {per_call['sums'] - per_call['none']:.0f}, a recorder "
          f"{per_call['plain'] - per_call['none']:.0f}, ffmk adds {per_call['tool'] - per_call['none']:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--mpi", action="append", nargs=4, metavar=("NAME", "LAUNCHER", "FOLDER", "LIBFFMK"),
                        required=True)
    args = parser.parse_args()
    for name, launcher, folder, library in args.mpi:
        program = f"{folder}/overhead_calls_{name}"
        bench(name, launcher.split(";"), program, library, args.rounds)
        count(name, program, library)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an intercepted call costs: no tool, a bare two-TSC shim and ffmk, interleaved in one run.

Prints, for each MPI and call, the median over rounds of nanoseconds a call and of what the shim and ffmk add to no
tool in the same round, with quartiles; and the instructions that a call of MPI_Iprobe costs more, under callgrind.
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
TOOLS = ("none", "shim", "ffmk")


def measure(launcher, program, tool, libraries):
    out = subprocess.run([*launcher, program], env=environment(libraries.get(tool)), check=True, capture_output=True,
                         text=True, timeout=300).stdout
    return {kind: float(ns) for kind, ns in (line.split() for line in out.splitlines())}


def instructions(program, tool, libraries, calls):
    """Instructions of a whole run with that many calls."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program,
                              str(calls), "iprobe"], env=environment(libraries.get(tool)), capture_output=True, text=True,
                             timeout=600)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if not found:
        raise RuntimeError(run.stderr[-2000:])
    return int(found.group(1))


def bench(name, launcher, program, libraries, rounds):
    samples = in_turns(name, TOOLS, rounds, lambda tool: measure(launcher, program, tool, libraries))
    print(f"\n{name}, {rounds} rounds; ns a call: median [quartiles]")
    print(f"  {'call':28} {'no tool':>8}   {'shim adds':>22}   {'ffmk adds':>22}   ffmk / shim")
    for kind, text in KINDS.items():
        added = {tool: [s[kind] - n[kind] for s, n in zip(samples[tool], samples["none"])] for tool in TOOLS[1:]}
        base = statistics.median(s[kind] for s in samples["none"])
        shim, ffmk = statistics.median(added["shim"]), statistics.median(added["ffmk"])
        ratio = f"{ffmk / shim:.2f}" if shim > 0 else "-"
        print(f"  {text:28} {base:8.1f}   {spread(added['shim']):>22}   {spread(added['ffmk']):>22}   {ratio:>11}")


def count(name, program, libraries):
    if not shutil.which("valgrind"):
        print(f"{name}: instructions not counted: valgrind is not installed")
        return
    per_call = {}
    for tool in TOOLS:
        few, many = (instructions(program, tool, libraries, calls) for calls in (2000, 12000))
        per_call[tool] = (many - few) / 10000
    print(f"{name}: instructions of an MPI_Iprobe: no tool {per_call['none']:.0f}, shim adds "
          f"{per_call['shim'] - per_call['none']:.0f}, ffmk adds {per_call['ffmk'] - per_call['none']:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--mpi", action="append", nargs=4, metavar=("NAME", "LAUNCHER", "FOLDER", "LIBFFMK"),
                        required=True)
    args = parser.parse_args()
    for name, launcher, folder, library in args.mpi:
        libraries = {"shim": f"{folder}/libshim_{name}.so", "ffmk": library}
        program = f"{folder}/overhead_calls_{name}"
        bench(name, launcher.split(";"), program, libraries, args.rounds)
        count(name, program, libraries)


if __name__ == "__main__":
    main()

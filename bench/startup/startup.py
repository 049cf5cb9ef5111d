#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What ffmk adds to the start and end of a process: /bin/true and an MPI program that begins and ends, without ffmk and
with the library preloaded, without a report and with one, in turns.

Prints medians of whole runs in milliseconds, and of what ffmk adds to the bare run of the same round, with quartiles.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import environment, in_turns, spread


def milliseconds(words, env, folder):
    begin = time.monotonic()
    subprocess.run(words, env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - begin) * 1e3


def bench(title, words, library, rounds, folder):
    ways = {"bare": environment(), "ffmk": environment(library)}
    if title != "/bin/true":
        ways["ffmk, report"] = environment(library) | {"FFMK_REPORT": "run.json"}
    samples = in_turns(title, list(ways), rounds, lambda way: milliseconds(words, ways[way], folder))
    for way in list(ways)[1:]:
        added = [with_it - bare for with_it, bare in zip(samples[way], samples["bare"])]
        print(f"  {title:26} {way:14} {statistics.median(samples['bare']):9.2f}   {spread(added, 2)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--mpi", action="append", nargs=3, metavar=("NAME", "PROGRAM", "LIBFFMK"), required=True)
    args = parser.parse_args()
    print(f"{args.rounds} rounds; ms: median of the bare run, median [quartiles] of what ffmk adds")
    with tempfile.TemporaryDirectory() as folder:
        bench("/bin/true", ["/bin/true"], args.mpi[0][2], 10 * args.rounds, folder)
        for name, program, library in args.mpi:
            # Without a launcher: what it costs to start one would hide what we look for.
            bench(f"MPI hello, {name}", [os.path.abspath(program)], library, args.rounds, folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Collective calls of an unmodified program: MPI's own, and ffmk's in their place (FFMK_BCAST=checked and its kin, with
the library preloaded, which also records each call), in turns of separate launches (calls.c).

Prints, for each MPI, number of ranks, call, pattern and size: medians over the launches of what a launch's median call
took, in microseconds, and the ratio of the two in each round, its median and quartiles. Patterns: back to back from root
0; the root rotating; one call behind a barrier, until the slowest rank has it. More ranks than cores are marked: there the
scheduler is measured, too.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import environment, in_turns, spread

WAYS = ("MPI", "ffmk")
GOALS = ((4 << 10, 1.0), (1 << 20, 1.1))  # up to so many bytes: at most this ratio


REPLACED = {f"FFMK_{call}": "checked" for call in ("BCAST", "BARRIER", "ALLREDUCE")}


def read(out):
    """{(call, pattern, bytes): ns}"""
    return {(call, pattern, int(size)): float(ns) for call, pattern, size, ns in (line.split() for line in out.splitlines())}


def measure(launcher, program, library, way):
    env = environment(library if way == "ffmk" else None)
    if way == "ffmk":
        env |= REPLACED
    return read(subprocess.run([*launcher, program], env=env, check=True, capture_output=True, text=True, timeout=600).stdout)


def measure_across(hosts, each, program, library, way):
    """The same on namespace hosts; MPI's own way between them is TCP."""
    env = REPLACED if way == "ffmk" else {}
    run = hosts.launch(each, program, env={"FFMK_SUMMARY": "off", **env}, preload=library if way == "ffmk" else "").wait(300)
    if run.code != 0:
        sys.exit(f"{program} on {hosts.count} hosts: {run.code} {run.err[-1000:]}")
    return read(run.out)


def across(settings, shapes, rounds, sizes):
    """Open MPI over TCP against ours over UDP, in network namespaces of this machine. Its ranks yield while they wait: what
    brings packets from one namespace to another is a thread of the kernel that needs a core, and waits 4 ms for it else."""
    sys.argv[1:] = [settings]
    sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tests" / folder) for folder in ("collective", "pmpi")]
    import harness
    import hosts as namespaces

    why = namespaces.missing()
    if why:
        print(f"no namespace hosts: {why}")
        return []
    rows = []
    for count, each in shapes:
        np = count * each
        with namespaces.Hosts(count) as hosts:
            program = f"{pathlib.Path(settings).parents[2]}/bench/collective/collective_calls_openmpi"
            samples = in_turns(f"{count} hosts x {each}", WAYS, rounds,
                               lambda way: measure_across(hosts, each, program, harness.settings.doors, way))
        rows += table("openmpi", np, f", {each} on each of {count} HOSTS (namespaces), TCP", samples, rounds, sizes)
    return rows


def words_of(launcher, np):
    """The launcher's words for so many ranks; with a core for each of them nobody needs to yield."""
    words = [str(np) if word == "NP" else word for word in launcher.split(";")]
    if np <= len(os.sched_getaffinity(0)) and "mpi_yield_when_idle" in words:
        at = words.index("mpi_yield_when_idle") - 1
        del words[at:at + 3]
    return words


def size_of(size):
    return "" if not size else f"{size} B" if size < 1 << 10 else f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB"


def goal_of(size):
    return next(ratio for up_to, ratio in GOALS if size <= up_to)


def bench(name, launcher, program, library, np, rounds):
    samples = in_turns(f"{name}, np {np}", WAYS, rounds,
                       lambda way: measure(words_of(launcher, np), program, library, way))
    return table(name, np, "", samples, rounds)


def table(name, np, where, samples, rounds, sizes=None):
    crowded = np > len(os.sched_getaffinity(0))
    print(f"\n{name}, np {np}{where}{', OVERSUBSCRIBED' if crowded else ''}, {rounds} rounds; µs a call: medians; ratio: median [quartiles]")
    print(f"  {'call':10} {'pattern':14} {'size':>8}   {name:>9}   {'ffmk':>9}   {'ffmk / ' + name:>22}")
    rows = []
    for key in samples["MPI"][0]:
        if sizes and key[2] not in sizes:
            continue
        theirs, ours = ([sample[key] * 1e-3 for sample in samples[way]] for way in WAYS)
        ratios = [b / a for a, b in zip(theirs, ours)]
        missed = statistics.median(ratios) > goal_of(key[2]) and not crowded
        print(f"  {key[0]:10} {key[1]:14} {size_of(key[2]):>8}   {statistics.median(theirs):9.3f}   "
              f"{statistics.median(ours):9.3f}   {spread(ratios, 2):>22}{'   above the goal' if missed else ''}")
        rows.append({"mpi": name, "np": np, "where": where, "oversubscribed": crowded, "call": key[0], "pattern": key[1], "bytes": key[2],
                     "mpi_us": theirs, "ffmk_us": ours, "ratio_median": statistics.median(ratios), "goal": goal_of(key[2])})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--np", type=int, nargs="*", default=[2, 4, 8, 16])
    parser.add_argument("--json", metavar="FILE", help="write every launch's medians to this file")
    parser.add_argument("--settings", metavar="JSON", help="of the tests in tests/collective, for namespace hosts; needs root")
    parser.add_argument("--mpi", action="append", nargs=4, metavar=("NAME", "LAUNCHER", "PROGRAM", "LIBFFMK"), required=True)
    args = parser.parse_args()
    rows = []
    if args.settings:
        rows += across(args.settings, ((2, 1), (2, 2)), args.rounds, (0, 8, 64, 1 << 10, 64 << 10, 1 << 20))
    for name, launcher, program, library in args.mpi:
        for np in args.np:
            # MPICH's ranks spin while they wait: more of them than cores would take all day.
            if name == "openmpi" or np <= len(os.sched_getaffinity(0)):
                rows += bench(name, launcher, program, library, np, args.rounds if np <= 4 else max(1, args.rounds // 2))
    if args.json:
        load = os.getloadavg()
        pathlib.Path(args.json).write_text(json.dumps({"load": load, "cores": len(os.sched_getaffinity(0)), "rows": rows},
                                                      indent=1) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our balancer against its peers: Zoltan's space-filling curve (hsfc), recursive bisection (rcb) and hypergraph
partitioner (phg-repart, with its default PHG_REPART_MULTIPLIER of 100; phg-repart-1 with 1, which moves less; phg-refine),
and Scotch; all asked for an imbalance of 1.05 on the workloads of src/sim/workload.h, each going on from its own plan of
the step before (peers.c).

Prints, for each number of ranks and workload, the median over the seeds of a seed's median over its warm steps; of what
moves, of a seed's mean: who moves much in every third step moves.
  imbalance   the largest after any plan
  cut         weight of the links between ranks
  moved       weight (items) that changes rank, in % of all
  CPU         ms of a rank in the planning call: without and with what it spends in MPI calls that wait; what the clock
              itself takes is measured, and left out
  wall        ms, of the slowest rank; with more ranks than cores it tells of the scheduler
  messages    that a rank sends, + collective calls
  heap        KiB that our library takes during the call, the most of any rank; of the same plans, made once more by a
              program that counts what malloc gives, which takes time
Then for each peer the paired ratios ours / peer: median over the seeds [95 % interval by the sign test's order statistics;
the range with less than six seeds, which is less sure]. Better or worse: the interval does not hold 1. CPU is that without
waiting.

Without options, what a machine with two cores does in 35 minutes when it has nothing else to do: with more ranks fewer
steps and no phg-repart, and with 64 the other graph partitioners on the first workload only. --cold: the first plan, from blocks and from slabs."""
import argparse
import collections
import csv
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import environment

WORKLOADS = ["hotspot", "hotspot-slow", "hotspot-fast", "front", "noise", "clustered", "irregular", "heavy", "slow-rank"]
FAST = ["ours", "ours-cut", "ours-still", "hsfc", "rcb"]
GRAPH = ["phg-repart-1", "phg-refine"]
PLAN = (  # ranks, seeds, steps, workloads, methods (None: all)
    (2, 10, 6, WORKLOADS, None),
    (8, 10, 4, WORKLOADS, None),
    (16, 10, 3, WORKLOADS, FAST + GRAPH + ["scotch"]),
    (64, 6, 3, WORKLOADS[:1], FAST + GRAPH),
    (64, 10, 3, WORKLOADS[1:], FAST),
)
FIELDS = ("seed step method imbalance_before imbalance_after cut_before cut_after weight_moved_percent items_moved_percent "
          "wall_ms cpu_ms cpu_ms_max cpu_with_waiting_ms cpu_with_waiting_ms_max messages collectives heap_kib").split()
COMPARED = {"cut": "cut_after", "migration": "weight_moved_percent", "CPU": "cpu_ms"}
TOLERANCE = 1.05


def measure(args, program, np, start, steps, seeds, workload, methods):
    """The program's rows, as dictionaries; without those of a peer that failed, which is said."""
    words = [str(np) if word == "NP" else word for word in args.launcher.split(";")]
    words += [program, workload, start, steps, 1, seeds, args.side, args.parts, *methods]
    env = environment() | {"SCOTCH_PTHREAD_NUMBER": "1"}
    done = subprocess.run([str(word) for word in words], env=env, capture_output=True, text=True, timeout=3000, check=False)
    failed = re.search(r"^balance_peers: rank \d+, (?!ours)(\S+): no plan$", done.stderr, re.MULTILINE)
    if failed and done.returncode:
        print(f"\n{failed[1]} fails on {workload}, np {np}: {done.stderr.splitlines()[0]}")
        return measure(args, program, np, start, steps, seeds, workload, [method for method in methods if method != failed[1]])
    sys.stderr.write(done.stderr)
    rows = [dict(zip(FIELDS, line.split(","), strict=True)) for line in done.stdout.splitlines()]
    if done.returncode or len(rows) != len(methods) * seeds * (steps + 1):
        sys.exit(f"{' '.join(methods)} on {workload}, np {np}: exit code {done.returncode}, {len(rows)} plans")
    for row in rows:
        row.update({key: int(row[key]) for key in ("seed", "step")}, **{key: float(row[key]) for key in FIELDS[3:]})
        if np > 1 and (row["collectives"] == 0 or row["cpu_ms"] < 0):
            sys.exit(f"{row['method']}: no MPI call of its was seen, or more time in them than there was")
        row.update(np=np, parts=args.parts or np, workload=workload, start=start)
    return rows


def measure_all(args, methods, *case):
    """The rows of all, ours with the heap they take."""
    rows = measure(args, args.program, *case, methods)
    own = [method for method in methods if method.startswith("ours")]
    counted = measure(args, args.heap_program, *case, own) if own else []
    heap = {(row["seed"], row["step"], row["method"]): row for row in counted}
    for row in rows:
        again = heap.get((row["seed"], row["step"], row["method"]), row)
        if (row["cut_after"], row["weight_moved_percent"]) != (again["cut_after"], again["weight_moved_percent"]):
            sys.exit(f"{row['method']} on {row['workload']}, np {row['np']}: another plan when made again")
        row["heap_kib"] = again["heap_kib"]
    return rows


def by_seed(rows, method, field):
    """[the median over the steps, or the mean of what moves, of each seed]"""
    middle = statistics.fmean if "moved" in field else statistics.median
    steps = collections.defaultdict(list)
    for row in rows:
        if row["method"] == method:
            steps[row["seed"]].append(row[field])
    return [middle(steps[seed]) for seed in sorted(steps)]


def ratio(ours, theirs):
    return ours / theirs if theirs else math.inf if ours else 1.0


def interval(values):
    """Of the median: the closest pair of order statistics that holds it with 95 %."""
    values, n, rank, tail = sorted(values), len(values), 0, 0.0
    while (tail := tail + math.comb(n, rank) / 2**n) <= 0.025:
        rank += 1
    rank = max(rank, 1)
    return values[rank - 1], values[-rank]


def table(title, rows, methods):
    print(f"\n{title}\n  {'':12} {'imbalance':>9} {'cut':>7} {'moved % (items)':>17} {'CPU ms (waiting in)':>20} {'wall ms':>8} "
          f"{'messages':>14} {'heap':>4}")
    for method in methods:
        middle = {field: statistics.median(by_seed(rows, method, field)) for field in FIELDS[3:]}
        after = [row["imbalance_after"] for row in rows if row["method"] == method]
        heap = f"{middle['heap_kib']:.0f}" if middle["heap_kib"] else ""
        missed = sum(value > TOLERANCE for value in after)
        print(f"  {method:12} {max(after):9.3f} {middle['cut_after']:7.0f} "
              f"{middle['weight_moved_percent']:8.2f} ({middle['items_moved_percent']:6.2f}) "
              f"{middle['cpu_ms']:10.2f} ({middle['cpu_with_waiting_ms']:7.2f}) {middle['wall_ms']:8.1f} "
              f"{middle['messages']:7.0f} + {middle['collectives']:4.0f} {heap:>4}"
              f"{f'   above {TOLERANCE} in {missed} of {len(after)} plans' if missed else ''}")


def verdict(rows, own, peer):
    """Prints the line; says in what the peer is better."""
    words, better, worse = [], [], []
    for what, field in COMPARED.items():
        ratios = [ratio(a, b) for a, b in zip(by_seed(rows, own, field), by_seed(rows, peer, field), strict=True)]
        low, high = interval(ratios)
        words.append(f"{what} {statistics.median(ratios):.2f} [{low:.2f} … {high:.2f}]")
        if high < 1:
            better.append(what)
        elif low > 1:
            worse.append(what)
    print(f"  {own} / {peer}: {', '.join(words)}: "
          f"{'; '.join(f'{how} in ' + ', '.join(what) for how, what in (('better', better), ('worse', worse)) if what) or 'even'}")
    return worse


def compare(title, rows, methods):
    """[(case, own, peer)] where the peer is better in everything."""
    methods = [method for method in methods if any(row["method"] == method for row in rows)]
    table(title, rows, methods)
    beaten = []
    for own in (method for method in methods if method.startswith("ours")):
        for peer in (method for method in methods if not method.startswith("ours")):
            if len(verdict(rows, own, peer)) == len(COMPARED):
                beaten.append((title, own, peer))
    return beaten


def cases(args, known):
    """What is to be run: the plan, or what the options say instead."""
    others = tuple((np, 10, 3, WORKLOADS, None) for np in args.np or () if np not in {line[0] for line in PLAN})
    for np, seeds, steps, workloads, methods in PLAN + others:
        if not args.np or np in args.np:
            methods = args.methods or methods or known
            yield (np, args.seeds or seeds, args.steps or steps, [w for w in workloads if w in (args.workloads or WORKLOADS)],
                   [method for method in known if method in methods])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--np", type=int, nargs="*")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int, help="warm ones")
    parser.add_argument("--workloads", nargs="*", choices=WORKLOADS)
    parser.add_argument("--methods", nargs="*")
    parser.add_argument("--cold", action="store_true", help="the first plan only, from blocks and from slabs")
    parser.add_argument("--side", type=int, default=6, help="side³ items a part in the beginning")
    parser.add_argument("--parts", type=int, default=0, help="other than ranks: a multiple of them; not all methods can")
    parser.add_argument("--csv", type=pathlib.Path, help="every plan")
    parser.add_argument("--launcher", required=True, help="words with ; between them and NP for the number of ranks")
    parser.add_argument("--program", required=True)
    parser.add_argument("--heap-program", required=True)
    args = parser.parse_args()
    listed = [line.split() for line in subprocess.run([args.program], check=True, capture_output=True, text=True).stdout.splitlines()]
    known = [words[0] for words in listed if not args.parts or "parts" in words]
    alone = all(name.startswith("ours") for name, *_ in listed)
    if alone:
        print("Built without Zoltan: there is nobody to compare with. Install libtrilinos-zoltan-dev and build again.")

    every, beaten = [], []
    for np, seeds, steps, workloads, methods in cases(args, known):
        for workload in workloads:
            for start in ("blocks", "slabs") if args.cold else ("blocks",):
                rows = measure_all(args, methods, np, start, 0 if args.cold else steps, seeds, workload)
                every += rows
                what = f"the first plan, from {start}" if args.cold else f"{steps} warm steps"
                crowded = ", MORE RANKS THAN CORES" if np > len(os.sched_getaffinity(0)) else ""
                parts = f", {args.parts} parts" if args.parts else ""
                beaten += compare(f"{workload}, np {np}{parts}{crowded}, {seeds} seeds, {what}",
                                  [row for row in rows if args.cold or row["step"] > 0], methods)
                sys.stdout.flush()
    print()
    for title, own, peer in beaten:
        print(f"{peer} is better than {own} in all of {', '.join(COMPARED)}: {title}")
    if not beaten and not alone:
        print(f"No peer is better in all of {', '.join(COMPARED)}.")
    if args.csv:
        with args.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["np", "parts", "workload", "start", *FIELDS], lineterminator="\n")
            writer.writeheader()
            writer.writerows(every)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes sample reports of a made-up job, for the tests of `ffmk report` and for looking at the page.

make_sample.py [--ranks N] [--hosts H] [--intervals I] [--steps T] [--seed S]
               [--balanced] [--partial] [--hostile] [--quiet] [--output FILE]

The job iterates: work on a domain in which a hot spot wanders over the ranks, exchange with neighbours, reduce. All
numbers follow from that small model, so sums agree with each other as in a real report. The same words always give
the same bytes. --quiet makes a job without time line, counters, matrix and calls.
"""
import argparse
import json
import math
import random
import sys

EDGES = [1e-7 * 4**i for i in range(14)]
HOSTILE = "<script>touched='x'</script>\"&\x1b[31m\u202e\u0085 \\ ]]> --> ünï ☃ 𝄞"


def histogram(rng, count, mean):
    counts = [0] * (len(EDGES) + 1)
    left = count
    for _ in range(40):
        if left == 0:
            break
        duration = mean * math.exp(rng.gauss(-0.3, 1.1))
        bucket = sum(duration > edge for edge in EDGES)
        share = min(left, max(1, count // 40))
        counts[bucket] += share
        left -= share
    counts[sum(mean > edge for edge in EDGES)] += left
    return counts


def longest(counts, mean):
    last = max((i for i, c in enumerate(counts) if c), default=0)
    return max(mean, 0.8 * EDGES[min(last, len(EDGES) - 1)])


def add_calls(rows):
    """Sums rows that have one name and binding; most time first."""
    sums = {}
    for row in rows:
        key = (row["name"], row["binding"])
        if key not in sums:
            sums[key] = {k: v for k, v in row.items() if k not in ("region", "histogram")}
            sums[key]["histogram"] = list(row["histogram"])
            continue
        total = sums[key]
        for field in ("count", "time_s", "bytes"):
            total[field] += row[field]
        total["max_s"] = max(total["max_s"], row["max_s"])
        total["histogram"] = [a + b for a, b in zip(total["histogram"], row["histogram"])]
    return sorted(sums.values(), key=lambda row: -row["time_s"])


def efficiency(useful, hosts_of, elapsed, n):
    most = max(useful)
    if most <= 0 or elapsed <= 0:
        return dict.fromkeys(("load_balance", "load_balance_inside", "load_balance_between"), 1.0) | {
            "parallel": 0.0, "communication": 0.0}
    by_host = {}
    for host, value in zip(hosts_of, useful):
        by_host.setdefault(host, []).append(value)
    best_host = max(sum(v) / len(v) for v in by_host.values())
    mean = sum(useful) / n
    return {"parallel": mean / elapsed, "load_balance": mean / most, "load_balance_inside": best_host / most,
            "load_balance_between": mean / best_host, "communication": most / elapsed}


CLASSES = {"MPI_Isend": "point to point", "MPI_Irecv": "point to point", "MPI_Send": "point to point", "MPI_Waitall": "completion",
           "MPI_Allreduce": "collective", "MPI_Bcast": "collective", "MPI_Gather": "collective",
           "MPI_Comm_split": "communicator", "MPI_Init": "process", "MPI_File_write_all": "io", "MPI_Iprobe": "probe"}


def simulate(args, rng):
    n, steps = args.ranks, args.steps
    heat = 0.15 if args.balanced else 2.0
    side = max(1, round(n ** 0.5))
    work = [[0.0] * steps for _ in range(n)]
    step_s, comm = [0.0] * steps, 0.0018
    base = 0.011
    slow = {r for r in range(n) if rng.random() < 0.01}
    for t in range(steps):
        cx = side * (0.25 + 0.5 * t / steps)
        cy = side * (0.5 + 0.3 * math.sin(2 * math.pi * t / steps))
        grow = heat * (0.3 + 0.7 * t / steps)
        for r in range(n):
            x, y = r % side, r // side
            d2 = ((x - cx) ** 2 + (y - cy) ** 2) / (0.12 * side * side + 0.3)
            work[r][t] = base * (1 + grow * math.exp(-d2)) * (1 + 0.03 * rng.random()) * (1.15 if r in slow else 1)
        step_s[t] = max(work[r][t] for r in range(n)) + comm
    return steps, work, step_s, comm, side


def make(words):
    """The report for the words of a command line, and where to write it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=int, default=64)
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--intervals", type=int, default=200)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", default="-")
    for flag in ("balanced", "partial", "hostile", "quiet"):
        parser.add_argument("--" + flag, action="store_true")
    args = parser.parse_args(words)
    rng = random.Random(args.seed)
    n = args.ranks
    n_hosts = args.hosts or max(1, n // 16)
    steps, work, step_s, comm, side = simulate(args, rng)
    elapsed = sum(step_s) + 0.12
    host_of = [f"node{1 + r * n_hosts // n:03d}" for r in range(n)]
    text = HOSTILE if args.hostile else None
    if text:
        host_of = [h + text for h in host_of]
    known = [r for r in range(n) if not (args.partial and r in (1, n // 2))] if n > 1 else [0]

    interval = elapsed / args.intervals * 1.003
    per_rank, timeline, regions_sum, all_rows, entries = [], [], {}, [], {}
    for r in known:
        useful = sum(work[r])
        wait = sum(step_s) - steps * comm - useful
        mpi = wait + steps * comm + 0.05
        over = 5 * steps * 12e-9
        mpi_row, wait_row = [0.0] * args.intervals, [0.0] * args.intervals
        begin = 0.06
        for t in range(steps):
            spans = [(begin + work[r][t], begin + step_s[t] - comm, True),
                     (begin + step_s[t] - comm, begin + step_s[t], False)]
            for a, b, is_wait in spans:
                i = int(a / interval)
                while a < b:
                    edge = min(b, (i + 1) * interval)
                    mpi_row[i] += edge - a
                    if is_wait:
                        wait_row[i] += edge - a
                    a, i = edge, i + 1
            begin += step_s[t]
        neighbours = [q for q in ((r - 1), (r + 1), (r - side), (r + side)) if 0 <= q < n and q != r]
        messages = steps * len(neighbours)
        for q in neighbours:
            entries[(r, q)] = (steps, steps * (65536 if abs(q - r) == 1 else 8192))
        if r:
            entries[(r, 0)] = tuple(a + b for a, b in zip(entries.get((r, 0), (0, 0)), (3, 3 * 1024)))

        def call(name, region, count, time, size=0):
            counts = histogram(rng, count, time / count if count else 0)
            return {"name": name, "binding": "c" if name != "MPI_Bcast" else "f08", "region": region, "count": count,
                    "time_s": time, "bytes": size, "max_s": longest(counts, time / count if count else 0),
                    "histogram": counts}

        exchange, physics, outer = "exchange", "physics" + (text or ""), "(program)"
        sent = sum(e[1] for (s, _), e in entries.items() if s == r)
        calls = [
            call("MPI_Init", outer, 1, 2 * elapsed),  # before the run: in no sum
            call("MPI_Waitall", exchange, steps, 0.62 * wait + 0.3 * steps * comm),
            call("MPI_Allreduce", outer, steps, 0.38 * wait + 0.45 * steps * comm, 8 * steps),
            call("MPI_Isend", exchange, max(1, messages), 0.15 * steps * comm, sent),
            call("MPI_Irecv", exchange, max(1, messages), 0.1 * steps * comm),
            call("MPI_Bcast", outer, 6, 0.02, 4096 if r == 0 else 0),
            call("MPI_Iprobe", physics, 4 * steps, 4 * steps * 1.1e-7),
            call("MPI_Gather", outer, 12, 0.01, 12 * 1024),
            call("MPI_Comm_split", outer, 2, 0.015),
            call("MPI_File_write_all", outer, 3, 0.005, 3 << 20),
            call("MPI_Send", outer, 3 if r else 0, 3e-5 if r else 0.0, 3 * 1024 if r else 0),
        ]
        if args.quiet:
            calls = []
        calls = [c for c in calls if c["count"]]
        all_rows += calls
        ex_mpi = sum(c["time_s"] for c in calls if c["region"] == exchange)
        ph_mpi = sum(c["time_s"] for c in calls if c["region"] == physics)
        regions = [
            {"name": outer, "count": 1, "time_s": elapsed, "exclusive_s": elapsed - useful * 0.93 - ex_mpi,
             "mpi_s": mpi - ex_mpi - ph_mpi},
            {"name": physics, "count": steps, "time_s": useful * 0.93, "exclusive_s": useful * 0.93, "mpi_s": ph_mpi},
            {"name": exchange, "count": steps, "time_s": ex_mpi * 1.01, "exclusive_s": ex_mpi * 1.01, "mpi_s": ex_mpi},
        ]
        for region in regions:
            regions_sum.setdefault(region["name"], []).append(region)
        counters = {} if args.quiet else {
            "user_s": round(useful * 1.02 + wait, 6), "system_s": round(0.02 + 0.01 * rng.random(), 6),
            "max_rss_bytes": 180_000_000 + rng.randrange(40_000_000), "minor_faults": 41000 + rng.randrange(5000),
            "involuntary_switches": rng.randrange(40) + (900 if work[r][0] > 0.0125 else 0)}
        per_rank.append({"rank": r, "host": host_of[r], "pid": 4000 + r, "threads": 1, "elapsed_s": elapsed,
                         "useful_s": elapsed - mpi - over, "mpi_s": mpi, "wait_s": max(0.0, wait), "overhead_s": over,
                         "recorder_bytes": 180_000 + 16 * args.intervals, "calls": calls, "regions": regions,
                         "counters": counters})
        timeline.append({"rank": r, "mpi": [round(v, 9) for v in mpi_row], "wait": [round(v, 9) for v in wait_row]})

    known_hosts = [host_of[r] for r in known]
    eff = efficiency([p["useful_s"] for p in per_rank], known_hosts, elapsed, len(known))
    regions = []
    for name, rows in regions_sum.items():
        useful = [max(0.0, row["exclusive_s"] - row["mpi_s"]) for row in rows]
        mine = [{k: v for k, v in c.items()} for c in all_rows if c["region"] == name]
        regions.append({"name": name, "count": sum(r["count"] for r in rows), "time_s": sum(r["time_s"] for r in rows),
                        "exclusive_s": sum(r["exclusive_s"] for r in rows), "mpi_s": sum(r["mpi_s"] for r in rows),
                        "efficiency": efficiency(useful, known_hosts, max(r["exclusive_s"] for r in rows), len(rows)),
                        "calls": add_calls(mine)})
    per_bin = max(1, (n + 255) // 256)
    bins = (n + per_bin - 1) // per_bin
    cells = {}
    for (s, d), (messages, size) in entries.items():
        cell = cells.setdefault((s // per_bin, d // per_bin), [0, 0])
        cell[0] += messages
        cell[1] += size
    worst = max(per_rank, key=lambda p: p["useful_s"])
    mean = sum(p["useful_s"] for p in per_rank) / len(per_rank)
    over = sum(p["overhead_s"] for p in per_rank)
    over_share = over / (elapsed * len(per_rank))
    advice = (f"rank {worst['rank']} does {worst['useful_s'] / mean:.1f}× the average work: balancing could save up "
              f"to {100 * (1 - eff['load_balance']):.0f} % of the time.")
    if eff["load_balance"] > 0.95:
        advice = "The job runs well: 9 % of the time is communication, most of it in MPI_Waitall."
    report = {
        "schema": "ffmk-report/1", "ffmk": "0.1.0", "complete": not args.partial,
        "ending": "abort" if args.partial else "finalize", "job": "4711", "command": "./cloud --grid 96x96x32 --steps %d" % steps,
        "mpi": "Open MPI v4.1.4", "started": "2026-11-22T18:00:00Z", "ranks": n,
        "hosts": [{"name": h, "ranks": [r for r in known if host_of[r] == h]} for h in dict.fromkeys(known_hosts)],
        "elapsed_s": elapsed, "efficiency": eff,
        "overhead": {"clock": "TSC", "ns_per_call": 12.0, "total_s": over, "share": over_share,
                     "recorder_bytes": 180_000 + 16 * args.intervals},
        "advice": advice, "histogram_edges_s": EDGES,
        "calls": [dict(row, **{"class": CLASSES[row["name"]]}) for row in add_calls(all_rows)],
        "regions": sorted(regions, key=lambda r: -r["exclusive_s"]), "per_rank": per_rank,
        "timeline": {"interval_s": interval, "intervals": args.intervals, "ranks": timeline},
        "matrix": {"bins": bins, "ranks_per_bin": per_bin, "entries": [[s, d, *v] for (s, d), v in sorted(cells.items())]},
        "counters": {"source": "rusage", "asked": "papi:PAPI_TOT_INS",
                     "why": "this machine has no hardware counters (PAPI found no component that counts)",
                     "names": list(per_rank[0]["counters"])},
    }
    if args.hostile:
        for key in ("command", "mpi", "advice", "job", "started", "ffmk"):
            report[key] = text + str(report[key])
        report["counters"]["why"] = report["counters"]["asked"] = text
        for row in report["calls"]:
            row["name"] += text
    if args.quiet:
        report["timeline"] = {"interval_s": 0, "intervals": 0, "ranks": []}
        report["matrix"]["entries"] = []
        report["counters"] = {"source": "off", "asked": "off", "why": "", "names": []}
    return report, args.output


def main():
    report, name = make(sys.argv[1:])
    text = json.dumps(report, ensure_ascii=False) + "\n"
    if name == "-":
        sys.stdout.buffer.write(text.encode())
    else:
        with open(name, "w", encoding="utf-8") as out:
            out.write(text)


if __name__ == "__main__":
    main()

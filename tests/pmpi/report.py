# SPDX-License-Identifier: BSD-3-Clause
"""The JSON report is what docs/report.md says: all keys, sums that agree, times that add up; MPMD jobs do not hang."""

import math

from harness import *

TOP = ["schema", "ffmk", "complete", "ending", "job", "command", "mpi", "started", "ranks", "hosts", "elapsed_s",
       "efficiency", "overhead", "advice", "histogram_edges_s", "calls", "regions", "per_rank", "timeline", "matrix",
       "counters"]
EFFICIENCY = ["parallel", "load_balance", "load_balance_inside", "load_balance_between", "communication"]
CALL = ["name", "binding", "count", "time_s", "bytes", "max_s", "histogram"]
RANK = ["rank", "host", "pid", "threads", "elapsed_s", "useful_s", "mpi_s", "wait_s", "overhead_s", "recorder_bytes",
        "calls", "regions", "counters"]
CLASSES = {"point to point", "completion", "probe", "persistent", "partitioned", "collective", "neighbourhood",
           "one-sided", "file", "communicator", "process", "datatype", "memory", "balance"}


def near(a, b, what, part=1e-6, least=2e-6):
    check(math.isclose(a, b, rel_tol=part, abs_tol=least), what, a, b)


def keys(found, wanted, what):
    for key in wanted:
        check(key in found, what, "lacks", key)


def valid(report, np):
    keys(report, TOP, "the report")
    equal((report["schema"], report["complete"], report["ranks"]), ("ffmk-report/1", True, np), "head")
    e = report["efficiency"]
    keys(e, EFFICIENCY, "efficiency")
    for key in EFFICIENCY:
        check(0 <= e[key] <= 1, key, e[key])
    near(e["parallel"], e["load_balance"] * e["communication"], "parallel")
    near(e["load_balance"], e["load_balance_inside"] * e["load_balance_between"], "load balance")
    keys(report["overhead"], ["clock", "ns_per_call", "total_s", "share", "recorder_bytes"], "overhead")
    check(0 < report["overhead"]["ns_per_call"] < 10000, "cost of a call", report["overhead"])
    edges = report["histogram_edges_s"]
    check(all(a < b for a, b in zip(edges, edges[1:])), "edges grow")
    document = pathlib.Path(settings.source, "docs/report.md").read_text()
    for call in report["calls"]:
        keys(call, CALL + ["class"], call.get("name"))
        check(call["class"] in CLASSES and f'`"{call["class"]}"`' in document, "class of", call["name"], call["class"])
        equal(len(call["histogram"]), len(edges) + 1, "buckets")
        equal(sum(call["histogram"]), call["count"], "histogram of", call["name"])
        check(call["max_s"] <= call["time_s"] + 1e-12, "longest of", call["name"])
    times = [call["time_s"] for call in report["calls"]]
    equal(times, sorted(times, reverse=True), "most time first")

    equal([r["rank"] for r in report["per_rank"]], list(range(np)), "ranks")
    equal(sorted(r for h in report["hosts"] for r in h["ranks"]), list(range(np)), "ranks of hosts")
    for rank in report["per_rank"]:
        keys(rank, RANK, "a rank")
        near(rank["useful_s"] + rank["mpi_s"] + rank["overhead_s"], rank["elapsed_s"], "times of a rank")
        check(rank["wait_s"] <= rank["mpi_s"] + 1e-9, "waiting is part of MPI")
    everyone = [call for rank in report["per_rank"] for call in rank["calls"]]
    for what in (counted, moved):
        same(what(everyone), what(report["calls"]), "ranks' calls add up")
        same(what([c for r in report["regions"] for c in r["calls"]]), what(report["calls"]), "regions' calls add up")
    near(sum(c["time_s"] for c in everyone), sum(times), "times add up")
    useful = [rank["useful_s"] for rank in report["per_rank"]]
    near(report["elapsed_s"], max(r["elapsed_s"] for r in report["per_rank"]), "elapsed")
    if max(useful) > 0:
        near(e["parallel"], sum(useful) / np / report["elapsed_s"], "parallel efficiency", 1e-4)
        near(e["load_balance"], sum(useful) / np / max(useful), "load balance", 1e-4)
        if len(report["regions"]) == 1:
            near(report["regions"][0]["efficiency"]["parallel"], e["parallel"], "efficiency of the only region", 1e-3)

    for region in report["regions"]:
        check(region["mpi_s"] <= region["exclusive_s"] * 1.001 + 1e-6, "time in MPI of", region["name"], region["mpi_s"],
              "of", region["exclusive_s"])

    line = report["timeline"]
    equal([r["rank"] for r in line["ranks"]], list(range(np)), "ranks of the time line")
    check(line["intervals"] <= 4096 and line["intervals"] * line["interval_s"] >= report["elapsed_s"] * (1 - 1e-6),
          "the time line spans the run", line["intervals"], line["interval_s"], report["elapsed_s"])
    for own, rank in zip(line["ranks"], report["per_rank"]):
        equal((len(own["mpi"]), len(own["wait"])), (line["intervals"],) * 2, "lengths of the time line")
        near(sum(own["mpi"]), rank["mpi_s"], "time line: MPI", 1e-4)
        near(sum(own["wait"]), rank["wait_s"], "time line: waiting", 1e-4)
        for mpi, wait in zip(own["mpi"], own["wait"]):
            check(wait <= mpi + 1e-9 and mpi <= line["interval_s"] * 1.001, "an interval", mpi, wait, line["interval_s"])
    keys(report["counters"], ["source", "asked", "why", "names"], "counters")
    bins = report["matrix"]["bins"], report["matrix"]["ranks_per_bin"]
    check(bins[0] * bins[1] >= np, "bins", bins)


ways = settings.program("ways")
with Folder() as folder:
    for np in (1, 2, 4):
        for line in (16, 17, 4096):
            if np == 4 and line == 17:
                continue
            path = folder / f"{np}-{line}.json"
            run = job(np, ways, "long-line", env={"FFMK_REPORT": path, "FFMK_TIMELINE": line, "FFMK_CSV": folder / "c.csv"},
                      cwd=folder)
            run.succeeds(f"{np} ranks")
            report = read(path)
            if report:
                valid(report, np)
                for rank in report["per_rank"]:
                    waits = sum(c["time_s"] for c in rank["calls"] if c["name"] in ("MPI_Barrier", "MPI_Allreduce"))
                    near(rank["wait_s"], waits, "waiting is the time of calls that wait, and of no other", 1e-3)
                check(report["timeline"]["intervals"] <= line, "intervals", report["timeline"]["intervals"], "of", line)
                rows = (folder / "c.csv").read_text().splitlines()
                equal(len(rows) - 1, sum(len(r["calls"]) for r in report["per_rank"]), "rows of the CSV")
                table = Run([settings.command, "report", path])
                table.succeeds("ffmk report")
    # Numbers have a point, wherever the program is at home.
    home = {"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8"}
    if Run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"]).code == 0:
        exported = [word for name in home for word in ("-x", name)] if settings.mpi == "openmpi" else []
        run = Run([*settings.ranks(2), *exported, "env", f"LD_PRELOAD={settings.doors}", settings.program("leaves"), "has-a-comma"],
                  env=home | {"FFMK_REPORT": "comma.json", "FFMK_CSV": "comma.csv"}, cwd=folder)
        run.succeeds("a program whose numbers have a comma")
        report = read(folder / "comma.json")
        if report:
            valid(report, 2)
        rows = (folder / "comma.csv").read_text().splitlines()
        equal({row.count(",") for row in rows}, {7}, "commas of a row")
        check("0," not in run.err, "the summary has points, too:", run.err)
    else:
        print("not tried: a decimal comma; this machine cannot make the locale de_DE.UTF-8 (package locales)")

    # Waiting in ffmk's own calls is no work.
    run = job(2, settings.program("balances"), env={"FFMK_REPORT": "balances.json", "FFMK_CSV": "balances.csv"}, cwd=folder)
    run.succeeds("balances")
    check("FAILED" not in run.out, run.out, run.err)
    report = read(folder / "balances.json")
    if report:
        valid(report, 2)
        same(counted(report["calls"]), {("MPI_Init", "c"): 2, ("ffmk_items_create_f", "c"): 4, ("ffmk_balance_plan", "c"): 8,
                                        ("ffmk_barrier", "c"): 2, ("MPI_Finalize", "c"): 2}, "calls")
        equal({call["name"]: call["class"] for call in report["calls"] if call["name"].startswith("ffmk_")},
              {"ffmk_items_create_f": "balance", "ffmk_balance_plan": "balance", "ffmk_barrier": "collective"}, "classes")
        late, waits = report["per_rank"]
        plans = sum(call["time_s"] for call in waits["calls"] if call["name"] == "ffmk_balance_plan")
        check(waits["wait_s"] >= plans > 0.5 * late["useful_s"] > waits["useful_s"], "rank 1 waits for rank 0 in them:",
              waits["wait_s"], plans, late["useful_s"], waits["useful_s"])
        check(report["advice"].startswith("rank 0 does "), report["advice"])

    for np, program, what in ((2, ways, "regions"), (1, ways, "probes"), (1, settings.program("leaves"), "opens-in-callback")):
        run = job(np, program, what, env={"FFMK_REPORT": folder / f"{what}.json"}, cwd=folder)
        report = read(folder / f"{what}.json")
        if report:
            valid(report, np)

    # Several programs in one job: only one of them has ffmk, or all; nothing waits for those without, or takes
    # messages that are the program's.
    if settings.mpi == "openmpi":
        launcher = settings.ranks(1)
        for other in ([ways], [settings.command, "run", ways]):
            for old in folder.glob("mpmd*"):
                old.unlink()
            run = Run([*launcher, settings.command, "run", ways, "unanswered", ":", "-np", "2", *other, "unanswered"],
                      env={"FFMK_REPORT": "mpmd.json"}, cwd=folder, timeout=60)
            run.succeeds("several programs")
            report = read(folder / "mpmd.json")
            if report:
                equal((report["ranks"], report["complete"]), (1, True), "the first program's report")
            if len(other) > 1:
                report = read(folder / "mpmd.program1.json")
                if report:
                    equal((report["ranks"], report["complete"]), (2, True), "the second program's report")
done()

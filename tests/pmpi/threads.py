# SPDX-License-Identifier: BSD-3-Clause
"""MPI_THREAD_MULTIPLE: counts are exact, threads meet new communicators together, and the recorder does not grow with
threads that come and go."""

from harness import *

with Folder() as folder:
    run = job(2, settings.program("ways"), "threads", cwd=folder, env={"FFMK_REPORT": "run.json"})
    run.succeeds("threads")
    if "SKIP" in run.out:
        skip(run.out)
    report = read(folder / "run.json")
    if report:
        for rank in report["per_rank"]:
            same(counted(rank["calls"]), {("MPI_Init_thread", "c"): 1, ("MPI_Iprobe", "c"): 8 * 20000,
                                          ("MPI_Sendrecv", "c"): 8 * 100, ("MPI_Finalize", "c"): 1}, "threads")
            equal(rank["threads"], 9, "threads that called MPI")
            region = [r for r in rank["regions"] if r["name"] == "thread"]
            equal([r["count"] for r in region], [800], "openings of the threads' region")
        equal([e for e in report["matrix"]["entries"]], [[0, 0, 800, 3200], [1, 1, 800, 3200]], "matrix")

    # What is freed too early is overwritten, so that using it shows.
    run = job(1, settings.program("ways"), "meetings", cwd=folder,
              env={"FFMK_REPORT": "meetings.json", "MALLOC_PERTURB_": 165})
    run.succeeds("threads that meet a new communicator together")
    report = read(folder / "meetings.json")
    if report:
        equal(report["matrix"]["entries"], [[0, 0, 40000, 160000]], "matrix of the meetings")

    run = job(2, settings.program("ways"), "freed", cwd=folder, env={"FFMK_REPORT": "freed.json"})
    run.succeeds("a datatype freed during the first call that uses it")
    report = read(folder / "freed.json")
    if report:
        bytes_of = moved(report["calls"])
        equal([bytes_of.get((f"MPI_{call}", "c")) for call in ("Ssend", "Send", "Recv")], [200, 200, 400],
              "bytes of datatypes freed during the call")
        equal(report["matrix"]["entries"], [[0, 1, 2, 200], [1, 0, 2, 200]], "matrix of the same")

    run = job(1, settings.program("meanwhile"), "outlives", cwd=folder, env={"FFMK_REPORT": "outlives.json", "FFMK_CHAIN": 1})
    run.succeeds("threads that go on while the report is made")
    check("FAILED" not in run.out, run.out)
    report = read(folder / "outlives.json")
    if report:
        full = (30, 31, 62, 63, 126, 127)
        equal(counted(report["calls"]).get(("MPI_Recv", "c")), sum(full) + len(full), "what they received until then")
        outside = [counted(r["calls"]).get(("MPI_Recv", "c")) for r in report["regions"] if r["name"] == "(program)"]
        equal(outside, [len(full)], "the last one of each")

    later = job(1, settings.program("meanwhile"), "session-later", cwd=folder, env={"FFMK_REPORT": "later.json", "FFMK_CHAIN": 1})
    if later.code == SKIP:
        print("not tried here:", later.out.strip())
    elif later.succeeds("a session that begins later"):
        report = read(folder / "later.json")
        bytes_of = moved(report["calls"]) if report else {}
        equal([bytes_of.get((f"MPI_{call}", "c")) for call in ("Send", "Ssend")], [2 * 4 + 300, 300],
              "bytes of datatypes freed during sends, once there is a session")
        equal([counted(report["calls"]).get((f"MPI_{call}", "c")) for call in ("Session_init", "Session_finalize")], [1, 1],
              "a session that a thread begins with its first call")

    # One that begins at any moment of another thread's send: two instructions further in each rank.
    np = 16
    for kind, before in (("known", 3), ("new", 1)):
        for first in range(0, 1000 if later.code == 0 else 0, 2 * np):
            run = job(np, settings.program("meanwhile"), f"session-at-step-of-{kind}", first, cwd=folder,
                      env={"FFMK_REPORT": "step.json", "FFMK_CHAIN": 1, "FFMK_SUMMARY": "off"}, timeout=60)
            if run.code == SKIP:
                print("not tried here:", run.out.splitlines()[0])
                break
            if not run.succeeds(f"a session that begins within a {kind} send, from step {first}"):
                break
            report = read(folder / "step.json")
            found = [moved(rank["calls"]).get(("MPI_Ssend", "c")) for rank in report["per_rank"]] if report else []
            equal(found, np * [before * 4 + 300], f"bytes after a {kind} send, from step {first}")
            if "behind" in run.out:
                break

    run = job(1, settings.program("ways"), "churn", cwd=folder, env={"FFMK_REPORT": "churn.json"})
    run.succeeds("churn")
    report = read(folder / "churn.json")
    if report:
        rank = report["per_rank"][0]
        equal(counted(rank["calls"]).get(("MPI_Iprobe", "c")), 10000, "calls of threads that came and went")
        equal(rank["threads"], 10001, "threads")
        check(rank["recorder_bytes"] < 1 << 20, "the recorder holds", rank["recorder_bytes"], "bytes")
        left = [r for r in rank["regions"] if r["name"] == "left open"]
        equal([r["count"] for r in left], [5000], "a region that threads leave open")
        check(left and left[0]["time_s"] <= rank["elapsed_s"] * 1.01, "it ends with its thread:", left, rank["elapsed_s"])
    grew = [int(line.split()[1]) for line in run.out.splitlines() if line.startswith("grew")]
    check(grew and grew[0] < 20000, "the process grew by", grew, "KiB over 10,000 threads")
done()

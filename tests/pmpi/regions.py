# SPDX-License-Identifier: BSD-3-Clause
"""Regions: nesting, recursion, mistakes, limits, MPI_Pcontrol; the program goes on, a mistake costs one line."""

from harness import *

with Folder() as folder:
    run = job(2, settings.program("ways"), "regions", cwd=folder, env={"FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"})
    run.succeeds("regions")
    check("FAILED" not in run.out, run.out)
    mistakes = ["_begin: the name is NULL", "_end: the name is NULL", "another name, or none", "64 regions are open"]
    same({m: len([line for line in run.said if m in line]) for m in mistakes}, {m: 2 for m in mistakes},
         "lines about mistakes: one a process of each kind")
    report = read(folder / "run.json")
    if report:
        def calls_in(name):
            found = [r for r in report["regions"] if r["name"] == name]
            return counted(found[0]["calls"]).get(("MPI_Barrier", "c"), 0) if found else None

        equal(calls_in("outer"), 2 * 2, "barriers in outer")
        equal(calls_in("inner"), 2 * 3, "barriers in inner")
        equal(calls_in("again"), 2 * 5, "barriers in the recursive one")
        equal(calls_in("pcontrol 5"), 2 * 1, "barriers between MPI_Pcontrol(5) and (-5)")
        equal(calls_in("x" * 63), 2 * 1, "barriers in the one with the long name")
        equal(calls_in("(program)"), 2 * 1, "barriers outside, without those while recording was stopped")
        equal(calls_in("before MPI"), None, "nothing before MPI is in it")
        check(calls_in("a \"name\", of \ufffd bytes\n") is not None, "a name with a quote, a comma and no UTF-8",
              [r["name"] for r in report["regions"]])
        by_name = {r["name"]: r for r in report["regions"]}
        equal(by_name["again"]["count"], 10, "openings of the recursive one")
        equal(by_name["deep"]["count"], 128, "openings of the deep one")
        check(by_name["outer"]["time_s"] >= by_name["outer"]["exclusive_s"], "outer contains inner")
        check(by_name["again"]["time_s"] <= report["elapsed_s"] * 2, "recursion is counted once")
        for rank in report["per_rank"]:
            exclusive = sum(r["exclusive_s"] for r in rank["regions"])
            check(abs(exclusive - rank["elapsed_s"]) < 0.01 * rank["elapsed_s"] + 1e-4,
                  "exclusive times add up to the run:", exclusive, rank["elapsed_s"])
        pcontrol = counted(report["calls"]).get(("MPI_Pcontrol", "c"))
        equal(pcontrol, 2 * 4, "each MPI_Pcontrol is counted")

    # A receive is charged when the calls behind it are on their way, but to the region in which it was.
    # Also when nothing comes behind it: a thread that is still there at the end, a program without MPI_Finalize.
    for way in "receives", "receives-last":
        run = job(1, settings.program("ways"), way, cwd=folder,
                  env={"FFMK_REPORT": f"{way}.json", "FFMK_SUMMARY": "off"})
        if way == "receives":
            run.succeeds(way)
        files = [name for name in os.listdir(folder) if name.startswith(f"{way}.") or name.startswith(f"{way}-rank")]
        equal(len(files), 1, way, "leaves a report", os.listdir(folder))
        report = read(folder / files[0]) if files else None
        if report:
            found = {r["name"]: (counted(r["calls"]).get(("MPI_Recv", "c")), moved(r["calls"]).get(("MPI_Recv", "c")))
                     for r in report["regions"]}
            same(found, {"(program)": (21, 168), "outer": (10, 80), "inner": (15, 120), "even": (12, 96),
                         "odd": (8, 64)}, f"{way}: receives and their bytes by region")

    run = job(2, settings.program("ways"), "many-regions", cwd=folder, env={"FFMK_REPORT": "many.json", "FFMK_SUMMARY": "off"})
    run.succeeds("10,000 regions")
    check("FAILED" not in run.out, run.out[:500])
    equal(len([line for line in run.said if "region names" in line]), 2, "one line a process about too many", run.err)
    report = read(folder / "many.json")
    if report:
        by_name = {r["name"]: r["count"] for r in report["regions"]}
        equal(len(by_name), 1024, "names kept apart, with (program) and (other regions)")
        equal(by_name.get("(other regions)"), 2 * (10000 - 1022), "openings of the others")
        equal(counted(report["calls"]).get(("MPI_Barrier", "c")), 2 * 1000, "barriers")
        equal(sum(counted(r["calls"]).get(("MPI_Barrier", "c"), 0) for r in report["regions"]), 2 * 1000, "in the regions")
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Every row of calls.def, in every binding: arguments and result come through, and the report counts precisely what
was called. Behind the doors stands a tool that swallows the calls, so this needs no Fortran and no sense."""

from harness import *

with Folder() as folder:
    run = job(1, settings.program("every"), cwd=folder,
              env={"LD_PRELOAD": preload(settings.program("libswallow.so")), "FFMK_CHAIN": 1, "FFMK_REPORT": "run.json"})
    run.succeeds("every door")
    check("FAILED" not in run.out, run.out)
    expected = {}
    for line in run.out.splitlines():
        name, binding, count = line.split()
        expected[name, binding] = int(count)
    check(len(expected) > 500, "only", len(expected), "doors were tried")
    report = read(folder / "run.json")
    if report:
        same(counted(report["calls"]), expected, "calls")
        same(counted(report["per_rank"][0]["calls"]), expected, "calls of the rank")
        names = [(c["name"], c["binding"]) for c in report["calls"]]
        equal(len(names), len(set(names)), "each call comes once")
done()

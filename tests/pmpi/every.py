# SPDX-License-Identifier: BSD-3-Clause
"""Every row of calls.def, in every binding: arguments and result come through, and the report counts precisely what
was called. Behind the doors stands a tool that swallows the calls, so this needs no Fortran and no sense. Once more
through C with all arrays missing, where doors look at them before the call."""

from harness import *

with Folder() as folder:
    for words, least in (([], 500), (["lacking"], 150)):
        run = job(1, settings.program("every"), *words, cwd=folder,
                  env={"LD_PRELOAD": preload(settings.program("libswallow.so")), "FFMK_CHAIN": 1, "FFMK_REPORT": "run.json"})
        run.succeeds(f"every door {words}")
        check("FAILED" not in run.out, run.out)
        expected = {}
        for line in run.out.splitlines():
            name, binding, count = line.split()
            expected[name, binding] = int(count)
        check(len(expected) > least, "only", len(expected), "doors were tried", words)
        report = read(folder / "run.json")
        if report:
            same(counted(report["calls"]), expected, f"calls {words}")
            same(counted(report["per_rank"][0]["calls"]), expected, f"calls of the rank {words}")
            equal(sum(moved(report["calls"]).values()), 0, "bytes of calls that fail", words)
            names = [(c["name"], c["binding"]) for c in report["calls"]]
            equal(len(names), len(set(names)), "each call comes once", words)
        (folder / "run.json").unlink(missing_ok=True)
done()

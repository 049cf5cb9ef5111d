# SPDX-License-Identifier: BSD-3-Clause
"""counts.py SETTINGS BINDING NP: a program that keeps its own account of its calls, and the report, which must have
precisely those: nothing missing, nothing extra, each in the right binding, with the right bytes."""

from harness import *

program, np = arguments[0], int(arguments[1])
bindings = {"c": "c", "careful": "c", "mpif": "mpif", "usempi": "mpif", "f08": "f08"}
binary = settings.program("counts" if bindings[program] == "c" else f"counts_{program}")
if not pathlib.Path(binary).exists():
    skip(f"{binary} was not built: this MPI's Fortran wrapper is missing or does not fit the compiler")


def account(path):
    rows = {}
    for line in path.read_text().splitlines():
        name, binding, count, size = line.split()
        rows[name, binding if bindings[program] == "c" else bindings[program]] = int(count), int(size)
    return rows


with Folder() as folder:
    words = ["careful"] if program == "careful" else []
    run = job(np, binary, folder / "account", *words, cwd=folder, env={"FFMK_REPORT": "run.json"})
    run.succeeds(program)
    report = read(folder / "run.json")
    if report:
        whole = {}
        for rank in range(np):
            mine = account(folder / f"account.{rank}")
            check(len(mine) > 40, "only", len(mine), "calls in the account")
            calls = report["per_rank"][rank]["calls"]
            same(counted(calls), {k: c for k, (c, b) in mine.items()}, f"count on rank {rank}")
            same(moved(calls), {k: b for k, (c, b) in mine.items()}, f"bytes on rank {rank}")
            for key, (count, size) in mine.items():
                before = whole.get(key, (0, 0))
                whole[key] = before[0] + count, before[1] + size
        same(counted(report["calls"]), {k: c for k, (c, b) in whole.items()}, "count of the job")
        same(moved(report["calls"]), {k: b for k, (c, b) in whole.items()}, "bytes of the job")
        region = [r for r in report["regions"] if r["name"] == "pcontrol 7"]
        equal([(r["count"], sum(c["count"] for c in r["calls"] if c["name"] == "MPI_Barrier")) for r in region],
              [(np, np)], "the region of MPI_Pcontrol(7)")
        print(len(whole), "different calls,", sum(c for c, b in whole.values()), "in all")
done()

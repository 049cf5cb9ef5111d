# SPDX-License-Identifier: BSD-3-Clause
"""What was looked up of a handle is never taken for another's: datatypes and communicators that take turns, go away
while recording or paused, and come back as others; and sends that fail move nothing."""

from harness import *

with Folder() as folder:
    for np in (1, 2, 3):
        run = job(np, settings.program("handles"), cwd=folder, env={"FFMK_REPORT": f"{np}.json", "FFMK_SUMMARY": "off"})
        run.succeeds("handles")
        check("FAILED" not in run.out, run.out)
        report = read(folder / f"{np}.json")
        if not report:
            continue
        lines = [line.split() for line in run.out.splitlines()]
        rows = [[int(word) for word in words] for words in lines if words[0] != "reduced"]
        equal(moved(report["calls"]).get(("MPI_Reduce", "c"), 0), sum(int(w[1]) for w in lines if w[0] == "reduced"),
              "bytes where some counts mean nothing")
        expected = {(source, dest): (messages, size) for source, dest, messages, size in rows}
        found = {(e[0], e[1]): (e[2], e[3]) for e in report["matrix"]["entries"]}
        same(found, expected, f"matrix of {np}")
        sends = [c for c in report["calls"] if c["name"] == "MPI_Send"]
        equal([(c["count"], c["bytes"]) for c in sends],
              [(sum(r[2] for r in rows) + (15 - 6) * np, sum(r[3] for r in rows) - 6 * np)],
              "sends, failed ones without bytes")

    # Nothing is read of what is gone.
    if not shutil.which("valgrind"):
        print("not tried here: valgrind is not installed")
    else:
        run = job(2, "valgrind", "-q", "--read-var-info=no", settings.program("handles"), cwd=folder,
                  env={"FFMK_REPORT": "v.json", "FFMK_SUMMARY": "off"})
        run.succeeds("handles under valgrind")
        errors = run.err.split("Invalid ")[1:]
        check(not any("ffmk_" in error for error in errors), "reads of freed memory:", run.err[:3000])
done()

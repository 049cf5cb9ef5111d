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
        rows = [[int(word) for word in line.split()] for line in run.out.splitlines()]
        expected = {(source, dest): (messages, size) for source, dest, messages, size in rows}
        found = {(e[0], e[1]): (e[2], e[3]) for e in report["matrix"]["entries"]}
        same(found, expected, f"matrix of {np}")
        sends = [c for c in report["calls"] if c["name"] == "MPI_Send"]
        equal([(c["count"], c["bytes"]) for c in sends],
              [(sum(r[2] for r in rows) + 15 * np, sum(r[3] for r in rows))], "sends, failed ones without bytes")
done()

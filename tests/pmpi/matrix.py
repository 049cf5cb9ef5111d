# SPDX-License-Identifier: BSD-3-Clause
"""The communication matrix is exact: reversed ranks, persistent sends, an intercommunicator, self, nobody."""

from harness import *

with Folder() as folder:
    for np in (2, 3, 4):
        run = job(np, settings.program("ways"), "matrix", cwd=folder, env={"FFMK_REPORT": f"{np}.json"})
        run.succeeds("matrix")
        report = read(folder / f"{np}.json")
        if not report:
            continue
        expected = {}

        def sent(source, destination, messages, size):
            before = expected.get((source, destination), (0, 0))
            expected[source, destination] = before[0] + messages, before[1] + messages * size

        for rank in range(np):
            sent(rank, (rank + 1) % np, 1, 100)
            sent(rank, (rank - 1) % np, 2, 10)
            sent(rank, rank, 1, 7)
            sent(rank, (rank + 1) % np, 1, 3)
            for size in range(1, 6):
                sent(rank, (rank + 1) % np, 1, size)
        sent(0, 1, 1, 1000)
        found = {(e[0], e[1]): (e[2], e[3]) for e in report["matrix"]["entries"]}
        same(found, expected, f"matrix of {np}")
        equal(report["matrix"]["bins"], np, "bins")
        equal([r["untracked_sends"] for r in report["per_rank"]], [0] * np, "untracked sends")
done()

# SPDX-License-Identifier: BSD-3-Clause
"""A rank that is killed before the first collective operation of an unmodified program stops none of them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pmpi"))
from harness import Folder, check, done, equal, job, settings  # noqa: E402

settings.launcher.insert(1, "--enable-recovery")
words = {"FFMK_BCAST": "checked", "FFMK_BARRIER": "checked", "FFMK_ALLREDUCE": "checked", "FFMK_SUMMARY": "off",
         "FFMK_DETECT": "1000"}
with Folder() as folder:
    for transport in ("auto", "udp"):
        for np in (2, 3, 8):
            run = job(np, settings.program("early"), env={"FFMK_TRANSPORT": transport, **words}, cwd=folder, timeout=60)
            check(not run.hung, transport, np, "hangs", run.err[-2000:])
            lines = sorted(line for line in run.out.splitlines() if line.startswith("rank"))
            equal(lines, sorted(f"rank {r}: 16 right" for r in range(np - 1)), transport, np, run.err[-1000:])
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Threads operate at once on communicators of their own, in memory, over UDP and over MPI. Arguments: first seed, operations, then numbers
of ranks."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, job, settings  # noqa: E402

first, operations, *sizes = arguments
with Folder() as folder:
    for flavour, env in (("public", {}), ("public", {"FFMK_TRANSPORT": "udp"}), ("public", {"FFMK_TRANSPORT": "mpi"}), ("unmodified", {"FFMK_BCAST": "checked", "FFMK_BARRIER": "checked", "FFMK_ALLREDUCE": "checked"})):
        for np in sizes:
            run = job(int(np), settings.program(f"threads_{flavour}"), first, operations, env={"FFMK_SUMMARY": "off", **env}, cwd=folder,
                      timeout=150)
            run.succeeds(f"{flavour}, {env}, {np} ranks")
            check("done" in run.out and not run.said, flavour, env, np, "ranks", run.out[-1000:], run.said)
done()

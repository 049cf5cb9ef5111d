# SPDX-License-Identifier: BSD-3-Clause
"""Broadcasts that were begun, ended in whatever order, beside blocking operations."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pmpi"))
from harness import Folder, done, job, settings  # noqa: E402

with Folder() as folder:
    for np in (1, 2, 3, 5, 8) if settings.mpi == "openmpi" else (1, 2, 3):
        job(np, settings.program("begun"), env={"FFMK_SUMMARY": "off"}, cwd=folder).succeeds(np)
done()

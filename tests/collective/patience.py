# SPDX-License-Identifier: BSD-3-Clause
"""Where a job has more ranks than cores who waits gives its core away soon, in a communicator of two as well as in that of all."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import check, done, job, settings, skip  # noqa: E402

MOST_RANKS = 16
np = 2 * (os.cpu_count() or 1)
if np > MOST_RANKS:
    skip(f"{os.cpu_count()} cores: more ranks than that are too many for a test")
run = job(np, settings.program("patience"), env={"FFMK_SUMMARY": "off", "FFMK_BCAST": "checked"}, timeout=60)
if not run.succeeds(f"{np} ranks"):
    done()
print("until the core is given away, ns, in the communicator of all and in one of two:", run.out.strip())
in_world, in_pair = map(int, run.out.split())
check(in_world < 2**63, "nobody gave a core away")
check(in_pair < 8 * in_world, "in one of two", in_pair, "ns, of all", in_world)
done()

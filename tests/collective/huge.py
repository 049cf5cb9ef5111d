# SPDX-License-Identifier: BSD-3-Clause
"""A broadcast of more than 2^31 bytes arrives, and takes no copies of them."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, check, done, equal, job, settings, skip  # noqa: E402

available = re.search(r"MemAvailable:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
if not available or int(available[1]) < 8 << 20:
    skip("less than 8 GB of memory are free")
with Folder() as folder:
    run = job(2, settings.program("huge"), env={"FFMK_SUMMARY": "off"}, cwd=folder, timeout=120)
    run.succeeds("huge")
    found = sorted(re.findall(r"rank (\d): code (-?\d+), (\d+) wrong words, (\d+) kB more", run.out))
    equal([words[:3] for words in found], [("0", "0", "0"), ("1", "0", "0")], "results", run.out)
    check(all(int(more) < 8192 for *_, more in found), "memory beside the buffers:", run.out)
done()

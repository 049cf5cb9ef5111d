# SPDX-License-Identifier: BSD-3-Clause
"""Nonblocking operations of an unmodified program give what they should, among blocking ones and in any order.

Arguments after the settings: first seed, seeds, then transport:ranks.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pmpi"))
from harness import Folder, arguments, check, done, job, settings  # noqa: E402

first, seeds, *runs = arguments
words = {"FFMK_BCAST": "checked", "FFMK_BARRIER": "checked", "FFMK_ALLREDUCE": "checked", "FFMK_SUMMARY": "off"}
with Folder() as folder:
    for word in runs:
        transport, np = word.split(":")
        run = job(int(np), settings.program("nonblocking"), first, seeds, env={"FFMK_TRANSPORT": transport, **words},
                  cwd=folder, timeout=150)
        run.succeeds(word)
        check("done" in run.out and "FAILED" not in run.out, word, run.out[-1000:])
done()

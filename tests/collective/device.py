# SPDX-License-Identifier: BSD-3-Clause
"""Buffers in a GPU's memory: copies that fail, each told in one line; what is copied and how often.

The driver is made up (programs/gpu.c). Arguments after the settings: what FFMK_TRANSPORT is.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, job, settings  # noqa: E402

REPLACED = {"FFMK_BCAST": "checked", "FFMK_ALLREDUCE": "checked"}
with Folder() as folder:
    for flavour, env in (("public", {}), ("unmodified", REPLACED)):
        for driver, name in (("libcuda.so.1", "CUDA"), ("libamdhip64.so.6", "HIP")):
            for transport in arguments:
                run = job(3, settings.program(f"device_{flavour}"), settings.program(driver), cwd=folder, timeout=60,
                          env={"FFMK_SUMMARY": "off", "FFMK_TRANSPORT": transport, **env})
                run.succeeds(f"{flavour}, {driver}, {transport}")
                check("done" in run.out, flavour, driver, transport, run.out[-1000:])
                told = [line for line in run.said if f" {name} error 700" in line]
                equal(len(told), 3 * 4 + 2 + (3 if flavour == "public" else 0), flavour, driver, "copies that failed", run.said)
done()

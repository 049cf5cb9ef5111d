# SPDX-License-Identifier: BSD-3-Clause
"""Our collective operations give what MPI's give: random ones, by ffmk's calls and by MPI's in an unmodified program.

Arguments after the settings: public|unmodified|udp|mpi, first seed, seeds, operations a seed, then numbers of ranks. With a
driver's name before them (libcuda.so.1, libamdhip64.so.6) buffers are in a GPU's memory.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, job, settings  # noqa: E402

flavour, first, seeds, operations, *sizes = arguments
driver = [settings.program(sizes.pop(0))] if sizes[0].startswith("lib") else []
env = {"FFMK_SUMMARY": "off"}
if flavour in ("udp", "mpi"):
    env["FFMK_TRANSPORT"] = flavour
    flavour = "public"
if flavour == "unmodified":
    env |= {"FFMK_BCAST": "checked", "FFMK_BARRIER": "failure-proof", "FFMK_ALLREDUCE": "opportunistic:3"}
with Folder() as folder:
    for np in sizes:
        run = job(int(np), settings.program(f"values_{flavour}"), first, seeds, operations, *driver, env=env, cwd=folder, timeout=150)
        run.succeeds(f"{np} ranks")
        check("done" in run.out, np, "ranks", run.out[-1000:])
        check(not run.said, run.said)
done()

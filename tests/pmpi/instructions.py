# SPDX-License-Identifier: BSD-3-Clause
"""An intercepted call costs a bounded number of instructions, whatever the machine: counted under callgrind, with ffmk
and without."""

import re
import shutil

from harness import *

MOST = 75  # 57 to 59 when this was written
if not shutil.which("valgrind"):
    skip("valgrind is not installed")


CALLS = 12000


def of_a_call(library):
    """Instructions within MPI_Iprobe, and the clock that ffmk reads. The MPI's own goes by its profiling name."""
    function = "MPI_Iprobe" if library else "PMPI_Iprobe"
    with Folder() as folder:
        run = Run(["valgrind", "--tool=callgrind", f"--toggle-collect={function}", f"--callgrind-out-file={folder}/out",
                   settings.program("ways"), "probes"],
                  env={"LD_PRELOAD": library, "FFMK_SUMMARY": "off", "FFMK_REPORT": f"{folder}/run.json"})
        found = re.search(r"Collected : (\d+)", run.err)
        if run.code != 0 or not found:
            skip(f"callgrind cannot run a program of this MPI: {run.err.strip().splitlines()[-1:]}")
        clock = json.loads((folder / "run.json").read_text())["overhead"]["clock"] if library else None
        return int(found.group(1)) / CALLS, clock


(bare, _), (with_ffmk, clock) = of_a_call(None), of_a_call(settings.doors)
if clock == "clock_gettime":
    skip("no processor counter here: reading the clock is most of it")
print(f"{with_ffmk - bare:.0f} instructions more than the {bare:.0f} of an MPI_Iprobe")
check(bare > 10 and 10 < with_ffmk - bare <= MOST, "instructions that an intercepted call costs:", with_ffmk - bare, "at most", MOST)
done()

# SPDX-License-Identifier: BSD-3-Clause
"""An intercepted call costs a bounded number of instructions, whatever the machine: counted under callgrind, with ffmk
and without."""

import re
import shutil

from harness import *

MOST = {"MPI_Iprobe": 75, "MPI_Allreduce": 100}  # 57 to 59 and 80 to 83 when this was written
if not shutil.which("valgrind"):
    skip("valgrind is not installed")


CALLS = 12000


def of_a_call(name, library):
    """Instructions within a call, and the clock that ffmk reads. The MPI's own goes by its profiling name."""
    function = name if library else "P" + name
    with Folder() as folder:
        run = Run(["valgrind", "--tool=callgrind", f"--toggle-collect={function}", f"--callgrind-out-file={folder}/out",
                   settings.program("ways"), "probes"],
                  env={"LD_PRELOAD": library, "FFMK_SUMMARY": "off", "FFMK_REPORT": f"{folder}/run.json"})
        found = re.search(r"Collected : (\d+)", run.err)
        if run.code != 0 or not found:
            skip(f"callgrind cannot run a program of this MPI: {run.err.strip().splitlines()[-1:]}")
        clock = json.loads((folder / "run.json").read_text())["overhead"]["clock"] if library else None
        return int(found.group(1)) / CALLS, clock


for name, most in MOST.items():  # one that moves nothing, one that moves bytes
    (bare, _), (with_ffmk, clock) = of_a_call(name, None), of_a_call(name, settings.doors)
    if clock == "clock_gettime":
        skip("no processor counter here: reading the clock is most of it")
    print(f"{with_ffmk - bare:.0f} instructions more than the {bare:.0f} of an {name}")
    check(bare > 10 and 10 < with_ffmk - bare <= most, "instructions that an intercepted call costs:", with_ffmk - bare,
          "at most", most)
done()

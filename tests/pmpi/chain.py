# SPDX-License-Identifier: BSD-3-Clause
"""Next to another PMPI tool: the first in LD_PRELOAD gets the calls; with FFMK_CHAIN=1 ffmk passes them on, and both
count right."""

import re

from harness import *

counter = settings.program("libcounter.so")


def both(libraries, chain):
    """What the other tool counted on each rank, and what ffmk did in all; None where one saw nothing."""
    (folder / "run.json").unlink(missing_ok=True)
    env = {"LD_PRELOAD": ":".join(libraries), "FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"}
    run = job(2, settings.program("ways"), "plain", cwd=folder, env=env | ({"FFMK_CHAIN": 1} if chain else {}))
    run.succeeds(f"{libraries}, FFMK_CHAIN {chain}")
    theirs = [int(n) for n in re.findall(r"counter \d: (\d+) barriers", run.out)]
    path = folder / "run.json"
    ours = counted(json.loads(path.read_text())["calls"]) if path.exists() else None
    equal(run.err, "", "nothing is said")
    return theirs, ours


with Folder() as folder:
    whole = {("MPI_Init", "c"): 2, ("MPI_Barrier", "c"): 20, ("MPI_Finalize", "c"): 2}
    equal(both([settings.doors], False), ([], whole), "ffmk alone")
    equal(both([counter], False), ([10, 10], None), "the other alone")
    equal(both([settings.doors, counter], False), ([], whole), "the first wins")
    equal(both([counter, settings.doors], False), ([10, 10], None), "the first wins, the other way round")
    equal(both([settings.doors, counter], True), ([10, 10], whole), "FFMK_CHAIN=1: both count")
    equal(both([settings.doors], True), ([], whole), "FFMK_CHAIN=1 with nobody behind")
    # Of some calls ffmk is the first; of MPI's end it is not.
    run = job(2, settings.program("ways"), "long-line", cwd=folder, env={"LD_PRELOAD": f"{counter}:{settings.doors}"})
    run.succeeds("the other first, which has not all calls")
    said = [line for line in run.said if "ended MPI past ffmk" in line]
    equal(len(said), 2, "a line a rank says what to do:", run.err)
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Where something between the hosts lets MPI's messages through and not ours, all is left to MPI, and a line says why.

Arguments after the settings: what is held up: datagrams, streams. With Open MPI: MPICH's own MPI_Finalize hangs without UDP.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import arguments, check, done, equal, settings, skip  # noqa: E402
from hosts import MPI_PORTS, Hosts, missing  # noqa: E402

why = missing()
if why:
    skip(why)

CHECKED = {"FFMK_BCAST": "checked", "FFMK_BARRIER": "checked", "FFMK_ALLREDUCE": "checked"}
LINES = {"datagrams": "UDP does not get from host to host", "streams": "UDP gets from host to host, TCP to our ports does not"}

for what in arguments:
    with Hosts(2) as hosts:
        if what == "datagrams":
            hosts.loss(1, 100)
        else:
            hosts.block_streams(1)
        run = hosts.launch(2, settings.program("values_unmodified"), 1, 2, 50, options=MPI_PORTS,
                           env={"FFMK_SUMMARY": "off", "FFMK_DETECT": 1000, **CHECKED}).wait(60)
        run.succeeds(what)
        equal(run.out, "done\n", what)
        # The first communicators may be two that have no rank in common.
        check(1 <= len(run.said) <= 2, what, "lines", run.said)
        check(all("left to MPI" in line and LINES[what] in line for line in run.said), what, run.said)
done()

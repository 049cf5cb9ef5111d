# SPDX-License-Identifier: BSD-3-Clause
"""Collective operations of ranks on several hosts give what MPI's give (values.py has them on one host).

Arguments after the settings: public|unmodified, first seed, seeds, operations a seed, then hosts x ranks on each.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, settings, skip  # noqa: E402
from hosts import Hosts, missing  # noqa: E402

why = missing()
if why:
    skip(why)

LEFT_TO_MPI = "ffmk: collective operations are left to MPI, which does not survive deaths: not all ranks are on one host"

flavour, first, seeds, operations, *shapes = arguments
env = {"FFMK_SUMMARY": "off"}
if flavour == "unmodified":
    env |= {"FFMK_BCAST": "checked", "FFMK_BARRIER": "failure-proof", "FFMK_ALLREDUCE": "opportunistic:3"}


def right(run, said, what):
    """All values are, by what each rank said. At its end the program compares the number of segments with that of communicators
    on one host: on several there may be fewer, and then a rank ends the job with that, behind its last operation. Others may
    be killed while they write the same."""
    check(not run.hung, what, "hangs", said, run.err[-3000:])
    failed = re.findall(r"^FAILED: .*", "".join(said), re.M)
    end = f"seed {int(first) + int(seeds)}, operation {operations} ("
    equal([line for line in failed if end not in line], [], what, "wrong values")
    if run.code == 0:
        equal(said[0], "done\n", what, "rank 0")
    else:
        check("segments of ours for" in "".join(said), what, "exit code", run.code, said, run.err[-3000:])


with Folder() as folder:
    for shape in shapes:
        count, each = map(int, shape.split("x"))
        with Hosts(count) as hosts:
            # A file for each rank: the launcher may drop what comes when the job is ended.
            script = 'exec "$@" >rank${OMPI_COMM_WORLD_RANK:-$PMI_RANK}'
            words = settings.program(f"values_{flavour}"), first, seeds, operations
            run = hosts.launch(each, "sh", "-c", script, "sh", *words, env=env, cwd=folder).wait(150)
            what = f"{each} ranks on each of {count} hosts"
            said = []
            for rank in range(count * each):
                said.append((folder / f"rank{rank}").read_text())
                (folder / f"rank{rank}").unlink()
            right(run, said, what)
            equal(set(run.said) - {LEFT_TO_MPI}, set(), what, "what ffmk says")
            for host in range(1, count + 1):
                equal([path.name for path in hosts.shm(host).glob("ffmk-*")], [], what, "left behind on host", host)
done()

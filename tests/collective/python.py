# SPDX-License-Identifier: BSD-3-Clause
"""A program in Python (mpi4py) gets from our collective operations what it gets from MPI's: buffers and pickled objects."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, check, done, equal, job, skip  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that Debian's mpi4py is for
PROGRAM = """
from array import array
from mpi4py import MPI
import hashlib, random, re
world = MPI.COMM_WORLD
rank, size = world.rank, world.size
halves = world.Split(rank % 2, -rank)
seen = hashlib.sha256()
draw = random.Random(5)
for i in range(150):
    comm = draw.choice((world, halves, MPI.COMM_SELF))
    root = draw.randrange(1000) % comm.size
    n = draw.choice((0, 1, 7, 100, 5000, 100000))
    what = draw.randrange(6)
    if what == 0:
        thing = comm.bcast({"i": i, "of": comm.rank, "text": "x" * n} if comm.rank == root else None, root=root)
        seen.update(repr(sorted(thing.items())).encode())
    elif what == 1:
        data = array("d", [comm.rank + k * 0.5 for k in range(n)])
        comm.Bcast([data, MPI.DOUBLE], root=root)
        seen.update(data.tobytes())
    elif what == 2:
        seen.update(repr(comm.allreduce([comm.rank, i])).encode())  # lists: not commutative
    elif what == 3:
        data, result = array("q", [comm.rank * 3 + k for k in range(n)]), array("q", [0] * n)
        comm.Allreduce([data, MPI.INT64_T], [result, MPI.INT64_T], op=draw.choice((MPI.SUM, MPI.MAX, MPI.BXOR)))
        seen.update(result.tobytes())
    elif what == 4:
        data = array("q", [comm.rank + k for k in range(n)])
        comm.Allreduce(MPI.IN_PLACE, [data, MPI.INT64_T], op=MPI.SUM)
        seen.update(data.tobytes())
    else:
        comm.Barrier()
digests = world.gather((seen.hexdigest()))
segments = len(re.findall("/ffmk-comm-", open("/proc/self/maps").read()))
if rank == 0:
    print(*digests, flush=True)
    print("segments", segments, flush=True)
"""

if subprocess.run([PYTHON, "-c", "import mpi4py"], capture_output=True).returncode != 0:
    skip(f"{PYTHON} has no mpi4py")
with Folder() as folder:
    (folder / "program.py").write_text(PROGRAM)
    for np in (1, 3):
        results = []
        for word in ("off", "checked"):
            env = {"FFMK_SUMMARY": "off", "FFMK_BCAST": word, "FFMK_BARRIER": word, "FFMK_ALLREDUCE": word}
            run = job(np, PYTHON, folder / "program.py", env=env, cwd=folder, timeout=100)
            run.succeeds(f"{np} ranks, {word}")
            ours = "segments 0\n" not in run.out
            check(ours == (word == "checked" and np > 1), np, word, run.out)
            results.append(run.out.splitlines()[0] if run.out else "nothing")
        equal(results[1], results[0], np, "ranks")
done()

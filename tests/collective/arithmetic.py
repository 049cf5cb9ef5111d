# SPDX-License-Identifier: BSD-3-Clause
"""What combines MPI's datatypes in our nonblocking reductions gives what MPI gives, to threads that ask at once, too."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pmpi"))
from harness import Folder, check, done, job, settings  # noqa: E402

# Open MPI binds one rank to one core, where threads hardly meet.
ENV = {"LD_PRELOAD": "", "OMPI_MCA_hwloc_base_binding_policy": "none"}
with Folder() as folder:
    for seed in range(1, 6):
        run = job(1, settings.program("arithmetic"), seed, env=ENV, cwd=folder)
        run.succeeds(f"seed {seed}")
        check("FAILED" not in run.out, run.out)
done()

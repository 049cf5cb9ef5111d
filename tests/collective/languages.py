# SPDX-License-Identifier: BSD-3-Clause
"""Unmodified Fortran programs, `use mpi` and mpi_f08, have the same with their collective calls replaced as without:
handles, MPI_IN_PLACE, MPI_BOTTOM, logical and character buffers, operations written in Fortran, sections of arrays.
And they are replaced: what the report charges to MPI took place on our ways, which leaves nothing to MPI's."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pmpi"))
from harness import Folder, Run, check, done, job, settings, skip  # noqa: E402

MODES = ("checked", "opportunistic:2", "failure-proof:1")
NP = (1, 2, 3) if settings.mpi == "openmpi" else (1, 2)

if not settings.fortran:
    skip("no Fortran compiler for this MPI")


def results(folder, np, name, **options):
    """What each rank wrote."""
    files = [folder / f"rank-{rank}" for rank in range(np)]
    for file in files:
        file.unlink(missing_ok=True)
    job(np, folder / name, cwd=folder, **options).succeeds(f"{name} {options}")
    return [file.read_text() for file in files if check(file.exists(), name, options, file, "is not there")]


with Folder() as folder:
    for name in ("languages", "languages_f08"):
        source = pathlib.Path(__file__).parent / "programs" / f"{name}.f90"
        # gfortran complains of two kinds of buffers in one file unless told that MPI means it.
        Run([settings.fortran, "-O1", "-fallow-argument-mismatch", source, "-o", folder / name], cwd=folder).succeeds(name)
        for np in NP:
            plain = results(folder, np, name, env={"LD_PRELOAD": ""})
            for mode in MODES:
                env = {"FFMK_BCAST": mode, "FFMK_BARRIER": mode, "FFMK_ALLREDUCE": mode, "FFMK_SUMMARY": "off"}
                check(results(folder, np, name, env=env) == plain, name, mode, np, "differs from the plain run")
done()

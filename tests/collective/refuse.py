# SPDX-License-Identifier: BSD-3-Clause
"""Wrong use is told in one line and by the promised code, and cases at the edge: what is MPI's stays MPI's."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, check, done, equal, job, settings  # noqa: E402

CHECKED = {"FFMK_BCAST": "checked", "FFMK_BARRIER": "checked", "FFMK_ALLREDUCE": "checked"}
QUIET = {"FFMK_SUMMARY": "off"}
ALL = ["ffmk_bcast", "ffmk_barrier", "ffmk_allreduce", "ffmk_comm_dead"]


def went_on(run, np, *what):
    run.succeeds(" ".join(map(str, what)))
    check("FAILED" not in run.out, *what, run.out[-2000:])
    return equal(run.out.count("went on"), np, *what, "ranks at the end", run.out[-500:], run.err[-1500:])


def calls(run):
    """Which call each line of ours is about."""
    return [line.split(": ")[1] for line in run.said]


with Folder() as folder:
    # Each mistake is one line that names the call.
    refuse = settings.program("refuse")
    for word, expected in (
            ("state", sorted(2 * 2 * ALL)),
            ("arguments", 6 * ["ffmk_bcast"] + ["ffmk_barrier"] + 4 * ["ffmk_allreduce"] + ALL[:3]),
            ("more", ALL[:3] + 3 * ["ffmk_comm_dead"]),
            ("lengths", 12 * ["ffmk_bcast"])):
        run = job(2, refuse, word, env=QUIET, cwd=folder, timeout=60)
        went_on(run, 2, word)
        equal(sorted(calls(run)) if word == "state" else calls(run), expected, word, "lines", run.err)

    # Words that are none.
    for variable in CHECKED:
        for value in ("maybe", "failure-proof:0", "checked:3", "opportunistic:31", "checked ", "Checked", "failure-proof:"):
            if variable != "FFMK_BCAST" and value != "maybe":
                continue
            run = job(2, settings.program("edges_unmodified"), "plain", env={variable: value, **QUIET}, cwd=folder, timeout=60)
            went_on(run, 2, variable, value)
            check(len(run.said) == 1 and f"{variable}={value} is not allowed" in run.said[0] and "(ignored)" in run.said[0],
                  variable, value, run.err)
            check("segments 0" in run.out, variable, value, run.out)
    run = job(2, settings.program("edges_unmodified"), "plain", env={"FFMK_BCAST": "maybe", "FFMK_STRICT": "1"}, cwd=folder, timeout=60)
    check(not run.hung and run.code != 0 and "went on" not in run.out, "strict", run.code, run.out)
    check(any("FFMK_BCAST=maybe is not allowed" in line for line in run.said), "strict", run.err)
    for variable in CHECKED:
        for value, segments in (("failure-proof:30", 1), ("opportunistic", 1), ("off", 0), (None, 0)):
            run = job(2, settings.program("edges_unmodified"), "plain", env={variable: value, **QUIET}, cwd=folder, timeout=60)
            went_on(run, 2, variable, value)
            check(f"segments {segments}" in run.out and not run.said, variable, value, run.out, run.err)

    # At the edge.
    most = 8 if settings.mpi == "openmpi" else 2
    for flavour, env in (("public", {}), ("unmodified", CHECKED)):
        program = settings.program(f"edges_{flavour}")
        if settings.mpi == "openmpi":  # as where processes may not read each other's memory
            alone = {"OMPI_MCA_btl_vader_single_copy_mechanism": "none"}
        else:
            alone = {"UCX_TLS": "posix,self"}
        went_on(job(2, program, "meanwhile", env={**QUIET, **env, **alone}, cwd=folder, timeout=60), 2, flavour, "meanwhile")
        for word, np, lines in (("many", most, 0), ("unused", 2, 0), ("apart", 2, 0), ("operation", 2, None), ("memory", 3, 0), ("aligned", 2, 0), ("ahead", 3, 0)):
            run = job(np, program, word, env={**QUIET, **env}, cwd=folder, timeout=100)
            went_on(run, np, flavour, word)
            check(lines is None or len(run.said) == lines, flavour, word, "lines", run.said)
        for transport in ("udp", "mpi"):
            for word in ("operation", "chain", *(["together"] if transport == "mpi" else [])):
                run = job(3, program, word, env={**QUIET, **env, "FFMK_TRANSPORT": transport}, cwd=folder, timeout=60)
                went_on(run, 3, flavour, word, transport)
        for more in ({}, {"FFMK_TRANSPORT": "udp"}, {"FFMK_TRANSPORT": "udp", "FFMK_DISABLE": "1"} if flavour == "public" else {}):
            run = job(3, program, "unfinished", env={**QUIET, **env, **more}, cwd=folder, timeout=60)
            went_on(run, 3, flavour, "unfinished", more)
        # Where there is no way of ours, one line says so.
        run = job(2, program, "apart", env={**QUIET, **env, "FFMK_TRANSPORT": "udp", "FFMK_NET": "no-such-interface"}, cwd=folder, timeout=100)
        went_on(run, 2, flavour, "apart", "no interface")
        check(len(run.said) == 1 and "left to MPI" in run.said[0], flavour, "lines", run.said)
    run = job(3, settings.program("edges_unmodified"), "buffers", env={**QUIET, **CHECKED}, cwd=folder, timeout=60)
    went_on(run, 3, "buffers")
    # Ranks that are not under ffmk do not meet, and are not waited for.
    alone = ["-n", "1", "env", "LD_PRELOAD=", settings.program("edges_unmodified"), "mixed"]
    run = job(1, settings.program("edges_unmodified"), "mixed", ":", *alone, env={**QUIET, **CHECKED}, cwd=folder, timeout=60)
    went_on(run, 2, "one of two under ffmk")
    run = job(most, settings.program("edges_unmodified"), "inter", env={**QUIET, **CHECKED}, cwd=folder, timeout=60)
    went_on(run, most, "an intercommunicator")
    check(not run.said, run.said)

    # Switched off ffmk measures nothing, but a program's own calls of it work.
    run = job(2, settings.program("edges_public"), "plain", env={"FFMK_DISABLE": "1"}, cwd=folder, timeout=60)
    went_on(run, 2, "FFMK_DISABLE=1")
    check("segments 1" in run.out and not run.said, "FFMK_DISABLE=1", run.out, run.err)
    run = job(2, settings.program("edges_unmodified"), "plain", env={"FFMK_DISABLE": "1", **CHECKED}, cwd=folder, timeout=60)
    went_on(run, 2, "FFMK_DISABLE=1, unmodified")
    check("segments 0" in run.out and not run.said, "FFMK_DISABLE=1, unmodified", run.out, run.err)

    # A rank dies of a communicator that is not MPI_COMM_WORLD, which we never had to do with.
    if settings.mpi == "openmpi":
        settings.launcher.insert(1, "--enable-recovery")
        for flavour, env in (("public", {}), ("unmodified", CHECKED)):
            run = job(4, settings.program(f"edges_{flavour}"), "part", env=env, cwd=folder, timeout=60)
            check(not run.hung, "part", flavour, "hangs", run.err[-2000:])
            check("FAILED" not in run.out and run.out.count("went on") == 3, "part", flavour, run.out, run.err[-2000:])
            summaries = re.findall(r"^ffmk: [0-9.]+ s on (\d+) rank", run.err, re.M)
            equal(summaries, ["3"], "part", flavour, "summaries")
done()

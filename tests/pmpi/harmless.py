# SPDX-License-Identifier: BSD-3-Clause
"""The doors do no harm: in programs without MPI, in launchers and shells, in programs that end in every way, that fork,
that leave an MPI call by longjmp; with the library of another MPI; and they say what they know of a run cut short."""

from harness import *

ways = settings.program("ways")
TEN = {("MPI_Init", "c"): 1, ("MPI_Barrier", "c"): 10}


def partial(folder, rank, ending, calls):
    report = read(folder / f"run.rank{rank}.json")
    if report:
        equal((report["complete"], report["ending"]), (False, ending), "how rank", rank, "ended")
        same(counted(report["calls"]), calls, f"calls of rank {rank}")
        equal(report["ranks"], 2, "ranks of the job")


# ---- no MPI ----
alone = {"LD_PRELOAD": settings.doors}
for words in (["/bin/true"], ["sh", "-c", "echo a; (echo b); true | cat"], [ways, "without-mpi"]):
    bare, loaded = Run(words), Run(words, env=alone)
    equal((loaded.code, loaded.raw, loaded.err), (bare.code, bare.raw, bare.err), "with and without ffmk:", words)

with Folder() as folder:
    report = {"FFMK_REPORT": "run.json"}

    # ---- the launcher itself ----
    for words, extra in (([settings.command, "run"], {}), ([], alone)):
        run = Run([*words, *settings.ranks(2), ways, "plain"], env=report | extra, cwd=folder)
        if run.succeeds(f"a launcher under {'ffmk run' if words else 'LD_PRELOAD'}"):
            found = read(folder / "run.json")
            if found:
                equal((found["ranks"], found["complete"]), (2, True), "the launcher's job")
                (folder / "run.json").unlink()

    # ---- ends ----
    run = job(2, ways, "plain", env=report, cwd=folder)
    run.succeeds("plain")
    equal(run.raw, b"words on standard output\n", "standard output is the program's")
    summary = [line for line in run.err.splitlines() if line.strip()]
    check(0 < len(summary) <= 12, "a summary of at most twelve lines:", run.err)

    for who, what in ((0, "abort-first"), (1, "abort-second")):
        bare = job(2, ways, what, env={"LD_PRELOAD": ""}, cwd=folder)
        run = job(2, ways, what, env=report, cwd=folder)
        check(not run.hung, what, "hangs")
        equal(run.code, bare.code, "exit code of", what)
        equal(len([line for line in run.said if "MPI_Abort" in line]), 1, "one line about", what, run.err)
        partial(folder, who, "abort", TEN | {("MPI_Abort", "c"): 1})

    def both_ways(what):
        """The run with ffmk; it ends as the bare one does. On a busy machine MPICH sometimes ends a rank with 1 when the
        other has left, with ffmk or without: such pairs are tried again."""
        for _ in range(5):
            for old in folder.glob("run.rank*"):
                old.unlink()
            bare = job(2, ways, what, env={"LD_PRELOAD": ""}, cwd=folder)
            run = job(2, ways, what, env=report, cwd=folder)
            check(not run.hung, what, "hangs")
            if (run.code == 0) == (bare.code == 0):
                break
        equal(run.code == 0, bare.code == 0, "exit code of", what, run.err)
        return run

    for what in ("leave", "exit"):
        run = both_ways(what)
        said = [line for line in run.said if "without MPI_Finalize" in line]
        # The launcher may end the other rank before its exit handlers run.
        check(1 <= len(said) <= 2, "each rank says that it left:", run.err)
        for rank in range(2):
            if any(f"rank {rank} " in line for line in said):
                partial(folder, rank, "exit", TEN)

    for what in ("_exit", "killed"):
        run = both_ways(what)

    run = job(2, ways, "finalize-at-exit", env=report, cwd=folder)
    run.succeeds("MPI_Finalize in an exit handler")
    found = read(folder / "run.json")
    if found:
        equal(found["complete"], True, "complete")
        same(counted(found["calls"]), {k: 2 * v for k, v in (TEN | {("MPI_Finalize", "c"): 1}).items()}, "at exit")

    for what in ("unanswered", "exhausts"):
        for old in folder.glob("run*"):
            old.unlink()
        run = job(2, ways, what, env=report, cwd=folder, timeout=60)
        run.succeeds(what)
        found = read(folder / "run.json")
        if found:
            equal((found["ranks"], found["complete"]), (2, True), "the report of", what)

    # A collective that failed may spoil the report, never the end.
    for np in (2, 4):
        bare = job(np, ways, "gather-fails", env={"LD_PRELOAD": ""}, cwd=folder, timeout=30)
        if bare.hung or bare.code != 0:
            print("not tried here: a gather that fails ends this MPI without ffmk as well")
            break
        run = job(np, ways, "gather-fails", env=report, cwd=folder, timeout=30)
        check(not run.hung, "hangs after a gather that failed:", run.err)
        equal(run.code, 0, "exit after a gather that failed", run.err)

    # ---- calls that lack an array ----
    for words in ([], ["careful"]):
        bare, run = (job(1, settings.program("missing"), *words, cwd=folder, env={"LD_PRELOAD": libraries, "FFMK_SUMMARY": "off"})
                     for libraries in ("", settings.doors))
        if bare.code != 0:
            print("not tried here: a missing array ends a program of this MPI without ffmk as well")
            break
        equal((run.code, run.out), (bare.code, bare.out), "errors of calls that lack an array", words, run.err)
        check(len(run.out.splitlines()) == 26 and ": 0" not in run.out, "they are errors:", run.out)

    # ---- children, frames that are left ----
    run = job(2, ways, "forks", env=report, cwd=folder)
    run.succeeds("forks")
    check("FAILED" not in run.out and "without MPI_Finalize" not in run.err, run.out, run.err)
    found = read(folder / "run.json")
    if found:
        same(counted(found["calls"]), {k: 2 * v for k, v in (TEN | {("MPI_Finalize", "c"): 1}).items()}, "forks")

    leaves = settings.program("leaves")
    run = job(2, leaves, "jumps", env=report, cwd=folder)
    run.succeeds("longjmp out of an error handler")
    found = read(folder / "run.json")
    if found:
        calls = counted(found["calls"])
        equal((calls.get(("MPI_Barrier", "c")), calls.get(("MPI_Finalize", "c"))), (2 * 10, 2), "calls after longjmp")
    script = '[ ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} = 0 ] && exec "$2" $3; exec "$1" plain'
    for what in ("jumps-last", "jumps-last-deep", "stacks"):
        (folder / "run.json").unlink(missing_ok=True)
        run = job(2, "sh", "-c", script, "sh", ways, leaves, what, env=report, cwd=folder, timeout=20)
        run.succeeds(what)
        found = read(folder / "run.json")
        if found:
            equal((found["ranks"], found["complete"]), (2, True), "the report of", what)
    (folder / "run.rank0.json").unlink(missing_ok=True)
    run = job(2, leaves, "aborts-in-handler", env=report, cwd=folder, timeout=20)
    equal((run.hung, run.code), (False, 3), "MPI_Abort in an error handler")
    partial(folder, 0, "abort", TEN)  # what lies within another call is a part of it

    # A signal's handler ends the process, mostly within malloc.
    if settings.mpi == "openmpi":
        for _ in range(8):
            run = job(1, leaves, "exits-within-malloc", env=report, cwd=folder, timeout=20)
            equal((run.hung, run.code), (False, 5), "exit() in a signal's handler", run.err)
            if run.hung or "it ended in a signal's handler" in run.err:
                break
        check("it ended in a signal's handler" in run.err, "a line says that the report is lost:", run.err)
    else:
        print("not tried here: exit() in a handler that interrupted malloc hangs with this MPI without ffmk as well")

    for what in ("crashes", "exits-locked"):
        bare, run = (job(1, leaves, what, env=report | {"FFMK_CSV": "run.csv", "LD_PRELOAD": libraries}, cwd=folder, timeout=20)
                     for libraries in ("", settings.doors))
        equal((run.hung, run.code), (bare.hung, bare.code), "the end of", what, run.err)
        check("it ended in a signal's handler" in run.err, "a line for", what, run.err)
        equal(list(folder.glob("*.tmp")), [], "half of a report after", what)

    (folder / "run.json").unlink(missing_ok=True)
    run = job(2, leaves, "finalizes-locked", env=report, cwd=folder, timeout=20)
    run.succeeds("MPI_Finalize while a thread allocates")
    check("not everything that was recorded" in run.err, "a line about the thread's part:", run.err)
    found = read(folder / "run.json")
    if found:
        calls = counted(found["calls"])
        equal((found["complete"], calls.get(("MPI_Barrier", "c"))), (False, 2 * 10), "a report without a thread's part")

    # The first rank ends with 4; MPICH's launcher sometimes tells how it ended the other one instead (5 of 60).
    for _ in range(5):
        run = job(2, leaves, "exits-in-finalize", env=report, cwd=folder, timeout=20)
        if run.hung or run.code == 4:
            break
    equal((run.hung, run.code), (False, 4), "exit() in a handler within MPI_Finalize", run.err)
    check("rank 0 ends while the ranks' report is made" in run.err, "a line says so:", run.err)
    for _ in range(10):
        (folder / "run.rank0.json").unlink(missing_ok=True)
        run = job(1, leaves, "aborts-together", env=report, cwd=folder, timeout=20)
        check(not run.hung and run.code != 0, "MPI_Abort by several threads", run.code)
        found = read(folder / "run.rank0.json")
        if found:
            equal((found["ending"], counted(found["calls"])["MPI_Barrier", "c"]), ("abort", 4), "its report")
    # Its words with MPICH's launcher are closed as well, which ends it with 9 if it is quick.
    for _ in range(5):
        bare, run = (job(1, leaves, "closes-all", cwd=folder, timeout=20, env=report | {"FFMK_COUNTERS": "perf", "LD_PRELOAD": libraries})
                     for libraries in ("", settings.doors))
        if (run.hung, run.code) == (bare.hung, bare.code):
            break
    equal((run.hung, run.code), (bare.hung, bare.code), "the end of a program that closed our counters", run.err)

    # ---- what we write ----
    # Nobody reads it, or it must not be written: without ffmk the program would hear of neither.
    lone = [*settings.ranks(1), settings.command, "run"] if settings.mpi == "openmpi" else [settings.command, "run"]
    for what, script in (("nobody reads", 'exec 3>&1; { "$@" 2>&1; echo $? >&3; } | true'), ("ulimit -f 0", 'ulimit -f 0; "$@"; echo $?')):
        codes = []
        for words in (lone[:-2], lone):
            if what == "nobody reads":
                words = words[len(lone) - 2:]  # the launcher itself writes
            run = Run(["bash", "-c", script, "bash", *words, ways, "silent"], env=report, cwd=folder, timeout=30)
            codes.append(run.out.split()[-1:])
        equal(codes[1], codes[0], f"exit codes when {what}: with ffmk, and without")

    # ---- settings ----
    (folder / "run.json").unlink(missing_ok=True)
    run = job(2, ways, "plain", env=report | {"FFMK_DISABLE": 1}, cwd=folder)
    run.succeeds("FFMK_DISABLE=1")
    check("ffmk" not in run.err and not (folder / "run.json").exists(), "FFMK_DISABLE=1 says and writes nothing:", run.err)
    run = job(2, ways, "plain", env=report | {"LD_BIND_NOW": 1}, cwd=folder)
    run.succeeds("LD_BIND_NOW=1")
    read(folder / "run.json")
    run = job(2, ways, "elsewhere", env=report, cwd=folder)
    run.succeeds("chdir")
    read(folder / "run.json")

    # ---- the library of another MPI ----
    for other in settings.mpis:
        if other != settings.mpi:
            for name in ("ways", "counts_f08"):
                if not pathlib.Path(settings.program(name)).exists():
                    continue
                words = ["plain"] if name == "ways" else [folder / "account"]
                run = job(2, settings.program(name), *words, cwd=folder,
                          env=report | {"LD_PRELOAD": f"{settings.libraries}/{other}/libffmk.so.0"})
                run.succeeds(f"{name} of {settings.mpi} with the libffmk for {other}")
                equal(len(run.err.splitlines()), 1, "one line about the wrong library:", run.err)

    # ---- Python ----
    python = "/usr/bin/python3"
    has = pathlib.Path(python).exists() and Run([python, "-c", "import mpi4py"]).code == 0
    if has:
        program = ("from mpi4py import MPI; c = MPI.COMM_WORLD\n"
                   "for i in range(7): c.Barrier()\n"
                   "print(MPI.Get_library_version().split()[0])")
        run = job(2, python, "-c", program, env=report, cwd=folder)
        vendor = "Open" if settings.mpi == "openmpi" else "MPICH"
        if vendor in run.out and run.succeeds("mpi4py"):
            found = read(folder / "run.json")
            if found:
                equal(counted(found["calls"]).get(("MPI_Barrier", "c")), 14, "barriers of mpi4py")
        else:
            print("mpi4py is of another MPI")
    else:
        print("no mpi4py here")
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Only some ranks run under ffmk: a script that starts them differently, several programs on one line of the launcher.
Nobody waits for the others; one line says so, and each rank that is watched reports for itself."""

import time

from harness import *

ways = settings.program("ways")


def look(folder, run, what, watched, of, once=("MPI_Init", "MPI_Finalize")):
    check(not run.hung, what, "hangs")
    run.succeeds(what)
    equal(len([line for line in run.said if f"only {len(watched)} of this job's {of} ranks" in line]), 1, "one line:", run.err)
    equal(len([line for line in run.said if "its part of the report" in line]), len(watched), "a line for each:", run.err)
    equal(sorted(path.name for path in folder.glob("run*")), [f"run.rank{rank}.json" for rank in watched], "reports of", what)
    for rank in watched:
        report = read(folder / f"run.rank{rank}.json")
        if report:
            equal((report["ranks"], report["complete"]), (of, False), "ranks of", what)
            same(counted(report["calls"]), {("MPI_Barrier", "c"): 10} | {(name, "c"): 1 for name in once}, f"calls of rank {rank} in {what}")
    for path in folder.glob("run*"):
        path.unlink()


with Folder() as folder:
    leftovers = set(pathlib.Path("/dev/shm").glob("ffmk-*"))
    variables = {"LD_PRELOAD": "", "FFMK_REPORT": "run.json"}
    for watched in ([0], [1], [2], [1, 2]):
        choose = "|".join(str(rank) for rank in watched)
        script = f'case ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} in {choose}) exec "$@" ;; *) shift 2; exec "$@" ;; esac'
        run = job(3, "sh", "-c", script, "sh", settings.command, "run", ways, "plain", env=variables, cwd=folder, timeout=60)
        look(folder, run, f"a script that watches {choose}", watched, 3)

    # A session that begins while MPI_Init is under way does not make a rank forget to look.
    sessions = Run([settings.program("sessions")], timeout=60).code != SKIP
    if not sessions:
        print("not tried here: this MPI has no sessions")
    else:
        script = ('case ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} in 0) shift; exec "$@" session-within-init ;; '
                  '1) shift; exec "$@" init-within-session ;; *) exec "$1" plain ;; esac')
        run = job(3, "sh", "-c", script, "sh", ways, settings.command, "run", settings.program("meanwhile"),
                  env=variables | {"FFMK_CHAIN": 1}, cwd=folder, timeout=20)
        look(folder, run, "sessions while MPI starts", [0, 1], 3,
             ("MPI_Init_thread", "MPI_Session_finalize", "MPI_Finalize"))

        # Nor does one that begins before MPI_Init, or with no MPI_Init at all.
        both = ("MPI_Session_init", "MPI_Init", "MPI_Session_finalize", "MPI_Finalize")
        alone = ("MPI_Session_init", "MPI_Session_finalize", "MPI_Comm_create_from_group", "MPI_Sendrecv", "MPI_Comm_free")
        for steps, watched, once in (("sibef", [0], both), ("sibef", [1, 2], both), ("sBe", [1], alone), ("sBe", [0, 2], alone)):
            choose = "|".join(str(rank) for rank in watched)
            script = f'case $PMI_RANK in {choose}) exec "$@" ;; *) shift 2; exec "$@" ;; esac'
            run = job(3, "sh", "-c", script, "sh", settings.command, "run", settings.program("begins"), steps,
                      env=variables, cwd=folder, timeout=20)
            look(folder, run, f"{steps}, {choose} watched", watched, 3, once)

    # Those that are told to do nothing, or step aside, are not waited for either.
    script = '[ ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} = 1 ] && export FFMK_DISABLE=1; exec "$@"'
    run = job(2, "sh", "-c", script, "sh", settings.command, "run", ways, "plain", env=variables, cwd=folder, timeout=60)
    look(folder, run, "FFMK_DISABLE=1 on one rank", [0], 2)

    # An installation that is broken for some ranks, or for all: said once, and nobody waits.
    lone = folder / "lone" / "libffmk.so.0"
    lone.parent.mkdir()
    shutil.copy(settings.doors, lone)
    for broken in ("1", "1|2", "0|1|2"):
        watched = [rank for rank in range(3) if str(rank) not in broken]
        script = (f'case ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} in {broken}) LD_PRELOAD={lone} exec "$@" ;; '
                  f'*) LD_PRELOAD={settings.doors} exec "$@" ;; esac')
        run = job(3, "sh", "-c", script, "sh", ways, "plain", env=variables, cwd=folder, timeout=60)
        what = f"no engine for {broken}"
        if watched:
            look(folder, run, what, watched, 3)
        else:
            run.succeeds(what)
        equal(len([line for line in run.said if "cannot load the engine" in line]), 1, what, "one line:", run.err)

    if settings.mpi == "mpich":  # Open MPI's launcher tells which ranks are of which program (beginnings.py)
        run = Run([*settings.ranks(1), settings.command, "run", ways, "plain", ":", "-n", "1", ways, "plain"],
                  env=variables, cwd=folder, timeout=60)
        look(folder, run, "a program beside one that is not watched", [0], 2)

    # Where the launcher does not tell who is on this host, those with ffmk wait for the others, and say so after a minute.
    plain = ways, "plain"
    for what, words in (("MPI_Finalize", plain), ("MPI_Session_finalize", (settings.program("begins"), "sBe"))):
        if words is not plain and not sessions:
            continue
        hurried = f"{settings.doors}:{settings.program('libhurry.so')}"
        script = (f'unset OMPI_COMM_WORLD_LOCAL_SIZE MPI_LOCALNRANKS; [ ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} = 0 ] && '
                  f'export LD_PRELOAD={hurried}; exec "$@"')
        run = job(2, "sh", "-c", script, "sh", *words, env=variables, cwd=folder, timeout=8)
        equal([line.partition(" for the other")[0] for line in run.said], [f"ffmk: rank 0 has waited for 60 s in {what}"],
              f"the line about waiting in {what}")

    # However late a rank comes, those that are there wait for it.
    script = 'sleep 0.$((${OMPI_COMM_WORLD_RANK:-$PMI_RANK} * 4)); exec "$@"'
    run = job(3, "sh", "-c", script, "sh", settings.command, "run", ways, "plain", env=variables, cwd=folder, timeout=60)
    run.succeeds("ranks that come late")
    report = read(folder / "run.json")
    if report:
        equal((report["ranks"], report["complete"]), (3, True), "the report with those that came late")

    # A rank whose script has ended is no child of the launcher any more. Left to itself, it would outlive a job that hangs.
    script = ('[ ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} = 1 ] || exec "$@"; '
              '(sleep 0.3; echo $(exec sh -c \'echo $PPID\') > orphan; exec "$@") &')
    there = settings.ranks(2)
    launchers = [("in the background", [0, 1], there), ("in the background, the other not watched", [1], there)]
    if settings.mpi == "openmpi":  # on another host, as its launcher sees it
        agent = folder / "agent"
        agent.write_text('#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nshift; exec sh -c "$*"\n')
        agent.chmod(0o755)
        elsewhere = ["--mca", "plm_rsh_agent", agent, "--host", "elsewhere:2"]
        launchers.append(("in the background of another host", [0, 1], [there[0], *elsewhere, *there[1:]]))
    for what, watched, launcher in launchers:
        choose = "|".join(str(rank) for rank in watched)
        words = ["sh", "-c", f'case ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} in {choose}) ;; *) shift 2 ;; esac; {script}', "sh"]
        run = Run([*launcher, *words, settings.command, "run", ways, "plain"], env=variables, cwd=folder, timeout=20)
        try:
            os.kill(int((folder / "orphan").read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.succeeds(f"a rank {what}")
        if len(watched) == 2:
            report = read(folder / "run.json")
            if report:
                equal((report["ranks"], report["complete"]), (2, True), f"the report of a rank {what}")
        else:
            equal([path.name for path in folder.glob("run*")], ["run.rank1.json"], f"reports of a rank {what}")
        for path in folder.glob("run*"):
            path.unlink()

    # A rank that waits for one without ffmk while its signal's handler ends the job.
    script = f'[ ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} = 1 ] && exec "$@"; exec {ways} plain'
    words = ["sh", "-c", script, "sh", settings.command, "run", settings.program("leaves"), "aborts-early"]
    run = job(2, *words, env=variables, cwd=folder, timeout=20)
    equal((run.hung, run.code), (False, 9), "MPI_Abort in a handler while recording begins", run.err)

    # A program of its own in a rank's script is no rank, of whichever MPI it is.
    cut_off = ["env", "-u", "PMI_FD", "-u", "PMI_RANK", "-u", "PMI_SIZE", "-u", "PMI_PORT"]
    for mpi in settings.mpis:
        if mpi == settings.mpi == "openmpi":
            continue  # it would be that rank
        single = " ".join([*(cut_off if mpi == settings.mpi else []), "env FFMK_REPORT=single.json", settings.command, "run",
                           f"{pathlib.Path(settings.programs).parent}/{mpi}/ways plain"])
        for how in (";", "& sleep 0.3;"):
            script = f'if [ ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} = 0 ]; then {single} {how} fi; exec "$@"'
            run = job(2, "sh", "-c", script, "sh", settings.command, "run", ways, "plain", env=variables, cwd=folder, timeout=30)
            run.succeeds(f"an {mpi} program in a rank's script")
            check("only 1 of" not in run.err, "it is taken for a rank:", run.err)
            for name, ranks in (("run.json", 2), ("single.json", 1)):
                report = read(folder / name)
                if report:
                    equal((report["ranks"], report["complete"]), (ranks, True), "report", name, "of", mpi, how)
                    (folder / name).unlink()

    # MPI_Init may end the job.
    if settings.mpi == "openmpi":
        run = job(2, settings.command, "run", *plain, env=variables | {"OMPI_MCA_pml": "nosuch"}, cwd=folder, timeout=60)
        check(run.code != 0 and not run.hung, "an MPI_Init that fails:", run.out)

    # What the launcher of another job said is not believed.
    inherited = ["env", "OMPI_COMM_WORLD_LOCAL_SIZE=7", "MPI_LOCALNRANKS=7", settings.command, "run", ways, "plain"]
    run = job(2, *inherited, env=variables, cwd=folder, timeout=60)
    run.succeeds("another job's environment")
    report = read(folder / "run.json")
    if report:
        equal((report["ranks"], report["complete"]), (2, True), "the report in another job's environment")
        (folder / "run.json").unlink()

    # Ranks in containers cannot see one another's processes: then nobody is taken to be missing.
    contained = ["unshare", "-p", "-f", "--mount-proc"]
    if Run([*contained, "true"]).code != 0:
        print("not tried here: containers (unshare -p needs privileges)")
    else:
        # Shared memory of Open MPI does not work across them, with or without us.
        words = ["env", "OMPI_MCA_btl=self,tcp", *contained, settings.command, "run", ways, "plain"]
        run = job(2, *words, env=variables, cwd=folder, timeout=60)
        run.succeeds("ranks in containers")
        report = read(folder / "run.json")
        if report:
            equal((report["ranks"], report["complete"]), (2, True), "the report of ranks in containers")
            (folder / "run.json").unlink()

        # Nor is one that cannot see the others' processes, but their files.
        if settings.mpi == "openmpi":
            script = f'[ $OMPI_COMM_WORLD_RANK = 0 ] && exec {" ".join(contained)} "$@"; exec "$@"'
            run = job(2, "sh", "-c", script, "sh", settings.command, "run", ways, "plain", cwd=folder, timeout=20,
                      env=variables | {"OMPI_MCA_btl": "self,tcp"})
            run.succeeds("one rank in a container")
            report = read(folder / "run.json")
            if report:
                equal((report["ranks"], report["complete"]), (2, True), "the report with a rank in a container")
                (folder / "run.json").unlink()

        # The launcher and all ranks in one, as `docker run … mpirun …` has it.
        script = '[ ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} = 1 ] || shift 2; exec "$@"'
        run = Run([*contained, *settings.ranks(2), "sh", "-c", script, "sh", settings.command, "run", ways, "plain"],
                  env=variables, cwd=folder, timeout=60)
        look(folder, run, "a job in a container", [1], 2)
    # Other jobs of this host may be under way: theirs go away by themselves.
    for _ in range(100):
        left = set(pathlib.Path("/dev/shm").glob("ffmk-*")) - leftovers
        if not left:
            break
        time.sleep(0.1)
    equal(left, set(), "nothing is left behind")
done()

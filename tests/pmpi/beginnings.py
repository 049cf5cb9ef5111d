# SPDX-License-Identifier: BSD-3-Clause
"""Every way in which MPI begins and a program comes to have the doors: sessions, spawned programs, plugins, static
objects of C++, -lffmk before and behind -lmpi; and exceptions that leave through a door."""

import random
import time

from harness import *

TEN = {("MPI_Barrier", "c"): 10}
WHOLE = TEN | {("MPI_Init", "c"): 1, ("MPI_Finalize", "c"): 1}


def times(n, calls):
    return {key: n * count for key, count in calls.items()}


def report_of(folder, what, *words, np=2):
    for old in folder.glob("*.json"):
        old.unlink()
    run = job(np, *words, cwd=folder, env={"FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"})
    if run.code == SKIP:
        print("not tried here:", run.out.strip())
        return run, None
    run.succeeds(what)
    equal(run.err, "", "nothing is said:", what)
    return run, read(folder / "run.json")


# What each step of begins.c counts.
STEPS = {"i": [("MPI_Init", 1)], "f": [("MPI_Finalize", 1)], "s": [("MPI_Session_init", 1)], "e": [("MPI_Session_finalize", 1)],
         "I": [], "S": [], "J": [], "n": [("MPI_Session_finalize", 1)], "p": [("MPI_Iprobe", 1)],
         "c": [("MPI_Session_init", 1), ("MPI_Comm_dup", 1), ("MPI_Comm_free", 1)],
         "x": [("MPI_Comm_dup", 1), ("MPI_Comm_free", 1)], "b": [("MPI_Barrier", 10)],
         "B": [("MPI_Comm_create_from_group", 1), ("MPI_Barrier", 10), ("MPI_Sendrecv", 1), ("MPI_Comm_free", 1)]}


def begins(folder, ranks):
    """Whatever order of steps runs without ffmk runs with it, and is reported as a whole. Whether this one does."""
    words = (len(ranks), settings.program("begins"), *ranks)
    what = f"sessions and MPI_Init as {ranks}"
    bare = job(*words, env={"LD_PRELOAD": ""}, cwd=folder, timeout=3)
    if bare.code != 0:
        return False
    (folder / "run.json").unlink(missing_ok=True)
    run = job(*words, env={"FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"}, cwd=folder, timeout=20)
    run.succeeds(what)
    equal(run.err, "", "nothing is said:", what)
    report = read(folder / "run.json")
    if report:
        calls = {}
        for name, count in (pair for steps in ranks for step in steps for pair in STEPS[step]):
            calls[name, "c"] = calls.get((name, "c"), 0) + count
        equal((report["ranks"], report["complete"]), (len(ranks), True), "ranks of", what)
        same(counted(report["calls"]), calls, f"calls of {what}")
        messages = {(e[0], e[1]): (e[2], e[3]) for e in report["matrix"]["entries"]}
        used = [steps.count("B") for steps in ranks]
        same(messages, {(r, (r + 1) % len(ranks)): (n, 100 * n) for r, n in enumerate(used) if n}, f"messages of {what}")
    return True


def any_steps(chance):
    """As many B and b on all ranks, so that they meet; all else in any order that MPI allows each of them."""
    n_session, n_world = chance.choice([0, 1, 1, 2]), chance.choice([0, 0, 1])
    ranks = []
    for _ in range(chance.choice([2, 2, 3])):
        inits = n_world > 0 or n_session == 0 or chance.random() < 0.7
        steps, uses, barriers, sessions, world = "", n_session, n_world, 0, "before" if inits else "never"
        while uses or sessions or world in ("before", "within"):
            can = ["s"] * (sessions < 2 and len(steps) < 8) + ["B"] * 3 * (sessions > 0 and uses > 0)
            can += ["e"] * (sessions > 0 and (sessions > 1 or not uses))
            can += ["i"] * 2 * (world == "before") + ["b"] * 2 * (world == "within" and barriers > 0)
            can += ["f"] * 2 * (world == "within" and barriers == 0)
            step = chance.choice(can or ["s"])
            steps += step
            uses -= step == "B"
            barriers -= step == "b"
            sessions += (step == "s") - (step == "e")
            world = {"i": "within", "f": "behind"}.get(step, world)
        ranks.append(steps)
    return ranks


with Folder() as folder:
    # ---- sessions ----
    session = {("MPI_Session_init", "c"): 1, ("MPI_Session_finalize", "c"): 1, ("MPI_Barrier", "c"): 10,
               ("MPI_Comm_create_from_group", "c"): 1, ("MPI_Comm_free", "c"): 1}
    for n in (1, 2):
        run, report = report_of(folder, f"{n} sessions", settings.program("sessions"), n)
        if report:
            same(counted(report["calls"]), times(report["ranks"] * n, session), f"calls of {n} sessions")

    # Sessions begin on some ranks while their MPI_Init is under way, and the last rank comes later still.
    if run.code != SKIP:
        script = ('case ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} in 0) set -- "$1" session-within-init ;; '
                  '1) set -- "$1" init-within-session ;; *) set -- "$2" plain; sleep 0.5 ;; esac; exec "$@"')
        run = job(3, "sh", "-c", script, "sh", settings.program("meanwhile"), settings.program("ways"), cwd=folder,
                  env={"FFMK_REPORT": "beside.json", "FFMK_SUMMARY": "off", "FFMK_CHAIN": 1}, timeout=20)
        run.succeeds("sessions beside MPI_Init")
        equal(run.err, "", "nothing is said of sessions beside MPI_Init")
        equal([path.name for path in folder.glob("beside*")], ["beside.json"], "reports where there are sessions beside MPI_Init")
        report = read(folder / "beside.json")
        if report:
            equal((report["ranks"], report["complete"]), (3, True), "the report of sessions beside MPI_Init")
            same(counted(report["calls"]), {("MPI_Init_thread", "c"): 2, ("MPI_Init", "c"): 1, ("MPI_Barrier", "c"): 30,
                                            ("MPI_Session_finalize", "c"): 2, ("MPI_Finalize", "c"): 3},
                 "calls beside sessions")

        # The only other session ends while one begins: that was not the last end.
        script = '[ $PMI_RANK = 0 ] && exec "$1" session-ends-within-session; exec "$1" session-alone'
        run = job(2, "sh", "-c", script, "sh", settings.program("meanwhile"), cwd=folder,
                  env={"FFMK_REPORT": "within.json", "FFMK_SUMMARY": "off", "FFMK_CHAIN": 1}, timeout=20)
        run.succeeds("a session that ends while another begins")
        report = read(folder / "within.json")
        if report:
            equal((report["ranks"], report["complete"]), (2, True), "the report of a session that ends while another begins")
            equal(counted(report["calls"]).get(("MPI_Session_finalize", "c")), 3, "sessions that ended")

        # Sessions before, beside and behind MPI_Init, in any order, and on some ranks only. Each rank's steps: begins.c.
        for ranks in (["sibef", "ibf"], ["ibf", "sibef"], ["sibfe", "sibef"], ["sBibfe", "sBibef"], ["sBe", "sBe"],
                      ["sBseBe", "sBBe", "ssBeBe"], ["isBef", "isBef"], ["iSbf", "iSbf"], ["isSBef", "isBSfe"],
                      ["sibfBe", "sibBfe"], ["ibsBef", "ibsfBe"], ["sifBe", "sBe"], ["sBe", "isBef"], ["sBBe", "isBfBe", "sBBe"],
                      ["isenbf", "ibf"], ["icebf", "ibf"], ["iJbf", "ibf"], ["isxBef", "isBef"], ["Ipf", "If"], ["Ibsebf", "Ibbf"],
                      ["Isbef", "Ibf"]):
            check(begins(folder, ranks), "this MPI is expected to take", ranks)
        seed = int(arguments[0]) if arguments else time.time_ns() % 100000
        print("seed of the steps:", seed)
        chance = random.Random(seed)
        tried = sum(begins(folder, any_steps(chance)) for _ in range(24))
        check(tried >= 4, "only", tried, "of 24 orders of steps run without ffmk")

        # A session that is never ended: each rank's part is written when it exits.
        (folder / "run.json").unlink(missing_ok=True)
        run = job(2, settings.program("begins"), "isbBf", env={"FFMK_REPORT": "run.json"}, cwd=folder, timeout=20)
        run.succeeds("a session that stays open")
        equal(len([line for line in run.said if "ended with a session open" in line]), 2, "a line from each rank:", run.err)

        # Of several programs on one line of the launcher (Open MPI's tells of them) each reports for itself.
        programs = {"OMPI_NUM_APP_CTX": 2, "OMPI_APP_CTX_NUM_PROCS": "1 2"}
        for ranks in (["sibef"] * 3, ["ibf", "sibef", "ibf"], ["ibf", "ibf", "sibef"]):
            for old in folder.glob("run*"):
                old.unlink()
            run = job(3, settings.program("begins"), *ranks, env=programs | {"FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"},
                      cwd=folder, timeout=20)
            run.succeeds(f"two programs, with sessions as {ranks}")
            found = sorted((read(path)["ranks"], read(path)["complete"]) for path in folder.glob("run*"))
            equal(found, [(1, True), (2, True)], f"reports of two programs, with sessions as {ranks}")

    # ---- spawned programs report for themselves ----
    bare = job(2, settings.program("spawns"), env={"LD_PRELOAD": ""}, cwd=folder)
    if bare.code != 0:
        print("not tried here: this MPI cannot spawn:", bare.err.strip().splitlines()[-1:])
    else:
        # What is spawned gets its environment from the launcher, not from who spawns it.
        passed = {"LD_PRELOAD": settings.doors, "FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"}
        words = [word for name, value in passed.items() for word in ("-x", f"{name}={value}")]
        run = Run([*settings.ranks(2), *words, settings.program("spawns")], cwd=folder)
        run.succeeds("spawning")
        report = read(folder / "run.json")
        mine = {("MPI_Init", "c"): 1, ("MPI_Barrier", "c"): 6, ("MPI_Comm_disconnect", "c"): 1,
                ("MPI_Finalize", "c"): 1}
        if report:
            same(counted(report["calls"]), times(2, mine | {("MPI_Comm_spawn", "c"): 1}), "calls of the first world")
        others = list(folder.glob("run.spawned*.json"))
        equal(len(others), 1, "one report of the spawned world:", list(folder.iterdir()))
        for path in others:
            theirs = read(path)
            same(counted(theirs["calls"]), times(2, mine), "calls of the spawned world")
            equal((theirs["ranks"], theirs["complete"]), (2, True), "the spawned world")

    # ---- MPI in a plugin, loaded privately ----
    run, report = report_of(folder, "a plugin", settings.program("host"), settings.program("libplugin.so"))
    if report:
        same(counted(report["calls"]), times(2, WHOLE), "calls of a plugin")

    # ---- C++ ----
    if pathlib.Path(settings.program("throws")).exists():
        run, report = report_of(folder, "exceptions", settings.program("throws"))
        check("caught 3" in run.out, "each exception arrives:", run.out)
        if report:
            equal(report["complete"], True, "MPI_Finalize in a destructor is in time")
            calls = counted(report["calls"])
            equal([calls.get((name, "c")) for name in ("MPI_Barrier", "MPI_Finalize", "MPI_Init")], [20, 2, 2],
                  "calls after exceptions")
    else:
        print("not tried here: C++ (no compiler)")

    # ---- linked, before and behind MPI ----
    source = pathlib.Path(__file__).with_name("programs") / "ways.c"
    include = f"-I{settings.source}/include"
    where = pathlib.Path(settings.doors).parent
    flags = ["-std=c11", "-D_GNU_SOURCE", "-w", include, source, "-o"]
    libffmk = [f"-L{where}", "-Wl,-rpath," + str(where), "-Wl,--no-as-needed", "-lffmk"]
    libmpi = ["-Wl,--no-as-needed", settings.mpi_library]
    for name, libraries, counts in (("before", libffmk + libmpi, True), ("behind", libmpi + libffmk, False)):
        built = Run([settings.c, *flags, folder / name, *libraries])
        if not built.succeeds(f"linking -lffmk {name} MPI"):
            continue
        (folder / "run.json").unlink(missing_ok=True)
        run = job(2, folder / name, "plain", cwd=folder,
                  env={"LD_PRELOAD": "", "FFMK_REPORT": "run.json", "FFMK_SUMMARY": "off"})
        run.succeeds(f"-lffmk {name} MPI")
        equal((folder / "run.json").exists(), counts, f"a report with -lffmk {name} MPI")
        info = Run([settings.command, "info", folder / name])
        equal("behind the MPI" in info.out, not counts, "ffmk info says it:", info.out)
        check(f"seen without it: {'yes' if counts else 'no'}" in info.out, "ffmk info says what is seen:", info.out)
        # Under the command it does not matter: the preloaded library is before both.
        run = Run([*settings.ranks(2), settings.command, "run", "--report", "run.json", "--summary", "off",
                   folder / name, "plain"], cwd=folder)
        run.succeeds(f"ffmk run with -lffmk {name} MPI")
        report = read(folder / "run.json")
        if report:
            same(counted(report["calls"]), times(2, WHOLE), f"calls under ffmk run, -lffmk {name} MPI")

    # Of a program that names libffmk alone, MPI is in its sight all the same: for what has no door, and for plugins.
    text = folder / "seen.c"
    text.write_text("""#include <dlfcn.h>
#include <mpi.h>
int main(void)
{
    MPI_Init(0, 0);
    const int seen = dlsym(RTLD_DEFAULT, "MPI_Comm_rank") != 0;
    MPI_Finalize();
    return seen ? 0 : 3;
}
""")
    built = Run([settings.c, "-w", text, "-o", folder / "seen", "-Wl,--as-needed", f"-L{where}",
                 "-Wl,-rpath," + str(where), "-lffmk"])
    if built.succeeds("linking a program that names no MPI"):
        run = job(1, folder / "seen", cwd=folder, env={"LD_PRELOAD": "", "FFMK_SUMMARY": "off"})
        run.succeeds("MPI's own names, where only libffmk was linked")
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Ranks are killed, or stopped for a while, at random moments of back-to-back or crowded collective operations.

Every survivor reaches the end and they agree on everything; an operation is exactly that of those who came to it; only the
broadcast of a root that was killed fails; nobody who was merely late is taken for dead; the report is the survivors' and
nothing is left behind. Arguments after the settings: public|unmodified|crowded:<threads>, first seed, number of runs, auto|udp.

Over a network what a rank had got, or sent, before it was killed may be lost with it: there survivors are held to agree with
each other, not with the dead. There, too, who is stopped for longer than it takes to be declared dead is excluded, for good.
"""

import dataclasses
import os
import pathlib
import random
import re
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, failures, job, read, settings  # noqa: E402
from journals import FINALIZED, OPERATED, OPERATIONS, STARTED, Crowded, History, InOrder, Journal  # noqa: E402
from journals import attack, begin, compare, compare_excluded, finish, is_dead, longest_s, ranks_of, wait_until  # noqa: E402

CROWDED_OPERATIONS = 300  # of each thread
MODES = (("checked", "failure-proof:2", "opportunistic"), ("checked",) * 3, ("failure-proof:2",) * 3, ("opportunistic",) * 3,
         ("failure-proof:1", "opportunistic:2", "checked"), ("opportunistic:3", "failure-proof:3", "failure-proof:2"))


@dataclasses.dataclass
class Plan:
    """What is done to a job from outside: whom to kill when some rank has come to some operation, whom to stop how long."""

    np: int
    kills: int = 0
    early: int = 0  # of those killed: before any communicator was used
    root_first: bool = False
    stops: int = 0
    stop_s: float = 0.0
    detect_s: float = 10.0
    modes: tuple = MODES[0]

    def may_exclude(self):
        return transport == "udp" and self.stop_s > self.detect_s


def carry_out(plan, draw, journals, operations, place):
    """\\return who was killed, and who was stopped"""
    killed, stopped, wakers = set(), set(), []

    def kill(victim, spared):
        if plan.root_first and 0 in spared:
            victim = 0
        os.kill(journals[victim].pid, signal.SIGKILL)
        killed.add(victim)
        return {victim}

    def stop(victim, _):
        os.kill(journals[victim].pid, signal.SIGSTOP)
        stopped.add(victim)
        wakers.append(threading.Timer(plan.stop_s, os.kill, (journals[victim].pid, signal.SIGCONT)))
        wakers[-1].start()
        return {victim}

    for _ in range(plan.early):
        spared = [r for r in range(plan.np) if r not in killed]
        kill(draw.choice(spared), spared)
    begin(place)
    deeds = [kill] * (plan.kills - plan.early) + [stop] * plan.stops
    attack(draw, journals, operations, deeds, stuck=lambda: stopped, hit=killed)
    for waker in wakers:
        waker.join()
    return killed, stopped


def left_behind():
    return {name for name in os.listdir("/dev/shm") if name.startswith("ffmk-comm-")}


def run(plan, flavour, seed, folder):
    what = f"{flavour}, seed {seed}: {plan}"
    draw = random.Random(seed)
    name, _, threads = flavour.partition(":")
    program, words, operations, course = f"deaths_{name}", [seed, OPERATIONS], OPERATIONS, InOrder
    if name == "crowded":
        program, words, course = "crowded_deaths", [seed, CROWDED_OPERATIONS, threads], Crowded
        operations = CROWDED_OPERATIONS * int(threads)
    env = {"FFMK_TRANSPORT": transport, "FFMK_DETECT": round(1000 * plan.detect_s)}
    if name != "public":
        env |= dict(zip(("FFMK_BCAST", "FFMK_BARRIER", "FFMK_ALLREDUCE"), plan.modes))
    place = folder / str(seed)
    place.mkdir()
    before = left_behind()
    result = []
    settings.launcher = [word for word in launcher]
    settings.launcher.insert(1, "--enable-recovery")
    report = place / "report.json"
    thread = threading.Thread(target=lambda: result.append(
        job(plan.np, settings.program(program), place, *words, env={"FFMK_REPORT": report, **env}, timeout=100)))
    thread.start()
    killed, stopped, excluded, survivors = set(), set(), set(), range(plan.np)
    try:
        journals = [Journal(place / f"rank{r}", operations) for r in range(plan.np)]
        if wait_until(lambda: all(j.stage >= STARTED for j in journals), 60, f"{what}: all ranks"):
            killed, stopped = carry_out(plan, draw, journals, operations, place)
            living = [r for r in range(plan.np) if r not in killed]
            wait_until(lambda: all(journals[r].stage >= OPERATED for r in living), 60, f"{what}: the living's operations")
            # One that had done all of them before it was stopped may never hear of it.
            excluded = {r for r in stopped if plan.may_exclude() and History(journals[r], course).is_excluded()}
            survivors = [r for r in living if r not in excluded]
            wait_until(lambda: all(is_dead(journals[r].pid) for r in killed), 20, f"{what}: the deaths")
            if name == "public" and killed:
                time.sleep(0.2)  # until the threads that hear of the last one get a core
    finally:
        finish(place)
        thread.join()
    check(not result[0].hung, what, "hangs", "\n" + result[0].err[-2000:])
    check("NOT OURS" not in result[0].err and "WRONG" not in result[0].err, what, result[0].err)
    counts = compare(journals, set(survivors), operations, what, transport == "auto", course)
    for r in excluded:
        compare_excluded(journals, r, set(survivors), what, course)
    longest = longest_s(journals, survivors)
    check(longest < 3 * (plan.detect_s + 1) + plan.stop_s, what, "an operation took", longest, "s")
    for r in [*survivors, *excluded]:
        equal(journals[r].stage, FINALIZED, what, f"rank {r} came out of MPI_Finalize")
        if program.endswith("public"):
            equal(ranks_of(journals[r].dead), killed, what, f"the dead, by rank {r}")
    found = read(report)
    if found:
        reported = {rank["rank"] for rank in found["per_rank"]}
        sure = set(survivors) - (stopped if plan.may_exclude() else set())
        check(sure <= reported <= set(survivors), what, "ranks in the report", reported, "survivors", survivors)
        summaries = re.findall(r"^ffmk: [0-9.]+ s on (\d+) rank", result[0].err, re.M)
        equal(summaries, [str(len(reported))], what, "summaries", result[0].err[-2000:])
    wait_until(lambda: not left_behind() - before, 5, f"{what}: {left_behind() - before} to go away")
    print(f"{what}: {counts['failed']} broadcasts failed, {counts['partial']} reductions without the dead, "
          f"{len(excluded)} ranks excluded, no operation above {longest:.2f} s", flush=True)
    return counts | {"excluded": len(excluded)}


def draw_plan(seed):
    draw = random.Random(seed * 7 + 1)
    np = draw.choice((8, 8, 16))
    if seed == first_seed:
        return Plan(8, stops=1, stop_s=3.0)
    return Plan(np, kills=draw.choice((1, 2, 3, np // 2, np - 1)), stops=draw.choice((0, 0, 1, 2)), stop_s=draw.uniform(0.05, 0.3))


def draw_crowded_plan(seed):
    draw = random.Random(seed * 7 + 1)
    np = draw.choice((8, 8, 8, 16))
    modes = draw.choice(MODES)
    root_first = draw.random() < 0.3
    if seed % 10 == 1:
        return Plan(8, draw.choice((0, 1, 4)), 0, root_first, stops=1, stop_s=5.0, detect_s=2.0, modes=modes)
    kills = draw.choice((1, 2, 3, np // 2, np - 1))
    early = draw.choice((0, 0, 0, 1, kills))
    return Plan(np, kills, early, root_first, draw.choice((0, 0, 1, 2)), draw.uniform(0.05, 0.5), modes=modes)


flavour, first_seed, runs, transport = arguments[0], int(arguments[1]), int(arguments[2]), arguments[3]
launcher = list(settings.launcher)
plan_of = draw_crowded_plan if flavour.startswith("crowded") else draw_plan
sums = {"failed": 0, "partial": 0, "excluded": 0}
with Folder() as folder:
    for seed in range(first_seed, first_seed + runs):
        for key, value in run(plan_of(seed), flavour, seed, folder).items():
            sums[key] += value
        if failures:
            break
    if runs > 5:
        check(sums["failed"] > 0 and sums["partial"] > 0, "the deaths hit nothing:", sums)
        check(sums["excluded"] > 0 or not plan_of(first_seed).may_exclude(), "nobody was excluded:", sums)
done()

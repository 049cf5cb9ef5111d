# SPDX-License-Identifier: BSD-3-Clause
"""Ranks are killed, or stopped for a while, at random moments of back-to-back collective operations.

Every survivor reaches the end and they agree on everything; an operation is exactly that of those who came to it; only the
broadcast of a root that was killed fails; nobody who was merely late is taken for dead; the report is the survivors' and
nothing is left behind. Arguments after the settings: public|unmodified|nonblocking, first seed, number of runs, auto|udp.

Over a network what a rank had got, or sent, before it was killed may be lost with it: there survivors are held to agree with
each other, not with the dead.
"""

import os
import pathlib
import random
import re
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, failures, job, read, settings  # noqa: E402
from journals import FINALIZED, OPERATED, OPERATIONS, STARTED, Journal  # noqa: E402
from journals import attack, compare, finish, is_dead, ranks_of, wait_until  # noqa: E402


class Plan:
    """What is done to a job from outside: whom to kill when some rank has come to some operation, whom to stop how long."""

    def __init__(self, np, kills=0, stops=0, stop_s=0.0):
        self.np, self.kills, self.stops, self.stop_s = np, kills, stops, stop_s

    def __str__(self):
        return f"{self.np} ranks, {self.kills} killed, {self.stops} stopped for {self.stop_s} s"


def carry_out(plan, draw, journals, operations):
    """\\return who was killed"""
    killed, stopped, wakers = set(), set(), []

    def kill(victim, _):
        os.kill(journals[victim].pid, signal.SIGKILL)
        killed.add(victim)
        return {victim}

    def stop(victim, _):
        os.kill(journals[victim].pid, signal.SIGSTOP)
        stopped.add(victim)
        wakers.append(threading.Timer(plan.stop_s, os.kill, (journals[victim].pid, signal.SIGCONT)))
        wakers[-1].start()
        return {victim}

    attack(draw, journals, operations, [kill] * plan.kills + [stop] * plan.stops, stuck=lambda: stopped)
    for waker in wakers:
        waker.join()
    return killed


def left_behind():
    return {name for name in os.listdir("/dev/shm") if name.startswith("ffmk-comm-")}


def run(plan, program, env, seed, operations, folder):
    what = f"seed {seed}: {plan}"
    draw = random.Random(seed)
    place = folder / str(seed)
    place.mkdir()
    before = left_behind()
    result = []
    settings.launcher = [word for word in launcher]
    settings.launcher.insert(1, "--enable-recovery")
    report = place / "report.json"
    thread = threading.Thread(target=lambda: result.append(
        job(plan.np, settings.program(program), place, seed, operations, env={"FFMK_REPORT": report, **env}, timeout=100)))
    thread.start()
    killed, survivors = set(), range(plan.np)
    try:
        journals = [Journal(place / f"rank{r}", operations) for r in range(plan.np)]
        if wait_until(lambda: all(j.stage >= STARTED for j in journals), 60, f"{what}: all ranks"):
            killed = carry_out(plan, draw, journals, operations)
            survivors = [r for r in range(plan.np) if r not in killed]
            wait_until(lambda: all(journals[r].stage >= OPERATED for r in survivors), 60, f"{what}: the survivors' operations")
            wait_until(lambda: all(is_dead(journals[r].pid) for r in killed), 20, f"{what}: the deaths")
    finally:
        finish(place)
        thread.join()
    check(not result[0].hung, what, "hangs", "\n" + result[0].err[-2000:])
    check("NOT OURS" not in result[0].err, what, result[0].err)
    counts = compare(journals, set(survivors), operations, what, exact=transport == "auto")
    for r in survivors:
        equal(journals[r].stage, FINALIZED, what, f"rank {r} came out of MPI_Finalize")
        if program.endswith("public"):
            equal(ranks_of(journals[r].dead), killed, what, f"the dead, by rank {r}")
    summaries = re.findall(r"^ffmk: [0-9.]+ s on (\d+) rank", result[0].err, re.M)
    equal(summaries, [str(len(survivors))], what, "summaries", result[0].err[-2000:])
    found = read(report)
    if found:
        equal([rank["rank"] for rank in found["per_rank"]], survivors, what, "ranks in the report")
    wait_until(lambda: not left_behind() - before, 5, f"{what}: {left_behind() - before} to go away")
    print(f"{what}: {counts['failed']} broadcasts failed, {counts['partial']} reductions without the dead", flush=True)
    return counts


flavour, first_seed, runs, transport = arguments[0], int(arguments[1]), int(arguments[2]), arguments[3]
launcher = list(settings.launcher)
words = {} if flavour == "public" else {"FFMK_BCAST": "checked", "FFMK_BARRIER": "failure-proof:2", "FFMK_ALLREDUCE": "opportunistic"}
words |= {"FFMK_TRANSPORT": transport, "FFMK_DETECT": "10000"}
sums = {"failed": 0, "partial": 0}
with Folder() as folder:
    for seed in range(first_seed, first_seed + runs):
        draw = random.Random(seed * 7 + 1)
        np = draw.choice((8, 8, 16))
        if seed == first_seed:
            plan = Plan(8, stops=1, stop_s=3.0)
        else:
            plan = Plan(np, kills=draw.choice((1, 2, 3, np // 2, np - 1)), stops=draw.choice((0, 0, 1, 2)), stop_s=draw.uniform(0.05, 0.3))
        for key, value in run(plan, f"deaths_{flavour}", words, seed, OPERATIONS, folder).items():
            sums[key] += value
        if failures:
            break
    if runs > 5:
        check(sums["failed"] > 0 and sums["partial"] > 0, "the deaths hit nothing:", sums)
done()

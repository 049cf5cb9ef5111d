# SPDX-License-Identifier: BSD-3-Clause
"""Ranks are killed, or stopped for a while, at random moments of back-to-back collective operations.

Every survivor reaches the end and they agree on everything; an operation is exactly that of those who came to it; only the
broadcast of a root that was killed fails; nobody who was merely late is taken for dead; the report is the survivors' and
nothing is left behind. Arguments after the settings: public|unmodified, first seed, number of runs, auto|udp.

Over a network what a rank had got, or sent, before it was killed may be lost with it: there survivors are held to agree with
each other, not with the dead.
"""

import mmap
import os
import pathlib
import random
import re
import signal
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, failures, job, read, settings  # noqa: E402

BCAST, BARRIER, ALLREDUCE = range(3)
SUCCEEDED, FAILED, WRONG = range(3)
OPERATIONS = 1000
HEAD = struct.Struct("4Q")
RECORD = struct.Struct("BBBBi4Q")


class Journal:
    """What one rank wrote, while it writes and after."""

    def __init__(self, path, operations):
        deadline = time.monotonic() + 60
        bytes_ = HEAD.size + operations * RECORD.size
        while not path.exists() or path.stat().st_size < bytes_:
            if time.monotonic() > deadline:
                raise TimeoutError(path)
            time.sleep(0.01)
        with open(path, "rb") as file:
            self.memory = mmap.mmap(file.fileno(), bytes_, prot=mmap.PROT_READ)

    def word(self, index):
        return struct.unpack_from("Q", self.memory, 8 * index)[0]

    pid = property(lambda self: self.word(0))
    stage = property(lambda self: self.word(1))
    done = property(lambda self: self.word(2))
    dead = property(lambda self: self.word(3))

    def records(self):
        return list(RECORD.iter_unpack(self.memory[HEAD.size : HEAD.size + self.done * RECORD.size]))


def is_dead(pid):
    """Gone, or a zombie. Its first thread may be one while others are still on their way out."""
    process = pathlib.Path(f"/proc/{pid}")
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX" and len(os.listdir(process / "task")) == 1
    except OSError:
        return True


def wait_until(holds, seconds, what):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return check(False, "waited", seconds, "s for", what)
        time.sleep(0.002)
    return True


class Plan:
    """What is done to a job from outside: whom to kill when some rank has come to some operation, whom to stop how long."""

    def __init__(self, np, kills=0, stops=0, stop_s=0.0):
        self.np, self.kills, self.stops, self.stop_s = np, kills, stops, stop_s

    def __str__(self):
        return f"{self.np} ranks, {self.kills} killed, {self.stops} stopped for {self.stop_s} s"


def attack(plan, draw, journals, operations):
    """\\return who was killed"""
    order = draw.sample(range(plan.np), plan.np)
    killed, stopped = set(), set()
    deeds = sorted((draw.uniform(0, 1.02) ** 1.5 * operations, what) for what in ["kill"] * plan.kills + ["stop"] * plan.stops)
    wakers = []
    for at, what in deeds:
        living = [r for r in order if r not in killed and r not in stopped]
        if not living:
            break
        seen = draw.choice(living)
        # One after the other, or several in the same operation; the one who is watched is not always hit.
        if draw.random() < 0.8:
            wait_until(lambda: journals[seen].done >= min(at, operations) or stopped, 60, f"operation {at}")
        time.sleep(draw.choice((0, 0, 0.0002, 0.002)) * draw.random())
        victim = draw.choice(living)
        if what == "kill":
            os.kill(journals[victim].pid, signal.SIGKILL)
            killed.add(victim)
        else:
            os.kill(journals[victim].pid, signal.SIGSTOP)
            stopped.add(victim)
            wakers.append(threading.Timer(plan.stop_s, os.kill, (journals[victim].pid, signal.SIGCONT)))
            wakers[-1].start()
    for waker in wakers:
        waker.join()
    return killed


def members(comm, rank, np):
    return [r for r in range(np) if comm != 2 or r % 2 == rank % 2]


def ranks_of(mask):
    return {r for r in range(64) if mask >> r & 1}


def compare(plan, journals, killed, operations, what):
    """Each operation, by what everybody wrote of it."""
    records = [journal.records() for journal in journals]
    survivors = set(range(plan.np)) - killed
    counts = {"failed": 0, "partial": 0}
    for r in survivors:
        equal(len(records[r]), operations, what, f"operations of rank {r}")
    if failures:
        return counts
    for op in range(operations):
        groups = [members(2, 0, plan.np), members(2, 1, plan.np)] if records[min(survivors)][op][1] == 2 \
            else [members(0, 0, plan.np)]
        for group in groups:
            seen = {r: records[r][op] for r in group if len(records[r]) > op and (transport == "auto" or r in survivors)}
            if not seen:
                continue
            first = next(iter(seen.values()))
            where = f"{what}, operation {op} {seen}"
            kind, _, code, _, root, _, mask, _, _ = first
            for record in seen.values():
                check(record[:3] == first[:3] and record[4:7] == first[4:7], where, "they disagree")
                check(record[3] or record[2] != SUCCEEDED, where, "a wrong result")
            living = set(group) & survivors
            if kind == BCAST:
                there = len(records[root])
                if there > op and (transport == "auto" or root in survivors):
                    equal(code, SUCCEEDED, where, "the root lived")
                elif there < op:
                    equal(code, FAILED, where, "the root was dead")
                else:
                    check(code in (SUCCEEDED, FAILED), where, "the root died in it")
                counts["failed"] += code == FAILED
                continue
            equal(code, SUCCEEDED, where)
            last = max(seen[r][7] for r in living) if living else 0
            check(all(record[8] >= last for record in seen.values()), where, "somebody left before all had come")
            if kind == ALLREDUCE:
                must = set(seen)
                may = {r for r in group if len(records[r]) >= op}
                check(must <= ranks_of(mask) <= must | may, where, "contributors", ranks_of(mask), must, may)
                counts["partial"] += ranks_of(mask) != set(group)
        if failures:
            break
    return counts


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
    killed = set()
    try:
        journals = [Journal(place / f"rank{r}", operations) for r in range(plan.np)]
        if wait_until(lambda: all(j.stage >= 1 for j in journals), 60, f"{what}: all ranks"):
            killed = attack(plan, draw, journals, operations)
            survivors = [r for r in range(plan.np) if r not in killed]
            wait_until(lambda: all(journals[r].stage >= 2 for r in survivors), 60, f"{what}: the survivors' operations")
            wait_until(lambda: all(is_dead(journals[r].pid) for r in killed), 20, f"{what}: the deaths")
    finally:
        with open(place / "finish", "r+b") as file:  # as it is: the ranks have it mapped
            file.write(struct.pack("Q", 1))
        thread.join()
    check(not result[0].hung, what, "hangs", "\n" + result[0].err[-2000:])
    check("NOT OURS" not in result[0].err, what, result[0].err)
    counts = compare(plan, journals, killed, operations, what)
    for r in survivors:
        equal(journals[r].stage, 3, what, f"rank {r} came out of MPI_Finalize")
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

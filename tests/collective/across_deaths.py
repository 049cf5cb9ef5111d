# SPDX-License-Identifier: BSD-3-Clause
"""Ranks on several hosts are killed or stopped, hosts lose their power or their cable, at random moments of operations.

Arguments after the settings: public|unmodified, first seed, then scenarios, each `name` or `name:how often`:
    kills   any ranks but one are killed: one by one, all of a host, or with their host; half of the time datagrams get lost
    powers  all hosts but one, or fewer, lose their power
    blink   a cable is out for less than the time of detection: nobody notices
    wall    TCP is held up for longer, but datagrams are not: nobody dies of it
    torn    ranks of one side are killed during such a time: those beside them have what those on the other side lack
    stop    a rank is stopped for longer: the others go on without it, and it is excluded when it wakes
    halves  a cable is out for longer: those on each side go on without the others

Survivors reach the end and agree with each other; an operation is exactly that of those who came to it, as far as survivors
can know; only broadcasts of dead roots fail; no call takes longer than it takes to find out. With dead ranks on several hosts
launchers never return, so the ranks write what they have to say, and then the job is ended.
"""

import os
import pathlib
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, failures, settings, skip  # noqa: E402
from hosts import MPI_PORTS, Hosts, missing  # noqa: E402
from journals import OPERATED, OPERATIONS, SAID, STARTED, Journal  # noqa: E402
from journals import attack, compare, compare_excluded, finish, is_dead, longest_s, ranks_of, wait_until  # noqa: E402

why = missing()
if why:
    skip(why)

NP = 8
MODES = {} if arguments[0] == "public" else \
    {"FFMK_BCAST": "checked", "FFMK_BARRIER": "failure-proof:2", "FFMK_ALLREDUCE": "opportunistic"}
RECOVERY = {"openmpi": ["--enable-recovery"], "mpich": ["-disable-auto-cleanup"]}[settings.mpi]
PORTS = {"openmpi": MPI_PORTS, "mpich": []}[settings.mpi]


class Scene:
    """A job on hosts whose ranks are all at their first operations, until the end of the block."""

    def __init__(self, what, seed, count, detect_s, loss=0):
        self.what, self.detect_s = f"{what}, seed {seed}: {count} hosts, {loss} % lost", detect_s
        self.draw = random.Random(seed)
        self.hosts = Hosts(count)
        self.place = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.begin = time.monotonic()
        self.begun = None
        for host in range(1, count + 1 if loss else 1):
            self.hosts.loss(host, loss)
        env = {"FFMK_SUMMARY": "off", "FFMK_DETECT": round(1000 * detect_s), **MODES}
        self.job = self.hosts.launch(NP // count, settings.program(f"deaths_{arguments[0]}"), self.place, seed, OPERATIONS,
                                     env=env, options=[*RECOVERY, *PORTS])

    def __enter__(self):
        try:
            self.journals = [Journal(self.place / f"rank{r}", OPERATIONS) for r in range(NP)]
            if not wait_until(lambda: all(j.stage >= STARTED for j in self.journals), 60, f"{self.what}: all ranks"):
                raise TimeoutError(self.what)
            self.rank = self.job.pids()
            equal(sorted(self.rank), list(range(NP)), self.what, "ranks")
            self.begun = time.monotonic()
            return self
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, kind, value, trace):
        self.job.end()
        self.hosts.close()
        check("NOT OURS" not in self.job.err, self.what, self.job.err)
        if failures:
            print(self.job.err[-3000:])

    def on(self, host):
        return {r for r in range(NP) if self.rank[r].host == host}

    def signal(self, ranks, number=signal.SIGKILL):
        for r in ranks:
            os.kill(self.rank[r].pid, number)

    def come(self, at):
        """Wait until some rank has come to some operation."""
        seen = self.draw.randrange(NP)
        wait_until(lambda: self.journals[seen].done >= at, 60, f"{self.what}: operation {at}")

    def operated(self, ranks):
        """Wait until all of them have done all operations."""
        def ended():
            return [r for r in ranks if self.journals[r].stage < OPERATED and is_dead(self.rank[r].pid)]

        wait_until(lambda: all(self.journals[r].stage >= OPERATED for r in ranks) or ended(), 60, f"{self.what}: operations")
        for r in ranks:
            check(self.journals[r].stage >= OPERATED, self.what, f"rank {r} is at operation {self.journals[r].done}", "and dead"
                  if r in ended() else "")

    def compare(self, *groups):
        """Each group's are survivors to each other. \\return counts of the last"""
        everybody = set().union(*groups)
        self.operated(everybody)
        took = time.monotonic() - self.begun
        counts = {"failed": 0, "partial": 0}
        if failures:
            return counts
        finish(self.place)
        wait_until(lambda: all(self.journals[r].stage >= SAID for r in everybody), 20, f"{self.what}: last words")
        for group in groups:
            if failures:
                break
            counts = compare(self.journals, group, OPERATIONS, self.what, exact=False)
            longest = longest_s(self.journals, group)
            check(longest < 3 * (self.detect_s + 1), self.what, "a call took", longest, "s")
            if arguments[0] == "public":
                for r in group:
                    check(not ranks_of(self.journals[r].dead) & group, self.what, f"the dead, by rank {r}", self.journals[r].dead)
            print(f"{self.what}: {counts['failed']} broadcasts failed, {counts['partial']} reductions without the dead for "
                  f"{sorted(group)}, no call above {longest:.2f} s, {self.begun - self.begin:.1f} + {took:.1f} s", flush=True)
        return counts


def kills(seed):
    draw = random.Random(seed * 7 + 1)
    count = draw.choice((2, 4))
    loss = draw.choice((0, 5))
    number = draw.choice((1, 2, 3, NP - 1))
    whole = draw.choice(("", "killed", "off"))
    scene = Scene(f"{number} killed" + (f", a host {whole}" if whole else ""), seed, count, 1.5, loss)
    killed = set()

    def kill(victim, _):
        if len(killed) == NP - 1:
            return set()
        scene.signal({victim})
        killed.add(victim)
        return {victim}

    def kill_host(victim, spared):
        """The one that this rank is on, unless nobody would be left."""
        victims = scene.on(scene.rank[victim].host)
        if not set(spared) - victims:
            return set()
        if whole == "off":
            scene.hosts.power_off(scene.rank[victim].host)
        else:
            scene.signal(victims - killed)
        killed.update(victims)
        return victims

    with scene:
        attack(scene.draw, scene.journals, OPERATIONS, [kill] * number + [kill_host] * bool(whole))
        return scene.compare(set(range(NP)) - killed)


def powers(seed):
    scene = Scene("powers", seed, 4, 1.5, 5 * (seed % 2))
    dead = set()

    def power_off(victim, spared):
        victims = scene.on(scene.rank[victim].host)
        scene.hosts.power_off(scene.rank[victim].host)
        dead.update(victims)
        return victims

    with scene:
        attack(scene.draw, scene.journals, OPERATIONS, [power_off] * scene.draw.choice((1, 2, 3)))
        return scene.compare(set(range(NP)) - dead)


def blink(seed):
    with Scene("blink", seed, 2, 4.0) as scene:
        for at in sorted(scene.draw.uniform(0, OPERATIONS * 0.9) for _ in range(2)):
            scene.come(at)
            host = scene.draw.choice((1, 2))
            scene.hosts.cut(host, silently=True)
            time.sleep(scene.draw.uniform(0.1, 1.5))
            scene.hosts.mend(host)
        counts = scene.compare(set(range(NP)))
        equal(counts, {"failed": 0, "partial": 0}, scene.what)
        return counts


def wall(seed):
    with Scene("wall", seed, 2, 2.0) as scene:
        scene.come(scene.draw.uniform(0, OPERATIONS * 0.5))
        scene.hosts.block_streams(2)
        time.sleep(1.6 * scene.detect_s)
        scene.hosts.block_streams(2, False)
        counts = scene.compare(set(range(NP)))
        equal(counts, {"failed": 0, "partial": 0}, scene.what)
        longest = longest_s(scene.journals, range(NP))
        check(longest > scene.detect_s, scene.what, "nothing was held up for longer than", longest, "s")
        return counts


def torn(seed):
    killed = set()
    with Scene("torn", seed, 2, 4.0) as scene:
        for at in sorted(scene.draw.uniform(0, OPERATIONS * 0.9) for _ in range(5)):
            spared = set(range(NP)) - killed
            sides = [host for host in (1, 2) if len(scene.on(host) - killed) > 1]
            if not sides:
                break
            seen = scene.draw.choice(sorted(spared))
            wait_until(lambda: scene.journals[seen].done >= at, 60, f"{scene.what}: operation {at}")
            side = scene.draw.choice(sides)
            scene.hosts.cut(2, silently=True)
            time.sleep(0.1)
            victims = {scene.draw.choice(sorted(scene.on(side) - killed))}
            scene.signal(victims)
            killed |= victims
            time.sleep(scene.draw.uniform(0, 0.2))
            scene.hosts.mend(2)
        return scene.compare(set(range(NP)) - killed)


def stop(seed):
    with Scene("stop", seed, 2, 1.0) as scene:
        scene.come(scene.draw.uniform(0, OPERATIONS * 0.9))
        stopped = scene.draw.randrange(NP)
        scene.signal({stopped}, signal.SIGSTOP)
        others = set(range(NP)) - {stopped}
        scene.operated(others)
        woken = time.monotonic()
        scene.signal({stopped}, signal.SIGCONT)
        scene.operated({stopped})
        check(time.monotonic() - woken < 3 * (scene.detect_s + 1), scene.what, "it took", time.monotonic() - woken, "s to know")
        counts = scene.compare(others)
        compare_excluded(scene.journals, stopped, others, scene.what)
        return counts


def halves(seed):
    with Scene("halves", seed, 2, 1.0) as scene:
        scene.come(scene.draw.uniform(0, OPERATIONS * 0.9))
        scene.hosts.cut(2, silently=True)
        return scene.compare(scene.on(1), scene.on(2))


sums = {"failed": 0, "partial": 0}
scenarios = {"kills": kills, "powers": powers, "blink": blink, "wall": wall, "torn": torn, "stop": stop, "halves": halves}
with Folder() as folder:
    for words in arguments[2:]:
        name, _, times = words.partition(":")
        for seed in range(int(arguments[1]), int(arguments[1]) + int(times or 1)):
            for key, value in scenarios[name](seed).items():
                sums[key] += value
            if failures:
                break
    check(sums["failed"] > 0 and sums["partial"] > 0, "the deaths hit nothing:", sums)
done()

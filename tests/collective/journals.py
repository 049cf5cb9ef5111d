# SPDX-License-Identifier: BSD-3-Clause
"""What the ranks of programs/*deaths.c wrote of their operations, attacks on them while they write, and whether it is right."""

import math
import mmap
import os
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import check, equal, failures  # noqa: E402

BCAST, BARRIER, ALLREDUCE = range(3)
SUCCEEDED, FAILED, WRONG, EXCLUDED = range(4)
STARTED, OPERATED, SAID, FINALIZED = range(1, 5)  # stages
OPERATIONS = 1000
HEAD = struct.Struct("4Q")
RECORD = struct.Struct("BBBBi4Q")


class InOrder:
    """What programs/deaths.c does: one operation after the other."""

    alone = 1  # how many results a rank may have that was declared dead, and nobody shares

    @staticmethod
    def part(comm, rank, np):
        """Of the ranks that made this communicator: with whom this one is."""
        return rank % 2 if comm == 2 else 0

    @staticmethod
    def lane(comm):
        """Of two operations in one lane, who was missed in the first takes no part in the second if it began it after that."""
        return 0


class Crowded(InOrder):
    """What programs/crowded_deaths.c does: many operations at once, in order on each communicator."""

    alone = 6

    @staticmethod
    def part(comm, rank, np):
        return {1: rank % 2, 4: rank % 3, 5: rank < np // 4}.get(comm, 0)

    @staticmethod
    def lane(comm):
        return comm


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
        """Of all operations, those that it never came to among them."""
        return list(RECORD.iter_unpack(self.memory[HEAD.size :]))


def order(folder, *words):
    file = os.open(folder / "orders", os.O_RDWR | os.O_CREAT, 0o600)
    for word in words:
        os.pwrite(file, struct.pack("Q", 1), 8 * word)
    os.close(file)


def finish(folder):
    """Let the ranks say what they think of the others, and end; those that have not begun go through all before."""
    order(folder, 0, 1)


def begin(folder):
    """Let the ranks begin; those of programs/deaths.c do not wait for it."""
    order(folder, 1)


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


def attack(draw, journals, operations, deeds, stuck=lambda: False, hit=()):
    """Do each deed when some rank has come to some operation. It is called with a rank that nothing was done to, and with
    all of those, and returns the ranks that it did something to; `hit` are those of before. `stuck` says that nobody may come
    any further now."""
    order = draw.sample(range(len(journals)), len(journals))
    hit = set(hit)
    for at, index in sorted((draw.uniform(0, 1.02) ** 1.5 * operations, index) for index in range(len(deeds))):
        spared = [r for r in order if r not in hit]
        if not spared:
            break
        seen = draw.choice(spared)
        # One after the other, or several in the same operation; the one who is watched is not always hit.
        if draw.random() < 0.8:
            wait_until(lambda: journals[seen].done >= min(at, operations) or stuck(), 60, f"operation {at}")
        time.sleep(draw.choice((0, 0, 0.0002, 0.002)) * draw.random())
        hit |= set(deeds[index](draw.choice(spared), spared))


def ranks_of(mask):
    return {r for r in range(64) if mask >> r & 1}


class History:
    """What one rank wrote of all operations, and which of them it took part in. On another communicator it may yet get what
    was sent to it before, when it knows on one that it is excluded."""

    def __init__(self, journal, program):
        self.records, self.program, self.knew_ns = journal.records(), program, {}
        for record in filter(self.tells_exclusion, self.records):
            lane = program.lane(record[1])
            self.knew_ns[lane] = min(record[8], self.knew_ns.get(lane, math.inf))

    @staticmethod
    def tells_exclusion(record):
        """MPI's code for that may be the one for failures."""
        return record[8] > 0 and (record[2] == EXCLUDED or (record[2] == FAILED and record[0] != BCAST))

    def is_excluded(self):
        return bool(self.knew_ns)

    def began(self, op):
        record = self.records[op]
        return 0 < record[7] < self.knew_ns.get(self.program.lane(record[1]), math.inf)

    def completed(self, op):
        return self.began(op) and self.records[op][8] > 0 and not self.tells_exclusion(self.records[op])


def groups_of(comm, np, program):
    parts = {}
    for r in range(np):
        parts.setdefault(program.part(comm, r, np), []).append(r)
    return parts.values()


def compare(journals, survivors, operations, what, exact, program=InOrder):
    """Each operation, by what everybody wrote of it. `exact`: what the dead wrote is what the survivors did, too; else there
    are no witnesses but survivors. \return how many broadcasts failed and how many reductions were without the dead."""
    np = len(journals)
    histories = [History(journal, program) for journal in journals]
    counts = {"failed": 0, "partial": 0}
    missed_ns = {}
    for r in survivors:
        equal([op for op in range(operations) if not histories[r].completed(op)], [], what, f"operations without rank {r}")
    if failures:
        return counts
    for op in range(operations):
        comm = histories[min(survivors)].records[op][1]
        missed = missed_ns.setdefault(program.lane(comm), {})
        for group in groups_of(comm, np, program):
            seen = {r: histories[r].records[op] for r in group if histories[r].completed(op) and (exact or r in survivors)}
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
                if histories[root].completed(op) and (exact or root in survivors):
                    equal(code, SUCCEEDED, where, "the root lived")
                elif not histories[root].began(op):
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
                may = {r for r in group if histories[r].began(op)}
                check(must <= ranks_of(mask) <= must | may, where, "contributors", ranks_of(mask), must, may)
                late = {r for r in ranks_of(mask) if histories[r].records[op][7] > missed.get(r, math.inf)}
                check(not late, where, "contributors", ranks_of(mask), "who were dead before", late)
                for r in set(group) - ranks_of(mask):
                    missed[r] = min([record[8] for record in seen.values()] + [missed.get(r, math.inf)])
                counts["partial"] += ranks_of(mask) != set(group)
        if failures:
            break
    return counts


def compare_excluded(journals, excluded, survivors, what, program=InOrder):
    """A rank that was declared dead, and lives: what it got before it knew is what others got, but for broadcasts of its own
    and reductions under way that it was the first to complete, when it woke; then it gets nothing any more."""
    np = len(journals)
    alone = {}
    mine = History(journals[excluded], program)
    got = [op for op in range(len(mine.records)) if mine.completed(op)]
    codes = {record[2] for op, record in enumerate(mine.records) if not mine.completed(op)}
    check(codes in ({EXCLUDED}, {FAILED}), what, f"codes of rank {excluded}, which was declared dead", codes)
    theirs = {r: journals[r].records() for r in survivors}
    for op in got:
        record = mine.records[op]
        part = program.part(record[1], excluded, np)
        for other in (r for r in survivors if program.part(record[1], r, np) == part):
            found = theirs[other][op]
            same = record[:3] == found[:3] and record[4:7] == found[4:7]
            if record[0] == ALLREDUCE and not same:
                lane = program.lane(record[1])
                alone[lane] = alone.get(lane, 0) + 1
                same = record[6] >> excluded & 1 and not found[6] >> excluded & 1 and alone[lane] <= program.alone
            check(same or record[4] == excluded or record[2] == FAILED, what, f"operation {op}", excluded, record, other, found)
            break


def longest_s(journals, ranks):
    """Of all their calls."""
    return max((record[8] - record[7]) / 1e9 for r in ranks for record in journals[r].records() if record[8])

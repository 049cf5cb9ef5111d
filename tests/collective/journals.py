# SPDX-License-Identifier: BSD-3-Clause
"""What the ranks of programs/deaths.c wrote of their operations, attacks on them while they write, and whether it is right."""

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


def finish(folder):
    """Let the ranks say what they think of the others, and end."""
    with open(folder / "finish", "r+b") as file:  # as it is: the ranks have it mapped
        file.write(struct.pack("Q", 1))


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


def attack(draw, journals, operations, deeds, stuck=lambda: False):
    """Do each deed when some rank has come to some operation. It is called with a rank that nothing was done to, and with
    all of those, and returns the ranks that it did something to. `stuck` says that nobody may come any further now."""
    order = draw.sample(range(len(journals)), len(journals))
    hit = set()
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


def members(comm, rank, np):
    return [r for r in range(np) if comm != 2 or r % 2 == rank % 2]


def ranks_of(mask):
    return {r for r in range(64) if mask >> r & 1}


def came_to(records):
    """How many operations a rank took part in before it was excluded. MPI's code for that may be the one for failures."""
    for i, record in enumerate(records):
        if record[2] == EXCLUDED or (record[2] == FAILED and record[0] != BCAST):
            return i
    return len(records)


def compare(journals, survivors, operations, what, exact):
    """Each operation, by what everybody wrote of it. `exact`: what the dead wrote is what the survivors did, too; else there
    are no witnesses but survivors. \\return how many broadcasts failed and how many reductions were without the dead."""
    np = len(journals)
    records = [journal.records() for journal in journals]
    came = [came_to(of_rank) for of_rank in records]
    counts = {"failed": 0, "partial": 0}
    missed = set()
    for r in survivors:
        equal(len(records[r]), operations, what, f"operations of rank {r}")
        equal(came[r], len(records[r]), what, f"operations before rank {r} was excluded")
    if failures:
        return counts
    for op in range(operations):
        groups = [members(2, 0, np), members(2, 1, np)] if records[min(survivors)][op][1] == 2 else [members(0, 0, np)]
        missed_now = set()
        for group in groups:
            seen = {r: records[r][op] for r in group if came[r] > op and (exact or r in survivors)}
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
                if came[root] > op and (exact or root in survivors):
                    equal(code, SUCCEEDED, where, "the root lived")
                elif came[root] < op:
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
                may = {r for r in group if came[r] >= op}
                check(must <= ranks_of(mask) <= must | may, where, "contributors", ranks_of(mask), must, may)
                check(not ranks_of(mask) & missed, where, "contributors", ranks_of(mask), "who were dead before", missed)
                missed_now |= set(group) - ranks_of(mask)
                counts["partial"] += ranks_of(mask) != set(group)
        missed |= missed_now
        if failures:
            break
    return counts


def compare_excluded(journals, excluded, survivors, what):
    """A rank that was declared dead, and lives: what it got before it knew is what others got, but for broadcasts of its own
    and one reduction that it was the first to complete, when it woke; then it gets nothing any more."""
    alone = 0
    mine = journals[excluded].records()
    came = came_to(mine)
    check(came < len(mine), what, f"rank {excluded} was never excluded")
    last = {record[2] for record in mine[came:]}
    check(last in ({EXCLUDED}, {FAILED}), what, f"codes of rank {excluded} from operation {came} on", last)
    for op, record in enumerate(mine[:came]):
        for other in survivors & set(members(record[1], excluded, len(journals))):
            theirs = journals[other].records()[op]
            same = record[:3] == theirs[:3] and record[4:7] == theirs[4:7]
            if record[0] == ALLREDUCE and not same:
                alone += 1
                same = record[6] >> excluded & 1 and not theirs[6] >> excluded & 1 and alone == 1
            check(same or record[4] == excluded or record[2] == FAILED, what, f"operation {op}", excluded, record, other, theirs)
            break


def longest_s(journals, ranks):
    """Of all their calls."""
    return max((record[8] - record[7]) / 1e9 for r in ranks for record in journals[r].records())

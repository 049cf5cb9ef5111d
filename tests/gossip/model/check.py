#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Has Spin try the correction's rules in every order, on all rings of a few nodes.

correction.pml is the state machine of src/gossip/rumor.c; shortcut.pml has the same ends by fewer states, which is
checked where both can be done. Some cases break a rule and must fail. Exit: 1 when a case does not end as it must, 77
without Spin or a C compiler.

usage: check.py [--long] [WORD …]     --long: what takes longer, too; WORD: only cases whose names have one of them"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MEMORY_MB = 3000
DEPTH = 100000
SECONDS = 1800
HOLDS, FAILS = "holds", "fails"

# The mutations of ring.pml.
STOP_WHEN_HEARD, RESERVES_ANSWER, RESERVES_SLEEP, REST_TOO_SOON, LATE_COUNT_SELF, ROOT_COVERS = range(1, 7)

# name, model, what must be, parameters. LOSSES=99: whatever the dead have sent may be lost.
CASES = [
    ("P1 checked, one loss", "correction", HOLDS, {"N": 4, "LOSSES": 1}),
    ("P1 the same, who asks is open", "correction", HOLDS, {"N": 4, "LOSSES": 1, "ASK": 2}),
    ("P1 the same, nobody asks", "correction", HOLDS, {"N": 4, "LOSSES": 1, "ASK": 0}),
    ("P1 checked", "shortcut", HOLDS, {"N": 6, "LOSSES": 99}),
    ("P2 checked, one death, one loss", "correction", HOLDS, {"N": 4, "DEATHS": 1, "LOSSES": 1}),
    ("P2 checked, one death", "shortcut", HOLDS, {"N": 6, "DEATHS": 1, "LOSSES": 99}),
    ("P2 two heard, three deaths", "correction", HOLDS, {"N": 4, "NEEDED": 2, "DEATHS": 3, "LOSSES": 99}),
    ("P2 two heard, three deaths", "shortcut", HOLDS, {"N": 6, "NEEDED": 2, "DEATHS": 3, "LOSSES": 99}),
    ("P3 failure-proof:1", "correction", HOLDS, {"N": 4, "RESERVES": 1, "DEATHS": 1, "LOSSES": 1}),
    ("P3 failure-proof:1, late nodes", "shortcut", HOLDS,
     {"N": 4, "RESERVES": 1, "DEATHS": 1, "LOSSES": 99, "LATE": 1}),
    ("P3 failure-proof:1", "shortcut", HOLDS, {"N": 5, "RESERVES": 1, "DEATHS": 1, "LOSSES": 99}),
    ("P3 failure-proof:2, late nodes", "shortcut", HOLDS,
     {"N": 5, "NEEDED": 2, "RESERVES": 2, "DEATHS": 2, "LOSSES": 99, "LATE": 1}),
    ("P3 failure-proof:3, late nodes", "shortcut", HOLDS,
     {"N": 5, "NEEDED": 2, "RESERVES": 3, "DEATHS": 3, "LOSSES": 99, "LATE": 1}),
    # The root's death is one more.
    ("P2 checked, a direct root's death", "correction", HOLDS, {"N": 5, "DIRECT": 1, "LOSSES": 99}),
    ("P2 the same, who asks is open", "correction", HOLDS, {"N": 5, "DIRECT": 1, "LOSSES": 99, "ASK": 2}),
    ("P2 two heard, a direct root", "correction", HOLDS, {"N": 5, "DIRECT": 1, "NEEDED": 2, "DEATHS": 2, "LOSSES": 99}),
    ("P3 failure-proof:1, direct", "correction", HOLDS, {"N": 5, "DIRECT": 1, "RESERVES": 1, "LOSSES": 99}),
    ("P5 checked, direct, two deaths", "correction", FAILS, {"N": 5, "DIRECT": 1, "DEATHS": 1, "LOSSES": 1}),
    ("P5 a direct root is relied on", "correction", FAILS, {"N": 5, "DIRECT": 1, "MUTATE": ROOT_COVERS}),
    ("P5 checked, two deaths", "correction", FAILS, {"N": 4, "DEATHS": 2}),
    ("P5 two heard, four deaths", "shortcut", FAILS, {"N": 6, "NEEDED": 2, "DEATHS": 4, "LOSSES": 99}),
    ("P5 failure-proof:1, two deaths", "correction", FAILS, {"N": 4, "RESERVES": 1, "DEATHS": 2}),
    # Without a death these two do no harm: who is heard has sent to, or was sent to across, all that lies between.
    ("P5 stops when heard", "correction", FAILS, {"N": 4, "DEATHS": 1, "LOSSES": 1, "MUTATE": STOP_WHEN_HEARD}),
    ("P5 reserves answer", "correction", FAILS, {"N": 4, "DEATHS": 1, "LOSSES": 1, "MUTATE": RESERVES_ANSWER}),
    ("P5 reserves never wake", "correction", FAILS, {"N": 4, "RESERVES": 1, "DEATHS": 1, "MUTATE": RESERVES_SLEEP}),
    ("P5 reserves rest at f", "correction", FAILS, {"N": 4, "RESERVES": 1, "DEATHS": 1, "MUTATE": REST_TOO_SOON}),
    ("P5 late nodes count themselves", "correction", FAILS,
     {"N": 3, "RESERVES": 1, "DEATHS": 1, "LATE": 1, "MUTATE": LATE_COUNT_SELF}),
]
# About two minutes more. Not here, since they had not ended after 200 s: correction on 5 nodes, failure-proof on 6.
LONG = [
    ("P3 failure-proof:1, late nodes", "shortcut", HOLDS,
     {"N": 5, "RESERVES": 1, "DEATHS": 1, "LOSSES": 99, "LATE": 1}),
]
# Where both models are run, and must come to the same ends.
SAME = [
    ("same ends, checked", {"N": 4, "DEATHS": 1}),
    ("same ends, checked, two deaths", {"N": 4, "DEATHS": 2}),
    ("same ends, failure-proof:1", {"N": 3, "RESERVES": 1, "DEATHS": 1, "LATE": 1}),
    ("same ends, failure-proof:1", {"N": 4, "RESERVES": 1, "DEATHS": 1}),
]
SAME_LONG = [
    ("same ends, failure-proof:1", {"N": 4, "RESERVES": 1, "DEATHS": 1, "LATE": 1}),
    ("same ends, failure-proof:2", {"N": 4, "NEEDED": 2, "RESERVES": 2, "DEATHS": 2}),
]


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False).stdout


def flags(parameters):
    return [f"-D{name}={value}" for name, value in parameters.items()]


class Search:
    """One model with one set of parameters, built and run in a folder of its own."""

    optimise = "-O0"  # to compile takes longer than most searches

    def __init__(self, folder, model, parameters, every_error=False):
        self.folder, self.model, self.parameters = pathlib.Path(folder), model, parameters
        for path in HERE.glob("*.pml"):
            shutil.copy(path, folder)
        begin = time.monotonic()
        said = run(["spin", *flags(parameters), "-a", f"{model}.pml"], folder)
        subprocess.run([os.environ.get("CC", "cc"), self.optimise, "-w", "-DSAFETY", "-DCOLLAPSE",
                        f"-DMEMLIM={MEMORY_MB}", "pan.c", "-o", "pan"], cwd=folder, check=True)
        self.said = run(["./pan", f"-m{DEPTH}", "-w22", *(["-c0", "-E"] if every_error else [])], folder)
        self.seconds = time.monotonic() - begin
        self.states = self.figure(r"(\d+) states, stored")
        self.depth = self.figure(r"depth reached (\d+)")
        self.errors = self.figure(r"errors: (\d+)")
        self.whole = self.errors is not None and not re.search(
            r"Search not completed|max search depth too small|out of memory|reached -DMEMLIM", self.said)
        if self.errors is None:
            print(said, self.said)

    def figure(self, pattern):
        found = re.search(pattern, self.said)
        return int(found.group(1)) if found else None

    def trail(self):
        """What led to the error, a line a step."""
        said = run(["spin", *flags(self.parameters), "-t", f"{self.model}.pml"], self.folder)
        return [line.strip() for line in said.splitlines() if re.match(r"\s+(\d+[, ]|its )", line)]

    def ends(self):
        return {line for line in self.said.splitlines() if line.startswith("outcome ")}


def show(name, model, parameters, search, result):
    text = " ".join(f"{key}={value}" for key, value in parameters.items())
    print(f"{name:32} {model:10} {search.states or 0:>9} states  depth {search.depth or 0:>4}  "
          f"{search.seconds:5.1f} s  {result}   ({text})", flush=True)


def check(name, model, wanted, parameters):
    with tempfile.TemporaryDirectory() as folder:
        search = Search(folder, model, parameters)
        if search.errors:
            found = FAILS
        else:
            found = HOLDS if search.whole else "was not searched to the end"
        good = found == wanted
        show(name, model, parameters, search, found + (", as it must" if good and wanted == FAILS else "")
             + ("" if good else f", but must be: {wanted}"))
        if found == FAILS and not good:
            print(*search.trail(), sep="\n")
        return good


def compare(name, parameters):
    parameters = parameters | {"LOSSES": 99, "OUTCOMES": 1}
    ends = []
    for model in ("correction", "shortcut"):
        with tempfile.TemporaryDirectory() as folder:
            search = Search(folder, model, parameters, every_error=True)
            ends.append(search.ends())
            show(name, model, parameters, search, f"{len(ends[-1])} ends")
    good = len(ends[0]) > 0 and ends[0] == ends[1]
    if not good:
        print("the two models differ:", *sorted(ends[0] ^ ends[1])[:10], sep="\n")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="what takes longer, too")
    parser.add_argument("words", nargs="*", help="only cases whose names have one of them")
    wanted = parser.parse_args()
    for tool in ("spin", os.environ.get("CC", "cc")):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77

    if wanted.long:
        Search.optimise = "-O2"

    def chosen(cases):
        return [case for case in cases if not wanted.words or any(word in case[0] for word in wanted.words)]

    good = [check(*case) for case in chosen(CASES + (LONG if wanted.long else []))]
    good += [compare(*case) for case in chosen(SAME + (SAME_LONG if wanted.long else []))]
    print(f"{sum(good)} of {len(good)} cases end as they must")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-3-Clause
"""What the benches share: a clean environment, runs in turns, a median with its spread."""
import os
import statistics
import sys


def environment(library=None):
    """Ours, without what a surrounding job or user set for ffmk; `library` is preloaded."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("FFMK_") and k != "LD_PRELOAD"}
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if library:
        env["LD_PRELOAD"] = library
    env["FFMK_SUMMARY"] = "off"
    return env


def in_turns(title, ways, rounds, measure):
    """{way: [measure(way) of each round]}; another order each round, so that what a round's middle or end does to a run
    hits all alike."""
    samples = {way: [] for way in ways}
    for r in range(rounds):
        for i in range(len(ways)):
            way = ways[(i + r) % len(ways)]
            samples[way].append(measure(way))
        if sys.stderr.isatty():
            print(f"\r{title}: round {r + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return samples


def spread(values, digits=1):
    """Median and quartiles."""
    if len(values) < 4:
        return f"{statistics.median(values):7.{digits}f}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:7.{digits}f} [{low:.{digits}f} … {high:.{digits}f}]"

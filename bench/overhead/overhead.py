#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an intercepted call costs: no tool, a bare two-TSC shim and ffmk, interleaved in one run.

Prints, for each MPI and call, the median over rounds of nanoseconds a call and of what the shim and ffmk add to no
tool in the same round, with quartiles; and the instructions that a call of MPI_Iprobe costs more, under callgrind.
"""
import argparse, os, re, shutil, statistics, subprocess, sys, tempfile

KINDS = {
    "iprobe": "MPI_Iprobe",
    "allreduce_self": "MPI_Allreduce on COMM_SELF",
    "pingpong": "8 B ping-pong, np 2",
    "allreduce_np2": "8 B MPI_Allreduce, np 2",
}
TOOLS = ("none", "shim", "ffmk")


def environment(tool, libraries):
    env = {k: v for k, v in os.environ.items() if not k.startswith("FFMK_") and k != "LD_PRELOAD"}
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if tool != "none":
        env["LD_PRELOAD"] = libraries[tool]
    env["FFMK_SUMMARY"] = "off"
    return env


def measure(launcher, program, tool, libraries):
    out = subprocess.run([*launcher, program], env=environment(tool, libraries), check=True, capture_output=True,
                         text=True, timeout=300).stdout
    return {kind: float(ns) for kind, ns in (line.split() for line in out.splitlines())}


def instructions(program, tool, libraries, calls):
    """Instructions of a whole run with that many calls."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program,
                              str(calls), "iprobe"], env=environment(tool, libraries), capture_output=True, text=True,
                             timeout=600)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if not found:
        raise RuntimeError(run.stderr[-2000:])
    return int(found.group(1))


def spread(values):
    if len(values) < 4:
        return f"{statistics.median(values):7.1f}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:7.1f} [{low:.1f} … {high:.1f}]"


def bench(name, launcher, program, libraries, rounds):
    samples = {tool: [] for tool in TOOLS}
    for r in range(rounds):
        # Another order each round, so that what a round's middle or end does to a run hits all alike.
        for i in range(len(TOOLS)):
            tool = TOOLS[(i + r) % len(TOOLS)]
            samples[tool].append(measure(launcher, program, tool, libraries))
        if sys.stderr.isatty():
            print(f"\r{name}: round {r + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"\n{name}, {rounds} rounds; ns a call: median [quartiles]")
    print(f"  {'call':28} {'no tool':>8}   {'shim adds':>22}   {'ffmk adds':>22}   ffmk / shim")
    for kind, text in KINDS.items():
        added = {tool: [s[kind] - n[kind] for s, n in zip(samples[tool], samples["none"])] for tool in TOOLS[1:]}
        base = statistics.median(s[kind] for s in samples["none"])
        shim, ffmk = statistics.median(added["shim"]), statistics.median(added["ffmk"])
        ratio = f"{ffmk / shim:.2f}" if shim > 0 else "-"
        print(f"  {text:28} {base:8.1f}   {spread(added['shim']):>22}   {spread(added['ffmk']):>22}   {ratio:>11}")


def count(name, program, libraries):
    if not shutil.which("valgrind"):
        print(f"{name}: instructions not counted: valgrind is not installed")
        return
    per_call = {}
    for tool in TOOLS:
        few, many = (instructions(program, tool, libraries, calls) for calls in (2000, 12000))
        per_call[tool] = (many - few) / 10000
    print(f"{name}: instructions of an MPI_Iprobe: no tool {per_call['none']:.0f}, shim adds "
          f"{per_call['shim'] - per_call['none']:.0f}, ffmk adds {per_call['ffmk'] - per_call['none']:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--mpi", action="append", nargs=4, metavar=("NAME", "LAUNCHER", "FOLDER", "LIBFFMK"),
                        required=True)
    args = parser.parse_args()
    for name, launcher, folder, library in args.mpi:
        libraries = {"shim": f"{folder}/libshim_{name}.so", "ffmk": library}
        program = f"{folder}/overhead_calls_{name}"
        bench(name, launcher.split(";"), program, libraries, args.rounds)
        count(name, program, libraries)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves of examples/cloud that

same       the field has the same checksum for any number of ranks, balanced or not, however often and by whatever
           weights; that blocks did move; and that the checksum sees a difference where there is one;
arguments  a bad value gives one line that names it and exit code 2 on all ranks, at once;
pictures   the pictures are well-formed, show every block of the slice, and each rank in its own colour;
terminal   the progress bar is drawn on a terminal, and nothing of it goes into a pipe.

usage: cloud.py same|arguments|pictures|terminal CLOUD MOST_RANKS LAUNCHER …      (NP in LAUNCHER is the ranks' number)
"""
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

SMALL = ["--grid", "16x12x8", "--block", "4x4x4", "--steps", "12", "--every", "3"]
ENVIRONMENT = {**os.environ, "FFMK_SUMMARY": "off"}
SECONDS = 200


class Cloud:
    def __init__(self, program, launcher):
        self.program, self.launcher, self.faults = program, launcher, 0

    def expect(self, holds, what):
        if not holds:
            print(f"not true: {what}")
            self.faults += 1

    def command(self, ranks, options):
        return [str(ranks) if word == "NP" else word for word in self.launcher] + [self.program, *options]

    def run(self, ranks, *options):
        return subprocess.run(self.command(ranks, options), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=ENVIRONMENT, timeout=SECONDS, check=False)

    def checksum(self, ranks, *options):
        done = self.run(ranks, *SMALL, *options)
        found = re.search(r"^checksum +([0-9a-f]{16})$", done.stdout, re.MULTILINE)
        self.expect(done.returncode == 0 and found, f"{ranks} ranks {options} ran: {done.stdout}{done.stderr}")
        self.expect(done.stderr == "", f"{ranks} ranks {options} said nothing on stderr: {done.stderr}")
        return found and found.group(1), done.stdout


def same(cloud, most_ranks):
    first, _ = cloud.checksum(1, "--no-balance")
    ways = [(ranks, ()) for ranks in (1, 2, 3, 4, 8) if ranks <= most_ranks]
    ways += [(2, ("--every", "1")), (3, ("--every", "5")), (2, ("--weights", "measured")), (3, ("--no-balance",))]
    moved = 0
    for ranks, options in ways:
        found, output = cloud.checksum(ranks, *options)
        cloud.expect(found == first, f"{ranks} ranks {options}: {found} is {first}")
        blocks = re.search(r"; (\d+) blocks, ", output)
        cloud.expect(bool(blocks) == ("--no-balance" not in options), f"{ranks} ranks {options}: balanced when asked")
        moved += int(blocks.group(1)) if blocks else 0
    cloud.expect(moved > 0, "blocks moved")
    # Other blocks hash in another order, so a cut of another shape is compared with itself only.
    thin = ("--block", "2x12x8")
    cloud.expect(cloud.checksum(1, *thin)[0] == cloud.checksum(3, *thin)[0], "the same for thin blocks")
    flat = ("--grid", "16x1x1", "--block", "1x1x1")
    cloud.expect(cloud.checksum(1, *flat)[0] == cloud.checksum(3, *flat)[0], "the same for blocks of one cell")
    alone = ("--block", "16x12x8")
    cloud.expect(cloud.checksum(1, *alone)[0] == cloud.checksum(3, *alone)[0], "the same for one block, two ranks idle")
    cloud.expect(cloud.checksum(1, "--seed", "2")[0] != first, "another seed gives another checksum")
    cloud.expect(cloud.checksum(1, "--steps", "13")[0] != first, "another step gives another checksum")
    quiet = cloud.run(2, *SMALL, "--quiet")
    cloud.expect(quiet.stdout == f"{first}\n" and quiet.stderr == "", f"--quiet prints the checksum: {quiet.stdout}")


def arguments(cloud, _):
    with tempfile.NamedTemporaryFile() as file:
        bad = [(["--grid", "16x16"], "--grid 16x16: "), (["--grid", "0x4x4"], "--grid 0x4x4: "),
               (["--grid", "4x4x4x4"], "--grid 4x4x4x4: "), (["--grid", "axbxc"], "--grid axbxc: "),
               (["--grid", "18x16x16"], "18 cells along x"), (["--block", "8x8x9"], "16 cells along z"),
               (["--grid", "4096x4096x4096", "--block", "1x1x1"], "68719476736 blocks"),
               (["--steps", "0"], "--steps 0: "), (["--steps", "ten"], "--steps ten: "), (["--steps"], "--steps needs"),
               (["--every", "-3"], "--every -3: "), (["--every", "1.5"], "--every 1.5: "),
               (["--seed", "-1"], "--seed -1: "), (["--seed", "99999999999999999999"], "--seed 9999"),
               (["--weights", "heavy"], "--weights heavy: "), (["--sted", "1"], "--sted: "), (["12"], "12: "),
               (["--pictures", ""], "--pictures : "), (["--pictures", file.name], f"--pictures {file.name}: "),
               (["--pictures", "/no/such/folder"], "--pictures /no/such/folder: "), (["--quiet=yes"], "--quiet=yes")]
        for options, words in bad:
            done = subprocess.run([cloud.program, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=ENVIRONMENT, timeout=SECONDS, check=False)
            lines = [line for line in done.stderr.splitlines() if line]
            cloud.expect(done.returncode == 2, f"{options} exits with 2, not {done.returncode}")
            cloud.expect(len(lines) == 1 and words in lines[0], f"{options}: one line with '{words}': {lines}")
            cloud.expect(done.stdout == "", f"{options} prints nothing else: {done.stdout}")
        for options in (["--steps", "0"], ["--pictures", file.name]):
            done = cloud.run(3, *options)
            lines = [line for line in done.stderr.splitlines() if line.startswith("cloud: ")]
            cloud.expect(done.returncode == 2 and len(lines) == 1, f"3 ranks {options}: {done.returncode}, {lines}")
    done = cloud.run(2, "--help")
    cloud.expect(done.returncode == 0 and done.stdout.count("Usage:") == 1, "--help is printed once")


def pictures(cloud, _):
    for ranks, options in ((3, []), (3, ["--no-balance"])):
        with tempfile.TemporaryDirectory() as work:
            folder = pathlib.Path(work) / "new"
            done = cloud.run(ranks, *SMALL, *options, "--pictures", str(folder))
            cloud.expect(done.returncode == 0, f"{options} ran: {done.stderr}")
            if done.returncode != 0:
                continue
            owners = xml.parse(folder / "owners.svg").getroot()
            load = xml.parse(folder / "load.svg").getroot()
        tag = "{http://www.w3.org/2000/svg}"
        fills = [rect.get("fill") for rect in owners.iter(tag + "rect") if rect.get("fill")]
        cloud.expect(len(fills) == 3 * 4 * 3 + ranks, f"three maps of 4 x 3 blocks and a key: {len(fills)}")
        cloud.expect(len(set(fills)) == ranks, f"a colour for each rank: {set(fills)}")
        cloud.expect(len(list(owners.iter(tag + "circle"))) > 0, "the cloud is drawn")
        charts = 1 if options else 2
        lines = list(load.iter(tag + "path"))
        cloud.expect(len(lines) == charts * (ranks + 1), f"a line for each rank and the mean, {charts} times")


def terminal(cloud, _):
    """A terminal as stderr of the program, and of its launcher."""
    for command in ([cloud.program, *SMALL], cloud.command(2, SMALL)):
        try:
            ours, theirs = pty.openpty()
        except OSError as wrong:
            print(f"no pseudo-terminal to be had here: {wrong}")
            sys.exit(77)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=ENVIRONMENT) as process:
            os.close(theirs)
            shown = b""
            try:
                while chunk := os.read(ours, 4096):
                    shown += chunk
            except OSError:  # how a pseudo-terminal says that nobody writes to it any more
                pass
            process.wait(SECONDS)
        os.close(ours)
        cloud.expect(b"step 12 of 12" in shown, f"the bar is drawn: {command}: {shown}")
    done = cloud.run(2, *SMALL)
    cloud.expect(done.stderr == "", f"nothing in a pipe: {done.stderr}")
    done = cloud.run(2, *SMALL, "--progress")
    cloud.expect("step 12 of 12" in done.stderr, "--progress draws it anyway")


def main():
    what, program, most_ranks, *launcher = sys.argv[1:]
    cloud = Cloud(program, launcher)
    {"same": same, "arguments": arguments, "pictures": pictures, "terminal": terminal}[what](cloud, int(most_ranks))
    print(f"{cloud.faults} faults")
    return 1 if cloud.faults else 0


sys.exit(main())

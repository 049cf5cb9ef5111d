#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that the manual pages are true: every public call of ffmk.h has a page that names it, and every program among
their examples compiles without a warning and runs on two ranks.

usage: manual.py MPICC LIBRARY_FOLDER LAUNCHER …"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^\.EX\n(.*?)^\.EE$", re.DOTALL | re.MULTILINE)


def plain(roff):
    return re.sub(r"^\\&", "", roff, flags=re.MULTILINE).replace(r"\-", "-").replace(r"\e", "\\")


def public_calls():
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "include/ffmk.h").read_text(), flags=re.DOTALL)
    return set(re.findall(r"\b(ffmk_\w+)\s*\(", header))


def runs(name, source, mpicc, folder, launcher):
    with tempfile.TemporaryDirectory() as work:
        program = pathlib.Path(work) / "example"
        program.with_suffix(".c").write_text(source)
        for command in ([mpicc, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include",
                         str(program.with_suffix(".c")), "-o", str(program), f"-L{folder}", f"-Wl,-rpath,{folder}",
                         "-lffmk"], [*launcher, str(program)]):
            done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=60, check=False)
            if done.returncode != 0:
                print(f"{name}: {' '.join(command)} gave {done.returncode}\n{done.stdout}")
                return False
    return True


def main():
    mpicc, folder, *launcher = sys.argv[1:]
    named, faults, ran = set(), 0, 0
    for page in sorted((ROOT / "docs/man").glob("*.[137]")):
        text = page.read_text()
        title = re.search(r"^\.SH NAME\n(.*?) \\-", text, re.MULTILINE)
        named |= set(title.group(1).split(", ")) if title else set()
        for example in EXAMPLE.findall(text):
            if "int main(" in example:
                ran += 1
                faults += not runs(page.name, plain(example), mpicc, folder, launcher)
    for call in sorted(public_calls() - named):
        print(f"{call} has no manual page")
        faults += 1
    print(f"{ran} examples ran, {faults} faults")
    return 1 if faults or not ran else 0


sys.exit(main())

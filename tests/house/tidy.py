#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""clang-tidy over the C sources, in parallel, each file once (the engine is compiled once an MPI, its text is one).

usage: tidy.py BUILD_FOLDER [PATH_PART …]    only files whose path holds one of the parts

clang's own warnings come along, for the flags are those of the build. A file whose preprocessed text, flags and
configuration were clean before is not looked at again."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("src", "examples", "bench")


def commands(build, parts):
    """One compile command a source file of ours."""
    chosen = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"]).resolve()
        if path.suffix != ".c" or not path.is_relative_to(ROOT):
            continue
        inside = path.relative_to(ROOT)
        if inside.parts[0] in ROOMS and (not parts or any(part in str(inside) for part in parts)):
            chosen.setdefault(path, entry)
    return chosen


def fingerprint(entry, configuration):
    words = shlex.split(entry["command"])
    if "-o" in words:
        at = words.index("-o")
        del words[at:at + 2]
    text = subprocess.run([word for word in words if word != "-c"] + ["-E"], cwd=entry["directory"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return hashlib.sha256(configuration + "\0".join(words).encode() + text).hexdigest()


def check(path, entry, database, clean, configuration):
    stamp = clean / fingerprint(entry, configuration)
    if stamp.exists():
        return ""
    # clang has no -fno-… of gcc alone; an unknown one is no finding.
    run = subprocess.run(["clang-tidy", "--quiet", "-p", str(database), "--extra-arg=-Wno-unknown-warning-option",
                          "--extra-arg=-Wno-ignored-optimization-argument", str(path)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode == 0:
        stamp.touch()
        return ""
    return run.stdout or run.stderr


def main():
    if not shutil.which("clang-tidy"):
        print("clang-tidy is not installed")
        return 77
    build = pathlib.Path(sys.argv[1]).resolve()
    chosen = commands(build, sys.argv[2:])
    if not chosen:
        print("no source file fits")
        return 1
    database = build / "tidy"
    clean = database / "clean"
    clean.mkdir(parents=True, exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(list(chosen.values())))
    configuration = (ROOT / ".clang-tidy").read_bytes()
    findings = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, path, entry, database, clean, configuration) for path, entry in chosen.items()]
        for job in jobs:
            said = job.result()
            if said:
                findings += 1
                print(said)
    print(f"{len(chosen)} files, {findings} with findings")
    return 1 if findings else 0


sys.exit(main())

# SPDX-License-Identifier: BSD-3-Clause
"""Runs MPI jobs under ffmk for the tests of this folder and reads what remains of them."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

SKIP = 77


class Settings:
    """What CMake knows of one MPI; the tests' own arguments follow it on the command line."""

    def __init__(self, path):
        self.__dict__.update(json.loads(pathlib.Path(path).read_text()))
        self.mpis = self.mpis.split(";")

    def program(self, name):
        return f"{self.programs}/{name}"

    def ranks(self, np):
        """The launcher's words for np ranks."""
        return [str(np) if word == "NP" else word for word in self.launcher]


settings = Settings(sys.argv[1])
arguments = sys.argv[2:]
failures = []


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def check(holds, *what):
    """Say what does not hold, and go on: one run shows all that is wrong."""
    if not holds:
        failures.append(what)
        print("FAILED:", *what, flush=True)
    return bool(holds)


def equal(found, expected, *what):
    return check(found == expected, *what, f"\n    found    {found!r}\n    expected {expected!r}")


def done():
    if failures:
        print(f"{len(failures)} checks failed")
        sys.exit(1)
    print("all checks hold")


class Folder:
    """A fresh folder for a test's files, removed unless the test fails."""

    def __init__(self):
        pathlib.Path(settings.work).mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=pathlib.Path(sys.argv[0]).stem + ".", dir=settings.work))

    def __enter__(self):
        return self.path

    def __exit__(self, kind, value, trace):
        if kind is None and not failures:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            print("files are kept in", self.path)


def clean_environment(extra):
    """Ours, without what a surrounding job or user set for ffmk."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FFMK_") and k != "LD_PRELOAD"}
    environment.update({k: str(v) for k, v in extra.items() if v is not None})
    return environment


class Run:
    """A finished command: code, out, err (text) and its lines that ffmk wrote."""

    def __init__(self, words, env=None, cwd=None, timeout=240, stdin=subprocess.DEVNULL):
        self.words = [str(w) for w in words]
        process = subprocess.Popen(self.words, env=clean_environment(env or {}), cwd=cwd, stdin=stdin,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(timeout=timeout)
            self.hung = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.hung = True
        self.code = process.returncode
        self.raw = out
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    @property
    def said(self):
        """Lines of ours, the summary's among them only by its first one."""
        return [line for line in self.err.splitlines() if line.startswith("ffmk: ")]

    def succeeds(self, what=""):
        check(not self.hung, what, "hangs:", *self.words)
        return check(self.code == 0, what, f"exit code {self.code} of", *self.words, "\n" + self.out[-3000:],
                     "\n" + self.err[-3000:])


def preload(*libraries):
    return ":".join([settings.doors, *map(str, libraries)])


def job(np, *words, env=None, cwd=None, **options):
    """Run under a launcher with the doors preloaded into the ranks only, not into the launcher."""
    env = dict(env or {})
    libraries = env.pop("LD_PRELOAD", settings.doors)
    ranks = ["env", f"LD_PRELOAD={libraries}"] if libraries else []
    return Run([*settings.ranks(np), *ranks, *words], env=env, cwd=cwd, **options)


def read(path):
    """A report, or None where there is none."""
    path = pathlib.Path(path)
    if not check(path.exists(), "no report", path):
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as wrong:
        check(False, path, "is not JSON:", wrong)
        return None


def summed(calls, what):
    """{(name, binding): sum of what} of a list of calls; each may come once a region."""
    sums = {}
    for call in calls:
        key = call["name"], call["binding"]
        sums[key] = sums.get(key, 0) + call[what]
    return sums


def counted(calls):
    return summed(calls, "count")


def moved(calls):
    return summed(calls, "bytes")


def same(found, expected, what):
    """Two dictionaries are the same; say each key in which they differ."""
    for key in sorted(set(found) | set(expected), key=str):
        check(found.get(key) == expected.get(key), what, key, "found", found.get(key), "expected", expected.get(key))

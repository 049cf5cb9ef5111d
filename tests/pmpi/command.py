# SPDX-License-Identifier: BSD-3-Clause
"""What `ffmk run` starts and what it refuses before anything runs: scripts as a launcher would start them, programs that
are not there, a build that does not fit, places where no report can be written."""

from harness import *

ways = settings.program("ways")


def refused(folder, code, words, *hints):
    """One line, which has all the hints; the program did not run."""
    run = Run([settings.command, "run", *words], cwd=folder)
    equal((run.code, len(run.err.splitlines()), run.out), (code, 1, ""), "ffmk run", *words, run.err)
    for hint in hints:
        check(hint in run.err, "ffmk run", *words, "says", hint, "in", run.err)


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


with Folder() as folder:
    # ---- scripts ----
    script(folder / "bare", 'echo "$0 $# $2"\n')
    run = Run([settings.command, "run", "./bare", "a", "b c"], cwd=folder)
    run.succeeds("a script without #!, as execvp starts it")
    equal((run.out, run.err), ("./bare 2 b c\n", ""), "what it says")
    run = Run([*settings.ranks(2), settings.command, "run", "--summary", "off", script(folder / "starts", f'"{ways}" plain\n')],
              cwd=folder)
    run.succeeds("a script without #! that runs an MPI program")
    check(read(folder / "ffmk-report.json"), "its report")
done()

# SPDX-License-Identifier: BSD-3-Clause
"""What `ffmk run` starts, what it refuses, and what it only tells before anything runs: scripts as a launcher would start
them, programs that are not there, a build that does not fit, places where no report can be written."""

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
    script(folder / "lost", "#!/opt/no/such/shell -e\n")
    refused(folder, 126, ["./lost"], "'./lost'", "interpreter '/opt/no/such/shell' is not there")
    script(folder / "windows", "#!/bin/sh\r\n")
    refused(folder, 126, ["./windows"], "interpreter '/bin/sh' is not there", "carriage return")
    script(folder / "through", f"#!{folder}/lost\n")
    refused(folder, 126, ["./through"], "interpreter '/opt/no/such/shell' is not there")
    info = Run([settings.command, "info", "./lost"], cwd=folder)
    check("seen by ffmk run: no: its interpreter" in info.out, "ffmk info says it, too:", info.out)

    # ---- words ----
    refused(folder, 2, ["--frob", ways], "`ffmk run --help` lists them")
    for word, help in (("info --frob", "ffmk info"), ("frob", "ffmk")):
        run = Run([settings.command, *word.split()], cwd=folder)
        equal(run.code, 2, word)
        check(f"`{help} --help` lists them" in run.err, "where the words of", word, "are listed:", run.err)

    # ---- --mpi against the program's file: it is obeyed, for files can mislead, but not in silence ----
    for asked in settings.mpis:
        run = Run([settings.command, "run", "--mpi", asked, "--summary", "off", ways, "without-mpi"], cwd=folder)
        equal(run.code, Run([ways, "without-mpi"]).code, "--mpi", asked)
        lines = [line for line in run.err.splitlines() if f"--mpi {asked}" in line and f"needs {settings.mpi}" in line]
        equal(len(lines), asked != settings.mpi, "lines on --mpi", asked, "for a program of", settings.mpi, run.err)

    # ---- what is no program ----
    refused(folder, 127, [""], "''")
    refused(folder, 127, ["there-is-none"], "'there-is-none'", "PATH")
    refused(folder, 127, ["./there-is-none"], "'./there-is-none'", "No such file")
    refused(folder, 126, ["./."], "'./.'", "no program")

    # ---- places where no report can be written: told before the job runs, and it runs ----
    (folder / "folder").mkdir()
    (folder / "file").write_text("")
    for option, what in (("--report", "report"), ("--csv", "table of calls")):
        for place, hint in (("folder", "it is a directory; name a file in it"), (folder, "it is a directory"),
                            ("folder/", "it is a directory"), ("none/run.json", "there is no folder 'none'"),
                            ("none/%%/%r/x", "there is no folder 'none/%'"), ("/none/%j.json", "there is no folder '/none'"),
                            ("file/run.json", "'file' is no folder"), ("none/", "there is no folder 'none'")):
            run = Run([settings.command, "run", option, place, "true"], cwd=folder)
            equal((run.code, len(run.said)), (0, 1), "a bad place for the", what, place, run.err)
            check(f"the {what} cannot be written to '{place}'" in run.err and hint in run.err, hint, run.err)
    run = Run([*settings.ranks(2), settings.command, "run", "--summary", "off", "--report", "folder", ways, "plain"], cwd=folder)
    equal((run.code, run.hung, len(run.said), run.out.count("words")), (0, False, 2, 1), "before the job and behind it", run.err)
    os.mkfifo(folder / "pipe")
    for place in ("folder/new", "%h-%r.json", "folder/%j/none", "%j/none", "x%%", "pipe", "", "file"):
        run = Run([settings.command, "run", "--summary", "off", "--report", place, "true"], cwd=folder)
        equal((run.code, run.err), (0, ""), "what may do is not refused:", place)
    run = Run([*settings.ranks(1), settings.command, "run", "--summary", "off", "sh", "-c", f'cd folder; mkdir -p new; exec "{ways}" silent'],
              env={"FFMK_REPORT": "new/run.json"}, cwd=folder)
    run.succeeds("a shell that makes the folder it goes to")
    check(read(folder / "folder" / "new" / "run.json"), "and its report")
done()

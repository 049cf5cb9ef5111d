# SPDX-License-Identifier: BSD-3-Clause
"""Every FFMK_* variable with good and bad values; report files in bad places; who says what, how often."""

from harness import *

ways = settings.program("ways")
WRONG = [
    ("FFMK_REPROT", "x", "FFMK_REPORT"),
    ("FFMK_SUMARY", "off", "FFMK_SUMMARY"),
    ("FFMK_NONSENSE_AT_ALL", "1", "ffmk info"),
    ("FFMK_DISABLE", "yes", "0|1"),
    ("FFMK_STRICT", "2", "0|1"),
    ("FFMK_VERBOSE", "", "0|1"),
    ("FFMK_CHAIN", "on", "0|1"),
    ("FFMK_SUMMARY", "stdin", "off|stderr|stdout"),
    ("FFMK_TIMELINE", "15", "16..4096"),
    ("FFMK_TIMELINE", "4097", "16..4096"),
    ("FFMK_TIMELINE", "16x", "16..4096"),
    ("FFMK_TIMELINE", "99999999999999999999", "16..4096"),
    ("FFMK_COUNTERS", "papi:", "papi"),
    ("FFMK_COUNTERS", "perfect", "papi"),
    ("FFMK_REPORT", "run%x.json", "%h"),
    ("FFMK_REPORT", "run%", "%h"),
    ("FFMK_CSV", "%%%q", "%h"),
]

with Folder() as folder:
    # ---- the command refuses: one line, exit code 2, the program does not run ----
    for name, value, hint in WRONG:
        run = Run([settings.command, "run", ways, "without-mpi"], env={name: value}, cwd=folder)
        equal(run.code, 2, "ffmk run with", name, value)
        lines = run.err.splitlines()
        check(len(lines) == 1 and name in lines[0] and hint in lines[0], "one line that helps:", name, value, run.err)
        equal(run.out, "", "the program did not run")
    run = Run([*settings.ranks(3), settings.command, "run", ways, "plain"], env={"FFMK_REPROT": "x"}, cwd=folder)
    equal(run.code, 2, "a job of three")
    equal(len(run.said), 1, "one line for the job", run.err)

    # ---- the library says a line for the job and goes on ----
    bad = {"FFMK_REPROT": "x", "FFMK_TIMELINE": "12"}
    run = job(3, ways, "plain", env=bad | {"FFMK_SUMMARY": "off"}, cwd=folder)
    run.succeeds("with wrong variables")
    equal(len(run.said), 2, "one line a mistake for the job", run.err)
    for name in bad:
        check(any(name in line for line in run.said), name, "is named")
    run = job(3, ways, "plain", env=bad | {"FFMK_STRICT": 1}, cwd=folder)
    check(run.code != 0 and not run.hung, "FFMK_STRICT=1 ends the job")
    check(all(any(name in line for line in run.said) for name in bad), "and says why", run.err)
    check("ignored" not in run.err, "nothing is ignored then:", run.err)
    run = job(1, ways, "plain", env={"FFMK_TEST_ANYTHING": 1, "FFMK_SUMMARY": "off"}, cwd=folder)
    equal(run.said, [], "FFMK_TEST_* is nobody's business")

    # ---- good values ----
    run = job(2, ways, "plain", env={"FFMK_SUMMARY": "stdout"}, cwd=folder)
    lines = run.out.splitlines()
    check(run.succeeds() and 4 <= len(lines) <= 13 and any(line.startswith("ffmk: ") for line in lines),
          "the summary on standard output", run.out)
    equal(run.said, [], "and nothing on the other")
    run = job(2, ways, "plain", env={"FFMK_SUMMARY": "off", "FFMK_REPORT": "%j-%h-%r-%%.json", "FFMK_CSV": "c%r.csv"},
              cwd=folder)
    run.succeeds("names with % letters")
    equal(run.err, "", "nothing is said")
    names = [p.name for p in folder.glob("*-0-%.json")]
    equal(len(names), 1, "the expanded name", list(folder.iterdir()))
    equal((folder / "c0.csv").read_text().splitlines()[0], "rank,region,name,binding,count,time_s,bytes,max_s", "CSV")
    run = Run([*settings.ranks(2), settings.command, "run", "--verbose", "--summary", "off", ways, "plain"], cwd=folder)
    run.succeeds("ffmk run --verbose")
    for what in ("the program uses", "libffmk-engine.so", "the clock is", "has 2 ranks: all of them", "JSON: ffmk-report.json"):
        equal(len([line for line in run.said if what in line]), 1, "--verbose says once:", what, run.err)
    for name, word in (("run.json", "run.json"), ("a run.json", "'a run.json'"), ("it's.json", "'it'\\''s.json'"), ("-x.json", "./-x.json")):
        run = Run([*settings.ranks(1), settings.command, "run", f"--report={name}", ways, "plain"], cwd=folder)
        check(f"  report: {word}    page: ffmk report {word} -o run.html\n" in run.err, "a hint for the shell", run.err)
        check((folder / name).exists(), name, "is there")
    for option in (["--report", "opt.json"], ["--report=opt.json"], ["--no-report"]):
        (folder / "opt.json").unlink(missing_ok=True)
        run = Run([*settings.ranks(1), settings.command, "run", *option, "--summary", "off", ways, "plain"], cwd=folder)
        run.succeeds(f"ffmk run {option}")
        equal((folder / "opt.json").exists(), option != ["--no-report"], "the report of", option)
    for option in (["--reprot", "x"], ["--timeline", "3"], ["--report"], ["--mpi", "lam"], []):
        run = Run([settings.command, "run", *option], cwd=folder)
        equal((run.code, len(run.err.splitlines())), (2, 1), "ffmk run", option, run.err)
    run = Run([settings.command, "run", "./there-is-none"], cwd=folder)
    equal((run.code, len(run.err.splitlines())), (127, 1), "a program that is not there", run.err)
    (folder / "text").write_text("words")
    for name in ("text", "."):
        run = Run([settings.command, "run", folder / name], cwd=folder)
        equal((run.code, len(run.err.splitlines())), (126, 1), "what cannot be executed", run.err)

    # ---- counters ----
    for asked, sources in (("off", ["off"]), ("rusage", ["rusage"]), ("perf", ["perf", "rusage"]),
                           ("papi", ["papi", "perf", "rusage"]), ("papi:NOPE", ["perf", "rusage"])):
        run = job(1, ways, "plain", env={"FFMK_SUMMARY": "off", "FFMK_REPORT": "count.json", "FFMK_COUNTERS": asked},
                  cwd=folder)
        run.succeeds(f"FFMK_COUNTERS={asked}")
        report = read(folder / "count.json")
        if report:
            counters = report["counters"]
            check(counters["source"] in sources, asked, "gave", counters)
            equal(counters["asked"], asked, "asked")
            equal([counters["why"] in line for line in run.said], [True] * (counters["why"] != ""), "a line says why", run.err)
            equal(counters["why"] == "", counters["source"] == asked.split(":")[0], "why says so when it fell back", counters)
            equal(sorted(report["per_rank"][0]["counters"]), sorted(counters["names"]), "names")

    # ---- bad places for the report: one line, the program is unharmed, an old file is kept ----
    (folder / "directory").mkdir()
    for path, word in (("directory", "directory"), ("no/such/folder/run.json", "No such file"), ("/proc/run.json", ""),
                       ("x" * 3000 + ".json", "too long"), ("%h" * 2000, "too long")):
        run = job(2, ways, "plain", env={"FFMK_SUMMARY": "off", "FFMK_REPORT": path}, cwd=folder)
        run.succeeds(f"FFMK_REPORT={path[:40]}")
        check(len(run.said) == 1 and word in run.said[0], "one line:", path[:40], run.err[:600])
    full = folder / "full"
    full.mkdir()
    if os.geteuid() == 0 and Run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=8", "none", full]).code == 0:
        try:
            (full / "run.json").write_text("old")
            run = job(2, ways, "plain", env={"FFMK_SUMMARY": "off", "FFMK_REPORT": full / "run.json"}, cwd=folder)
            run.succeeds("a full disk")
            check(len(run.said) == 1 and "space" in run.said[0], "one line about the full disk:", run.err)
            equal((full / "run.json").read_text(), "old", "the old report is kept")
            equal([p.name for p in full.iterdir()], ["run.json"], "nothing else is left")
        finally:
            Run(["umount", full])
    else:
        print("not tried here: a full disk (needs the right to mount)")
done()

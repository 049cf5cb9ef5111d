#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that `ffmk report` shows what a report says, and answers every wrong word, file or place in one line."""
import copy
import csv
import io
import json
import os

import command


class Shows(command.Case):
    def test_table(self):
        report = self.sample("run.json", "--ranks", 16, "--hosts", 2)
        table = self.good("run.json")
        self.assertIn("16 ranks on 2 hosts", table)
        self.assertIn(f"parallel efficiency     {100 * report['efficiency']['parallel']:.1f} %", table)
        self.assertIn(report["advice"], table)
        worst = max(report["per_rank"], key=lambda r: r["useful_s"])
        first = table[table.index("Ranks, most work first"):].splitlines()[1]
        self.assertIn(f"rank {worst['rank']} on {worst['host']} ", first)
        top = max((c for c in report["calls"] if c["name"] != "MPI_Init"), key=lambda c: c["time_s"])
        self.assertIn(top["name"], table[table.index("Calls"):].splitlines()[1])
        self.assertNotIn("PARTIAL", table)

    def test_calls_before_the_run_come_last(self):
        report = self.sample("run.json", "--ranks", 2)
        report["calls"] = [c for c in report["calls"] if c["name"] in ("MPI_Init", "MPI_Send")]
        self.write("run.json", report)
        table = self.good("run.json")
        calls = table[table.index("Calls"):table.index("Regions")].strip().splitlines()
        self.assertEqual([line.split()[0] for line in calls[1:]], ["MPI_Send", "MPI_Init"])
        self.assertRegex(calls[2], r"MPI_Init .* before ")

    def test_default_file(self):
        self.sample("ffmk-report.json", "--ranks", 2)
        self.assertIn("2 ranks on 1 host,", self.good())

    def test_partial(self):
        self.sample("run.json", "--ranks", 8, "--partial")
        self.assertRegex(self.good("run.json"), r"PARTIAL REPORT +MPI_Abort ended the job: 6 of 8 ranks are known")
        self.good("run.json", "-o", "run.html")
        with open(self.path("run.html"), encoding="utf-8") as page:
            self.assertIn("MPI_Abort ended the job: 6 of 8 ranks are known", page.read())

    def test_nothing_recorded(self):
        self.sample("run.json", "--ranks", 1, "--quiet")
        self.assertIn("No MPI calls were recorded", self.good("run.json"))

    def test_hostile_text_reaches_no_terminal(self):
        self.sample("run.json", "--ranks", 3, "--hostile")
        for text in self.good("run.json"), self.good("run.json", "run.json"):
            self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

    def test_csv(self):
        report = self.sample("run.json", "--ranks", 5, "--hostile")
        rows = list(csv.DictReader(io.StringIO(self.good("run.json", "--csv", "-"), newline="")))
        self.assertEqual(list(rows[0]), ["rank", "region", "name", "binding", "count", "time_s", "bytes", "max_s"])
        expected = {(r["rank"], c["region"], c["name"], c["binding"]): c for r in report["per_rank"]
                    for c in r["calls"]}
        self.assertEqual(len(rows), len(expected))
        for row in rows:
            call = expected[int(row["rank"]), row["region"], row["name"], row["binding"]]
            self.assertEqual((int(row["count"]), int(row["bytes"])), (call["count"], call["bytes"]))
            self.assertAlmostEqual(float(row["time_s"]), call["time_s"], delta=1e-9)
            self.assertAlmostEqual(float(row["max_s"]), call["max_s"], delta=1e-9)

    def test_compare(self):
        a = self.sample("a.json", "--ranks", 8)
        b = self.sample("b.json", "--ranks", 8, "--balanced")
        table = self.good("a.json", "b.json")
        self.assertIn(f"{b['elapsed_s'] / a['elapsed_s']:.2f}×", [li for li in table.splitlines()
                                                                  if li.startswith("  elapsed ")][0])
        points = 100 * (b["efficiency"]["parallel"] - a["efficiency"]["parallel"])
        self.assertIn(f"{points:+.1f} points", table)

    def test_compare_different_calls(self):
        a = self.sample("a.json", "--ranks", 2)
        only = copy.deepcopy(a["calls"][0])
        only["name"] = "MPI_Onlyinb"
        a["calls"] = [c for c in a["calls"] if c["name"] != "MPI_Gather"] + [only]
        self.write("b.json", a)
        self.sample("a.json", "--ranks", 2)
        table = self.good("a.json", "b.json")
        self.assertRegex(table, r"MPI_Gather +\S+ \S+ +0 s +0.00×")
        self.assertRegex(table, r"MPI_Onlyinb +0 s +\S+ \S+ +–")

    def test_compare_different_ranks(self):
        a = self.sample("a.json", "--ranks", 16)
        b = self.sample("b.json", "--ranks", 4)
        table = self.good("a.json", "b.json")
        self.assertIn("Calls, mean of the ranks", table)
        self.assertNotIn("all ranks", table)
        mean = {name: sum(r["mpi_s"] for r in run["per_rank"]) / len(run["per_rank"]) for name, run in (("a", a), ("b", b))}
        row = [line for line in table.splitlines() if line.startswith("  in MPI, mean ")][0]
        self.assertIn(f"{mean['b'] / mean['a']:.2f}×", row)

    def test_unknown_keys_are_ignored(self):
        report = self.sample("run.json", "--ranks", 2)
        report["later"] = report["per_rank"][0]["later"] = {"x": [1]}
        self.write("run.json", report)
        self.good("run.json")


class Words(command.Case):
    def test_help(self):
        self.assertIn("usage: ffmk report", self.good("--help"))
        self.assertIn("usage: ffmk report", self.good("-h"))

    def test_wrong_words(self):
        self.sample("run.json", "--ranks", 1)
        self.refused(2, r"'--outptu' is not an option of ffmk report; did you mean '--output'", "--outptu", "x", "run.json")
        self.refused(2, r"'--frob' is not an option of ffmk report; `ffmk report --help` lists them", "--frob")
        self.refused(2, r"no ffmk-report.json here")
        self.refused(2, r"'c' is one file too many", "a", "b", "c")
        self.refused(2, r"--csv writes the calls of one report", "run.json", "run.json", "--csv", "-")
        self.refused(2, r"-o needs the name of a file", "run.json", "-o")
        self.refused(2, r"--csv needs the name of a file", "run.json", "--csv=")
        self.refused(2, r"both name 'x'", "run.json", "-o", "x", "--csv", "x")

    def test_spellings(self):
        self.sample("run.json", "--ranks", 1)
        for i, words in enumerate((["-oa0"], ["-o", "a1"], ["--output", "a2"], ["--output=a3"])):
            self.good(*words, "--", "run.json")
            self.assertTrue(os.path.exists(self.path(f"a{i}")))
        self.assertTrue(self.good("run.json", "-o", "-").startswith("<!doctype html>"))

    def test_places_that_cannot_be_written(self):
        self.sample("run.json", "--ranks", 1)
        os.mkdir(self.path("folder"))
        for option in "-o", "--csv":
            self.refused(1, r"cannot write folder: it is a directory", "run.json", option, "folder")
            self.refused(1, r"cannot write none/x: No such file or directory", "run.json", option, "none/x")
            self.refused(1, r"run.json is the report itself", "run.json", option, "run.json")
            self.refused(1, r"cannot write /dev/full: No space left", "run.json", option, "/dev/full")
        with open("/dev/full", "wb") as full:
            self.refused(1, r"cannot write to standard output: No space left", "run.json", stdout=full)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["folder", "run.json"])

    def test_a_page_is_replaced_whole(self):
        self.sample("run.json", "--ranks", 1)
        self.write("run.html", b"old")
        self.good("run.json", "-o", "run.html")
        with open(self.path("run.html"), "rb") as page:
            self.assertTrue(page.read().endswith(b"</html>\n"))
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["run.html", "run.json"])


def put(path, value):
    """A change of a report: the value at path, "per_rank.0.rank"; ... removes it."""
    def change(report):
        at = report
        *way, last = [int(k) if k.isdigit() else k for k in path.split(".")]
        for key in way:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return change


class Files(command.Case):
    def test_not_a_report(self):
        os.mkdir(self.path("folder"))
        self.refused(1, r"cannot read none.json: No such file", "none.json")
        self.refused(1, r"folder is a directory", "folder")
        self.refused(1, r"empty is empty", self.write("empty", b""))
        self.refused(1, r"binary:1:\d+: not JSON", self.write("binary", bytes(range(128, 256)) * 40))
        self.refused(1, r"zeros:1:\d+: (not JSON|the file ends)", self.write("zeros", bytes(4096)))
        self.refused(1, r"text:2:\d+: not JSON", self.write("text", b"{\n nonsense"))
        self.refused(1, r"list is JSON.*outermost value is not an object", self.write("list", []))
        self.refused(1, r'other is JSON.*it has no "schema"', self.write("other", {"a": 1}))
        self.refused(1, r'foreign has schema "x/1"', self.write("foreign", {"schema": "x/1"}))
        self.refused(1, r'newer has schema "ffmk-report/2"; ffmk .* reads "ffmk-report/1"',
                     self.write("newer", {"schema": "ffmk-report/2"}))
        self.refused(1, r"schema is 7; it must be a string", self.write("typed", {"schema": 7}))
        self.refused(1, r"twice:1:\d+: not JSON: duplicate", self.write("twice", b'{"schema":"a","schema":"b"}'))

    def test_truncated(self):
        report = json.dumps(self.sample("run.json", "--ranks", 2), indent=1).encode()
        for length in (1, 100, len(report) // 2, len(report) - 2):
            self.refused(1, r"cut:\d+:\d+: (the file ends in the middle|not JSON)", self.write("cut", report[:length]))
        self.refused(1, r"the file ends in the middle", self.write("cut", report[:-1]))

    def test_wrong_values(self):
        cases = [
            (put("elapsed_s", -1), r"elapsed_s is -1; it must be a number from 0"),
            (put("elapsed_s", "1"), r'elapsed_s is "1"; it must be a number'),
            (put("elapsed_s", ...), r"elapsed_s is missing"),
            (put("ranks", 10**9), r"ranks is 1000000000; it must be a whole number from 1 to 16777216"),
            (put("ranks", 0), r"ranks is 0"),
            (put("ranks", 2.5), r"ranks is 2.5; it must be a whole number"),
            (put("ranks", 4), r"per_rank has 3 of 4 ranks, yet the report says it is complete"),
            (put("ranks", 2), r"is a list of 3; it must be a list of at most 2|ranks\[2\] is 2"),
            (put("complete", 1), r"complete is 1; it must be true or false"),
            (put("ending", "bang"), r"ending must be"),
            (put("efficiency.parallel", 1.5), r"efficiency.parallel is 1.5; it must be a number from 0 to 1"),
            (put("efficiency", ...), r"efficiency is missing; it must be an object"),
            (put("overhead.clock", None), r"overhead.clock is null; it must be a string"),
            (put("hosts.0.ranks.0", 99), r"hosts\[0\].ranks\[0\] is 99"),
            (put("histogram_edges_s.1", 0), r"histogram_edges_s\[1\] is 0 after"),
            (put("histogram_edges_s", [1.0]), r"histogram has 15 counts; histogram_edges_s asks for 2"),
            (put("calls.0.count", -5), r"calls\[0\].count is -5"),
            (put("calls.0.count", 1.0), r"calls\[0\].count is 1; it must be a whole number"),
            (put("calls.0.class", ...), r"calls\[0\].class is missing"),
            (put("calls.0.name", "x" * 500), None),
            (put("regions.0.calls", {}), r"regions\[0\].calls is an object; it must be a list"),
            (put("per_rank", []), r"per_rank is empty"),
            (put("per_rank.1.rank", 0), r"per_rank\[1\] is rank 0 after rank 0"),
            (put("per_rank.1.calls.2.region", ...), r"per_rank\[1\].calls\[2\].region is missing"),
            (put("per_rank.1.counters.user_s", "many"), r"per_rank\[1\].counters.user_s is \"many\""),
            (put("per_rank.1.counters.user_s", ...), None),
            (put("timeline.interval_s", 0), r"timeline.interval_s is 0"),
            (put("timeline.interval_s", 1e-6), r"timeline.interval_s is 1e-06 with 10 intervals; that does not fit"),
            (put("timeline.intervals", 9), r"timeline.ranks\[0\].mpi has 10 values; timeline.intervals is 9"),
            (put("timeline.intervals", 10**6), r"timeline.intervals is 1000000"),
            (put("timeline.ranks.1.rank", 0), r"timeline.ranks\[1\] is for rank 0, which came before"),
            (put("timeline.ranks.1.wait.3", -0.5), r"timeline.ranks\[1\].wait\[3\] is -0.5"),
            (put("matrix.ranks_per_bin", 0), r"matrix.ranks_per_bin is 0"),
            (put("matrix.bins", 2), r"matrix.bins is 2 with 1 ranks each; that does not hold 3 ranks"),
            (put("matrix.entries.0", [0, 99, 1, 1]), r"matrix.entries\[0\]\[1\] is 99"),
            (put("matrix.entries.0", [0, 1]), r"matrix.entries\[0\]\[2\] is missing"),
            (put("matrix.entries.1", [0, 1, 1, 1]), r"matrix.entries names the pair 0 to 1 twice"),
            (put("counters.names", "x"), r"counters.names is \"x\"; it must be a list"),
        ]
        good = self.sample("run.json", "--ranks", 3, "--intervals", 10)
        for change, pattern in cases:
            report = copy.deepcopy(good)
            change(report)
            self.write("bad.json", report)
            with self.subTest(pattern):
                if pattern:
                    self.refused(1, r"bad.json: .*" + pattern, "bad.json")
                else:
                    self.good("bad.json")

    def test_numbers_outside_json(self):
        text = json.dumps(self.sample("run.json", "--ranks", 2)).encode()
        place = b'"elapsed_s": '
        for number in (b"NaN", b"Infinity", b"1e999", b"99999999999999999999", b"0x10"):
            self.write("bad.json", text.replace(place, place + number + b', "was": ', 1))
            self.refused(1, r"bad.json:1:\d+: not JSON", "bad.json")

    def test_a_value_with_control_bytes_is_shown_clean(self):
        report = self.sample("run.json", "--ranks", 1)
        report["ending"] = "x"
        report["elapsed_s"] = "\x1b[31m\u202e\n"
        self.write("bad.json", report)
        self.refused(1, r"bad.json: (ending must be|elapsed_s is \"\?\[31m\?\?\")", "bad.json")


if __name__ == "__main__":
    command.main()

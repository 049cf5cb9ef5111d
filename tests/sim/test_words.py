#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that `ffmk sim gossip` takes every option in each of its forms, and answers every wrong one in one line that
names the value and says what is allowed."""
import os
import re

import command

ALLOWED = r"; allowed: "


class Takes(command.Case):
    def test_defaults(self):
        found = self.json("--runs", 2)
        self.assertEqual((found["algorithm"], found["correction"], found["rules"], found["ranks"], found["wire"],
                          found["k"], found["seed"], found["dead_before"], found["dead_during"]),
                         ("circulant", "checked", "ours", 4096, 1, 3, 1, 0, 0))
        self.assertEqual(self.json()["runs"], 100)
        self.assertEqual(self.json("--ranks", 1000000, "--rounds", 36)["runs"], 40)

    def test_a_value_behind_an_equals_sign(self):
        self.assertEqual(self.json("--ranks=100", "--runs=3"), self.json("--ranks", 100, "--runs", 3))

    def test_the_last_of_several_counts(self):
        self.assertEqual(self.json("--ranks", 7, "--ranks", 100, "--runs", 3), self.json("--ranks=100", "--runs=3"))

    def test_algorithms(self):
        expected = {"gossip": ("checked", "published"), "circulant": ("checked", "ours"), "binomial": ("checked", "ours"),
                    "binomial-ack": ("none", None), "big": ("none", None), "big-ompi": ("none", None),
                    "plain": ("none", "published")}
        for name, (correction, rules) in expected.items():
            with self.subTest(name):
                found = self.json("--algorithm", name, "--ranks", 64, "--runs", 2)
                self.assertEqual((found["algorithm"], found["correction"], found["rules"]), (name, correction, rules))
                self.assertEqual(found["predicted"] is None, rules is None)
                self.assertEqual(found["rounds"] is None, rules is None)

    def test_plain_is_gossip_without_correction(self):
        plain = self.json("--algorithm", "plain", "--ranks", 200, "--runs", 5)
        gossip = self.json("--algorithm", "gossip", "--correction", "none", "--ranks", 200, "--runs", 5)
        plain.pop("algorithm"), gossip.pop("algorithm")
        self.assertEqual(plain, gossip)

    def test_corrections(self):
        for name in "gossip", "circulant", "binomial":
            for correction, shown in (("none", "none"), ("opportunistic:7", "opportunistic:7"), ("checked", "checked"),
                                      ("failure-proof", "failure-proof:1"), ("failure-proof:0", "failure-proof:0"),
                                      ("failure-proof:30", "failure-proof:30")):
                with self.subTest(name=name, correction=correction):
                    found = self.json("--algorithm", name, "--correction", correction, "--ranks", 64, "--runs", 2)
                    self.assertEqual(found["correction"], shown)
                    self.assertEqual(found["missed_runs"], 0)
        self.assertEqual(self.json("--algorithm", "big", "--correction", "none", "--runs", 1)["messages_per_rank"], 12)

    def test_the_reach_is_chosen_from_the_chance_to_miss(self):
        reach = [self.json("--correction", "opportunistic", "--rounds", 22, "--dead-before", "5%", "--miss", miss,
                           "--runs", 1)["reach"] for miss in ("0.5", "1e-6", "1e-12")]
        self.assertEqual(reach, sorted(set(reach)))
        chosen = self.json("--correction", "opportunistic", "--dead-before", "5%", "--runs", 1)
        self.assertEqual(chosen["correction"], f"opportunistic:{chosen['reach']}")
        self.assertLessEqual(chosen["predicted"]["miss"], 1e-6)

    def test_rules(self):
        for rules in "published", "ours":
            self.assertEqual(self.json("--rules", rules, "--runs", 1)["rules"], rules)

    def test_times_are_ratios(self):
        for wire, overhead in ((2, 2), ("0.5", "0.5"), ("0.001", "0.001"), (1000000, 1000000), ("1.000", 1)):
            with self.subTest(wire=wire):
                self.assertEqual(self.json("--wire", wire, "--overhead", overhead, "--runs", 3), self.json("--runs", 3))
        found = self.json("--wire", "2.25", "--overhead", "1.5", "--runs", 3)
        self.assertEqual((found["wire"], found["k"]), (1.5, 4))
        found = self.json("--wire", 0, "--runs", 3)
        self.assertEqual((found["wire"], found["k"]), (0, 2))
        self.assertEqual(self.json("--wire", 1022, "--ranks", 4, "--runs", 1)["k"], 1024)

    def test_deaths(self):
        for value, dead in (("0", 0), ("17", 17), ("5%", 205), ("0%", 0), ("12.5%", 512), ("90%", 3686), ("3686", 3686)):
            with self.subTest(value):
                found = self.json("--dead-before", value, "--rounds", 22, "--runs", 1)
                self.assertEqual(found["dead_before"], dead)
        self.assertEqual(self.json("--dead-during", 9, "--runs", 2)["dead_during"], 9)
        self.assertEqual(self.json("--ranks", 2, "--dead-during", 1, "--runs", 2)["dead_during"], 1)
        # Of two the root sends to the other, and neither needs a correction.
        self.assertEqual(self.json("--ranks", 2, "--dead-before", "50%", "--runs", 2)["messages_per_rank"], 1)
        self.assertEqual(self.json("--ranks", 2, "--runs", 2)["messages_per_rank"], 0.5)

    def test_one_rank(self):
        for name in "gossip", "circulant", "binomial", "binomial-ack", "big", "big-ompi", "plain":
            with self.subTest(name):
                found = self.json("--ranks", 1, "--algorithm", name, "--runs", 2)
                self.assertEqual((found["done_max"], found["messages_per_rank"], found["missed_runs"]), (0, 0, 0))

    def test_help(self):
        for words in (("--help",), ("-h",), ("--json", "--help", "--ranks")):
            shown = self.good(*words)
            for option in ("ranks", "wire", "overhead", "algorithm", "rounds", "correction", "rules", "miss",
                           "dead-before", "dead-during", "runs", "seed", "compare", "json", "picture", "study"):
                self.assertIn(f"--{option}", shown)
            self.assertIn("rank 0, the root, never", shown)
            self.assertLessEqual(max(map(len, shown.splitlines())), 110)
        run = self.ffmk("--help")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.assertIn(b"gossip", run.stdout)
        run = self.ffmk()
        self.assertEqual((run.returncode, run.stdout), (2, b""))


class Refuses(command.Case):
    def test_unknown_words(self):
        self.refused(2, r"'gosip' is not a simulation of ffmk sim; did you mean 'gossip'\?", "gosip")
        self.refused(2, r"'--rank' is not an option of ffmk sim gossip; did you mean '--ranks'\?", "gossip", "--rank", 3)
        self.refused(2, r"'--xyz' is not an option of ffmk sim gossip; `ffmk sim gossip --help` lists them", "gossip",
                     "--xyz")
        self.refused(2, r"options only, not '4096'", "gossip", "4096")

    def test_bad_values(self):
        numbers = ["", "-1", "+1", "x", "1x", "0x10", " 1", "1e3", "1,000", "99999999999999999999999", "½"]
        cases = {
            "--ranks": [*numbers, "0", "4194305", "1.5", "5%"],
            "--wire": ["", "-1", "x", "1.", ".5", "1.2345", "1e3", "nan", "inf", "1000000.001", "1000001", "1.5.2"],
            "--overhead": ["", "0", "0.0", "0.000", "0.0001", "-1", "x", "1000001", "nan"],
            "--algorithm": ["", "Gossip", "bigompi", "gossip,big", "tree"],
            "--rounds": [*numbers, "4097", "2.5"],
            "--correction": ["", "check", "checked:1", "none:0", "opportunistic:", "opportunistic:0",
                             "opportunistic:1025", "opportunistic:x", "opportunistic3", "failure-proof:31",
                             "failure-proof:-1", "failure-proof:", "failureproof"],
            "--rules": ["", "Ours", "theirs", "published:1"],
            "--dead-before": [*numbers, "%", "91%", "90.001%", "-5%", "5.1234%", "5 %", "5%%", "3687", "4096", "4194305"],
            "--dead-during": [*numbers, "4096", "5%"],
            "--runs": [*numbers, "0", "1000001", "1.5"],
            "--seed": [*numbers, "18446744073709551616"],
            "--miss": ["", "0", "1", "0.6", "-0.1", "nan", "x", "1e-16", "1e-6x"],
            "--picture": [""],
            "--study": [""],
        }
        for option, values in cases.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    self.refused(2, re.escape(f"{option} {value or repr('')} is not allowed") + ALLOWED + ".", "gossip",
                                 option, value)
            self.refused(2, f"{option} wants a value" + ALLOWED + ".", "gossip", option)

    def test_an_odd_value_is_shown_short_and_clean(self):
        self.refused(2, r"--ranks x{80} is not allowed", "gossip", "--ranks", "x" * 5000)

    def test_values_that_do_not_go_together(self):
        for name in "plain", "big", "big-ompi", "binomial-ack":
            for correction in "checked", "opportunistic:2", "failure-proof":
                self.refused(2, rf"--correction {correction} is not allowed; allowed: none with --algorithm {name}",
                             "gossip", "--algorithm", name, "--correction", correction)
        for name in "big", "big-ompi", "binomial-ack":
            self.refused(2, rf"--rounds 5 is not allowed with --algorithm {name}.*" + ALLOWED, "gossip", "--rounds", 5,
                         "--algorithm", name)
            self.refused(2, rf"--rules ours is not allowed with --algorithm {name}.*" + ALLOWED, "gossip", "--rules",
                         "ours", "--algorithm", name)
        self.refused(2, r"--wire 1023 with --overhead 1 .* 1025 overheads; allowed: wire up to 1022 overheads", "gossip",
                     "--wire", 1023)
        self.refused(2, r"--wire 1000000 with --overhead 0.001 is not allowed.*allowed: wire up to 1022", "gossip",
                     "--wire", 1000000, "--overhead", "0.001")
        self.refused(2, r"--wire 1 with --overhead 1.001 is not allowed for 4194304 ranks.*allowed: fewer decimals",
                     "gossip", "--overhead", "1.001", "--ranks", 4194304)
        self.refused(2, r"--dead-before 91 is not allowed; allowed: 0 to 90 of 100 ranks, or 0% to 90%", "gossip",
                     "--ranks", 100, "--dead-before", 91)
        self.refused(2, r"--dead-during 50 is not allowed; allowed: 0 to 49 of 100 ranks, for the root lives", "gossip",
                     "--ranks", 100, "--dead-before", "50%", "--dead-during", 50)
        self.refused(2, r"--dead-during 1 is not allowed; allowed: 0 to 0 of 1 ranks", "gossip", "--ranks", 1,
                     "--dead-during", 1)
        self.refused(2, r"--ranks 1 is not allowed with --study; allowed: 2 to", "gossip", "--ranks", 1, "--study", "x")

    def test_ways_of_showing_that_do_not_go_together(self):
        for many in (("--compare",), ("--study", "s.html")):
            for other in (("--algorithm", "big"), ("--rounds", "5"), ("--correction", "none"), ("--rules", "ours"),
                          ("--picture", "p.svg")):
                self.refused(2, rf"{other[0]} is not allowed with {many[0]}.*allowed: one of them", "gossip", *many,
                             *other)
        self.refused(2, r"--study is not allowed with --compare", "gossip", "--study", "s.html", "--compare")
        self.refused(2, r"--json is not allowed with --study", "gossip", "--study", "s.html", "--json")
        self.refused(2, r"--json is not allowed with --picture -", "gossip", "--picture", "-", "--json")
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_places(self):
        os.mkdir(self.path("folder"))
        for option in "--picture", "--study":
            words = ["gossip", "--ranks", 32, "--runs", 2, option]
            self.refused(1, r"cannot write folder: it is a directory", *words, "folder")
            self.refused(1, r"cannot write none/x: No such file or directory", *words, "none/x")
            self.refused(1, r"cannot write /dev/full: No space left", *words, "/dev/full")
        with open("/dev/full", "wb") as full:
            for words in ((), ("--json",), ("--compare",), ("--picture", "-"), ("--study", "-")):
                self.refused(1, r"cannot write to standard output: No space left", "gossip", "--ranks", 32, "--runs", 2,
                             *words, stdout=full)
        self.assertEqual(os.listdir(self.folder.name), ["folder"])


if __name__ == "__main__":
    command.main()

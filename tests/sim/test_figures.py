#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that `ffmk sim gossip` finds the figures that can be derived or were published, the same again from the same
seed, that expectations are near, and that table, JSON and comparison agree."""
import re
import resource
import subprocess
import time

import command

FIELDS = {"algorithm", "correction", "rules", "rounds", "reach", "deaths_survived", "ranks", "wire", "k", "dead_before",
          "dead_during", "runs", "seed", "coloured_mean", "coloured_max", "done_mean", "done_max", "done_sd",
          "done_quartiles", "quiet_mean", "messages_per_rank", "missed_runs", "missed_ranks_mean", "predicted"}


class Figures(command.Case):
    def test_exact(self):
        """Where nobody dies and nothing is random, each figure follows from the rules of the algorithm."""
        rows = [
            (("--algorithm", "big"), 36, 48, 12),
            (("--algorithm", "big-ompi"), 88, 111, 23),
            (("--algorithm", "binomial-ack"), 36, 72, 2),
            (("--algorithm", "circulant", "--rounds", 22, "--rules", "published"), 24, 29, 5.44),
            (("--algorithm", "circulant"), 24, 28, 3),
            (("--algorithm", "circulant", "--correction", "none"), 24, 22, 1),
            (("--algorithm", "binomial", "--correction", "none"), 36, 12, 1),
        ]
        for words, coloured, done, messages in rows:
            with self.subTest(words):
                found = self.json(*words, "--ranks", 4096, "--wire", 1, "--runs", 5)
                self.assertEqual((found["coloured_mean"], found["coloured_max"]), (coloured, coloured))
                if "none" not in words:
                    self.assertEqual((found["done_mean"], found["done_max"], found["done_sd"]), (done, done, 0))
                    self.assertEqual(found["done_quartiles"], [done, done, done])
                self.assertAlmostEqual(found["messages_per_rank"], messages, delta=0.005)
                self.assertEqual((found["missed_runs"], found["missed_ranks_mean"]), (0, 0))

    def test_published(self):
        """Hoefler and others, 2017: checked corrected gossip with T = 24, and opportunistic with T = 27, C = 3."""
        found = self.json("--algorithm", "gossip", "--rounds", 24, "--runs", 400)
        self.assertAlmostEqual(found["done_mean"], 39.5, delta=0.02 * 39.5)
        self.assertAlmostEqual(found["messages_per_rank"], 5.65, delta=0.02 * 5.65)
        self.assertEqual(found["missed_runs"], 0)
        found = self.json("--algorithm", "gossip", "--rounds", 27, "--correction", "opportunistic:3", "--runs", 400)
        self.assertAlmostEqual(found["coloured_mean"], 31.3, delta=0.02 * 31.3)
        self.assertAlmostEqual(found["done_mean"], 33, delta=0.01)
        self.assertAlmostEqual(found["messages_per_rank"], 10.1, delta=0.02 * 10.1)

    def test_expectations(self):
        for name in "circulant", "binomial", "gossip":
            for dead in "0%", "5%", "15%":
                with self.subTest(name=name, dead=dead):
                    found = self.json("--algorithm", name, "--dead-before", dead, "--runs", 60)
                    expected = found["predicted"]
                    self.assertAlmostEqual(found["done_mean"], expected["done"], delta=0.2 * expected["done"])
                    self.assertAlmostEqual(found["messages_per_rank"], expected["messages_per_rank"],
                                           delta=0.1 * expected["messages_per_rank"])
                    self.assertEqual(found["missed_runs"], 0)

    def test_all_are_reached_whoever_dies_meanwhile(self):
        for name in "circulant", "gossip", "binomial":
            found = self.json("--algorithm", name, "--ranks", 500, "--correction", "failure-proof:5", "--dead-before",
                              "10%", "--dead-during", 5, "--runs", 300)
            self.assertEqual(found["missed_runs"], 0, name)

    def test_without_a_correction_the_dead_hide_others(self):
        found = self.json("--correction", "none", "--rounds", 22, "--dead-before", "10%", "--runs", 20)
        self.assertEqual(found["missed_runs"], 20)
        self.assertGreater(found["missed_ranks_mean"], 100)

    def test_the_seed_decides(self):
        words = ("--ranks", 500, "--dead-before", 20, "--dead-during", 5, "--runs", 20)
        for more in ((), ("--algorithm", "gossip"), ("--compare",), ("--picture", "-")):
            with self.subTest(more):
                run = self.json if "-" not in more else self.good
                first = run(*words, *more, "--seed", 7)
                self.assertEqual(first, run(*words, *more, "--seed", 7))
                self.assertNotEqual(first, run(*words, *more, "--seed", 8))
        largest = 2**64 - 1
        self.assertEqual(self.json("--ranks", 50, "--runs", 2, "--seed", largest)["seed"], str(largest))

    def test_the_first_runs_do_not_depend_on_how_many_there_are(self):
        words = ("--algorithm", "gossip", "--dead-before", "10%", "--dead-during", 20)
        one, two = self.json(*words, "--runs", 1), self.json(*words, "--runs", 2)
        self.assertIn(one["done_mean"], [2 * two["done_mean"] - two["done_max"], two["done_max"]])

    def test_fields(self):
        for words in ((), ("--algorithm", "big"), ("--algorithm", "gossip", "--correction", "opportunistic")):
            self.assertEqual(set(self.json(*words, "--runs", 2)), FIELDS)
        self.assertEqual(set(self.json("--runs", 1)["predicted"]), {"coloured_share", "done", "messages_per_rank", "miss"})

    def test_compare_is_each_alone(self):
        words = ("--ranks", 600, "--dead-before", 30, "--dead-during", 3, "--runs", 10, "--wire", "1.5")
        rows = self.json(*words, "--compare")
        self.assertEqual([(r["algorithm"], r["correction"].split(":")[0]) for r in rows],
                         [("circulant", "checked"), ("circulant", "opportunistic"), ("binomial", "checked"),
                          ("gossip", "checked"), ("plain", "none"), ("big", "none"), ("big-ompi", "none"),
                          ("binomial-ack", "none")])
        for row in rows:
            alone = self.json(*words, "--algorithm", row["algorithm"], "--correction", row["correction"].split(":")[0])
            self.assertEqual(row, alone)
        table = self.good(*words, "--compare").splitlines()
        self.assertIn("600 ranks, L = 1.5 o, k = 4, 30 dead before (5.0 %), 3 die meanwhile; 10 runs, seed 1", table[0])
        for row in rows:
            line = next(li for li in table if li.split()[:1] == [row["algorithm"]] and
                        (row["correction"] == "none" or row["correction"] in li))
            for field in "coloured_mean", "done_mean", "done_max", "messages_per_rank":
                self.assertIn(f" {row[field]:.2f}", line)
        self.assertLessEqual(max(map(len, table)), 110)

    def test_the_table_says_what_the_json_says(self):
        words = ("--algorithm", "gossip", "--ranks", 300, "--rounds", 14, "--correction", "none", "--runs", 30)
        found, table = self.json(*words), self.good(*words)
        for line, fields in (("coloured", ("coloured_mean", "coloured_max")), ("done", ("done_mean", "done_max")),
                             ("messages", ("messages_per_rank",))):
            shown = re.search(rf"^  {line} .*$", table, re.MULTILINE).group().split()
            for number, field in zip(shown[1:], fields):
                self.assertEqual(number, f"{found[field]:.2f}")
        self.assertGreater(found["missed_runs"], 0)
        self.assertRegex(table, rf"(?m)^  missed +{found['missed_runs']} .* of 30 runs left")
        self.assertLessEqual(max(map(len, table.splitlines())), 110)

    def test_a_million_ranks(self):
        """Less than 5 s and 200 MB, also with dead ranks."""
        begin = time.monotonic()
        with subprocess.Popen([command.COMMAND, "sim", "gossip", "--ranks", "1000000", "--runs", "1", "--dead-before",
                               "1%"], stdout=subprocess.DEVNULL) as run:
            self.assertEqual(run.wait(120), 0)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 200 * 1024)


if __name__ == "__main__":
    command.main()

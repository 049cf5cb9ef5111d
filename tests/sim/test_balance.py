#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that `ffmk sim balance` takes every option, answers every wrong one in one line that names the value and says
what is allowed, that its figures agree with one another, and that docs/balance-flow.svg is what its command draws."""
import pathlib
import re
import statistics
import xml.etree.ElementTree

import command

ALLOWED = r"; allowed: "
SMALL = ("--ranks", 12, "--items-per-rank", 27, "--steps", 1)
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


class Balance(command.Case):
    WHAT = "balance"


class Takes(Balance):
    def test_defaults(self):
        found = self.json("--ranks", 8, "--steps", 0)
        self.assertEqual([found[key] for key in ("workload", "ranks", "items_per_rank", "start", "order", "steps",
                                                 "imbalance_asked", "max_rounds", "compute", "seed")],
                         ["hotspot", 8, 216, "blocks", "rows", 0, 1.05, 32, "model", 1])
        self.assertEqual(found["network"]["name"], "infiniband")
        self.assertIn("Netgauge", found["network"]["source"])
        self.assertEqual(len(found["plans"]), 1)
        self.assertEqual(len(self.json("--ranks", 8, "--items-per-rank", 8)["plans"]), 4)

    def test_every_option(self):
        for words, key, value in ((("--workload", "front"), "workload", "front"), (("--steps", 2), "steps", 2),
                                  (("--imbalance", "1.2"), "imbalance_asked", 1.2), (("--max-rounds", 2), "max_rounds", 2),
                                  (("--start", "bisection"), "start", "bisection"), (("--order", "curve"), "order", "curve"),
                                  (("--fanout", 3), "fanout", 3), (("--compute", "measured"), "compute", "measured"),
                                  (("--seed=9",), "seed", 9), (("--items-per-rank", 8), "items_per_rank", 8)):
            with self.subTest(words):
                self.assertEqual(self.json(*SMALL, *words)[key], value)
        self.assertEqual(self.json(*SMALL, "--fanout", 2)["levels"], 4)
        self.assertLessEqual(self.json(*SMALL, "--max-rounds", 1)["rounds"], 1)

    def test_networks(self):
        times = [self.json(*SMALL, "--network", name)["predicted_ms"] for name in ("infiniband", "aries")]
        self.assertGreater(times[0], times[1])
        own = self.json(*SMALL, "--loggp", "3.2,1.1,1.08,0.5")
        self.assertEqual((own["network"]["name"], own["predicted_ms"]), (None, times[0]))

    def test_figures_agree(self):
        found = self.json("--ranks", 27, "--items-per-rank", 64, "--steps", 3, "--fanout", 3)
        warm = found["plans"][1:]
        for key in ("rounds", "messages_per_rank", "predicted_ms", "imbalance", "migrated", "cut"):
            self.assertAlmostEqual(found[key], statistics.median(plan[key] for plan in warm))
        for before, after in zip(found["plans"], warm):
            self.assertEqual(before["cut"], after["cut_before"])
        for plan in found["plans"]:
            self.assertAlmostEqual(sum(plan["phases_ms"].values()), plan["predicted_ms"])
            self.assertLessEqual(plan["imbalance"], plan["imbalance_before"])
            self.assertLessEqual(plan["messages_per_rank"], plan["messages_most"])
            self.assertEqual(plan["flow_rounds"],
                             sum(plan["chain"][key] for key in ("up", "down", "diffusion")))
        self.assertEqual(found, self.json("--ranks", 27, "--items-per-rank", 64, "--steps", 3, "--fanout", 3))

    def test_table(self):
        shown = self.good(*SMALL)
        self.assertIn("hotspot: 12 ranks of 27 items from blocks", shown)
        self.assertRegex(shown, r"(?m)^  first +\d")
        self.assertLessEqual(max(map(len, shown.splitlines())), 120)

    def test_flows(self):
        found = self.json("--ranks", 64, "--items-per-rank", 8, "--flows")
        self.assertEqual(len(found["flows"]), 8)
        for flow in found["flows"]:
            self.assertLess(flow["left"], 0.0051, flow)
            self.assertLess(0.9, flow["squares"])
            self.assertLess(flow["squares"], 4)
        rounds = {flow["scheme"]: flow["rounds"] for flow in found["flows"]}
        self.assertLess(rounds["second-order diffusion"], rounds["first-order diffusion"])
        self.assertIn("squares", self.good("--ranks", 64, "--items-per-rank", 8, "--flows"))

    def test_picture(self):
        words = ("--ranks", 64, "--items-per-rank", 8)
        text = self.good("--picture", "-", *words)
        root = xml.etree.ElementTree.fromstring(text)
        self.assertTrue(root.find(f"{SVG}title").text)
        self.assertNotRegex(text, r"href|url\(|@import|<script|\bnan\b|\binf\b")
        self.assertEqual(self.good(*words, "--picture", "p.svg"), self.good(*words))
        with open(self.path("p.svg"), encoding="utf-8") as picture:
            self.assertEqual(picture.read(), text)

    def test_the_picture_of_the_docs(self):
        """Shapes may differ by rounding between machines, words may not."""
        words = re.search(r"\$ ffmk sim balance (.*) --picture docs/balance-flow.svg", (DOCS / "balance-sim.md").read_text())
        drawn = self.good(*words.group(1).split(), "--picture", "-")
        kept = (DOCS / "balance-flow.svg").read_text()
        texts = [[text.text for text in xml.etree.ElementTree.fromstring(picture).iter(f"{SVG}text")]
                 for picture in (drawn, kept)]
        self.assertEqual(*texts)

    def test_help(self):
        for words in (("--help",), ("-h",), ("--json", "--help", "--ranks")):
            shown = self.good(*words)
            for option in ("ranks", "items-per-rank", "workload", "steps", "imbalance", "max-rounds", "start", "order",
                           "fanout", "network", "loggp", "compute", "seed", "flows", "json", "picture"):
                self.assertIn(f"--{option}", shown)
            self.assertIn("Netgauge", shown)
            self.assertLessEqual(max(map(len, shown.splitlines())), 110)
        run = self.ffmk("--help")
        self.assertIn(b"balance", run.stdout)


class Refuses(Balance):
    def test_unknown_words(self):
        self.refused(2, r"'--rank' is not an option of ffmk sim balance; did you mean '--ranks'\?", "balance", "--rank", 3)
        self.refused(2, r"ffmk sim balance takes options only, not '64'", "balance", "64")
        self.refused(2, r"'--zzz' is not an option of ffmk sim balance; `ffmk sim balance --help` lists them", "balance",
                     "--zzz")

    def test_values(self):
        for option, values in (("--ranks", ("1", "0", "1048577", "x", "", "-4", "3.5")),
                               ("--items-per-rank", ("7", "9", "100", "4913", "x", "")),
                               ("--workload", ("hot", "", "Front")), ("--steps", ("101", "-1", "")),
                               ("--imbalance", ("0.9", "101", "nan", "inf", "1,2", "")), ("--max-rounds", ("0", "64", "x")),
                               ("--start", ("block", "")), ("--order", ("z", "")), ("--fanout", ("1", "4097", "x")),
                               ("--network", ("ethernet", "")), ("--compute", ("no", "")),
                               ("--loggp", ("1", "1,2,3", "1,2,3,4,5", "1,2,3,x", "-1,2,3,4", "1,2,3,1e7", "")),
                               ("--seed", ("-1", "x", "9223372036854775808", "")), ("--picture", ("",))):
            for value in values:
                with self.subTest(option=option, value=value):
                    self.refused(2, rf"{option} {re.escape(value) or chr(39) * 2} is not allowed" + ALLOWED, "balance",
                                 option, value)
            self.refused(2, rf"{option} wants a value" + ALLOWED, "balance", option)

    def test_what_does_not_go_together(self):
        self.refused(2, r"--network is not allowed with --loggp.*" + ALLOWED, "balance", "--network", "aries", "--loggp",
                     "1,1,1,1")
        self.refused(2, r"--order is not allowed with --start bisection.*" + ALLOWED, "balance", "--order", "curve",
                     "--start", "bisection")
        self.refused(2, r"--json is not allowed with --picture -.*" + ALLOWED, "balance", "--picture", "-", "--json")

    def test_what_cannot_be_done(self):
        self.refused(1, r"1048576 ranks of 4096 items need about \d+ GB, and this machine has \d+; take fewer", "balance",
                     "--ranks", 1048576, "--items-per-rank", 4096)
        self.refused(1, r"no flow is needed: no load of slow-rank is above the mean", "balance", "--ranks", 8, "--workload",
                     "slow-rank", "--flows")
        self.refused(1, r"cannot write none/x: No such file or directory", "balance", *SMALL, "--picture", "none/x")
        with open("/dev/full", "wb") as full:
            for words in ((), ("--json",), ("--flows",), ("--picture", "-")):
                self.refused(1, r"cannot write to standard output: No space left", "balance", *SMALL, *words, stdout=full)


if __name__ == "__main__":
    command.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves of the page that it is well-formed and self-contained, that a report's text stays text, and what it shows."""
import html.parser
import math
import re

import command

VOID = {"meta", "input", "br", "wbr"}
SHAPES = {"rect", "path", "text", "tspan", "g", "title", "svg"}


class Page(html.parser.HTMLParser):
    """Reads a page strictly: every element is closed where it should be, every id is there once."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.ids, self.scripts, self.text, self.glue = [], [], set(), [], [], False
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        self.elements.append((tag, names))
        if "id" in names:
            assert names["id"] not in self.ids, f"id {names['id']} twice"
            self.ids.add(names["id"])
        if tag not in VOID:
            self.open.append(tag)
        self.glue = tag == "wbr"

    def handle_startendtag(self, tag, attributes):
        assert tag in SHAPES, f"<{tag}/> closes nothing in HTML"
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        into = self.scripts if self.open and self.open[-1] in ("script", "style") else self.text
        into.append(into.pop() + data if self.glue else data)
        self.glue = False

    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


# How the cones of a kind of colour vision see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
VISION = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(colour):
    colour = "".join(2 * c for c in colour[1:]) if len(colour) == 4 else colour[1:]
    bytes_ = (int(colour[i:i + 2], 16) / 255 for i in (0, 2, 4))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in bytes_]


def contrast(a, b):
    """Of WCAG 2."""
    bright, dark = sorted((sum(k * c for k, c in zip((0.2126, 0.7152, 0.0722), linear(x))) for x in (a, b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def oklab(rgb):
    cones = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
             (0.0883024619, 0.2817188376, 0.6299787005))
    l, m, s = (max(0, sum(k * c for k, c in zip(row, rgb))) ** (1 / 3) for row in cones)
    return (0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s)


def distance(a, b, vision):
    seen = [oklab([sum(k * c for k, c in zip(row, linear(x))) for row in VISION[vision]]) for x in (a, b)]
    return math.dist(*seen)


class Pages(command.Case):
    def page(self, *words, compare=None):
        self.sample("a.json", *words)
        files = ["a.json"]
        if compare is not None:
            self.sample("b.json", *compare)
            files.append("b.json")
        text = self.good(*files, "-o", "-")
        return text, Page(text)

    def check(self, text, page):
        """What holds of every page."""
        for tag, names in page.elements:
            self.assertNotIn(tag, {"link", "img", "iframe", "object", "embed", "base", "a", "form", "use", "image"})
            for name, value in names.items():
                self.assertFalse(name.startswith("on"), f"{tag} has {name}")
                self.assertNotIn(name, {"src", "href", "xlink:href", "srcset", "action"})
                self.assertNotIn("nan", (value or "") if tag in SHAPES and name != "aria-label" and
                                 not name.startswith("data-") else "")
        self.assertNotRegex("".join(page.scripts), r"https?:|url\(|@import|fetch|XMLHttp|import ")
        self.assertEqual(sum(tag == "script" for tag, _ in page.elements), 1)
        self.assertEqual(sum(tag == "style" for tag, _ in page.elements), 1)
        self.assertIn("default-src 'none'", [n.get("content", "") for t, n in page.elements if t == "meta"][1])
        self.assertEqual([t for t, _ in page.elements if t == "h1"], ["h1"])
        for tag, names in page.elements:
            if tag == "section":
                self.assertIn(names["aria-labelledby"], page.ids)
            if names.get("role") == "img" and "spark" not in names.get("class", ""):
                self.assertTrue(names.get("aria-label"))
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

    def test_what_it_shows(self):
        text, page = self.page("--ranks", 64)
        self.check(text, page)
        words = page.words()
        for part in ("balancing could save", "64 ranks on 4 hosts", "Parallel efficiency", "Every rank over time",
                     "Each row is a rank", "Lines part the hosts", "What every rank did", "Who sends to whom",
                     "bytes between a pair, logarithmic", "MPI_Waitall", "physics", "involuntary_switches",
                     "2026-11-22 18:00 UTC", "Open MPI v4.1.4"):
            self.assertIn(part, words)
        self.assertNotIn("Partial report", words)

    def test_samples(self):
        for words in (["--ranks", 1], ["--ranks", 4, "--intervals", 1], ["--ranks", 9, "--hosts", 9, "--partial"],
                      ["--ranks", 4, "--quiet"], ["--ranks", 300, "--intervals", 40], ["--ranks", 2, "--intervals", 4096]):
            with self.subTest(words):
                self.check(*self.page(*words))

    def test_large_jobs_stay_small_pages(self):
        text, page = self.page("--ranks", 300, "--intervals", 1000)
        self.assertIn("Each row is the mean of 3 ranks", page.words())
        self.assertIn("Each column is the mean of 2 ranks", page.words())
        self.assertLess(len(text), 1 << 20)

    def test_a_matrix_of_groups_of_ranks(self):
        report = self.sample("a.json", "--ranks", 301)
        self.assertEqual((report["matrix"]["bins"], report["matrix"]["ranks_per_bin"]), (151, 2))
        report["matrix"]["entries"][0] = [150, 1, 1, 10**9]
        self.write("a.json", report)
        words = Page(self.good("a.json", "-o", "-")).words()
        self.assertIn("Busiest groups rank 300 → ranks 2–3 , 1.00 GB", words)
        self.assertIn("bytes in a cell of 4 × 4 ranks, logarithmic", words)
        self.assertIn("1.00 GB bytes in a cell", words)
        self.sample("b.json", "--ranks", 4)
        words = Page(self.good("a.json", "b.json", "-o", "-")).words()
        self.assertIn("bytes in a cell, logarithmic", words)

    def test_compare(self):
        text, page = self.page("--ranks", 16, compare=["--ranks", 16, "--balanced"])
        self.check(text, page)
        self.assertRegex(page.words(), r"B is \d\.\d\d× as fast: [\d.]+ s instead of [\d.]+ s")
        text, page = self.page("--ranks", 4, "--balanced", compare=["--ranks", 9, "--partial"])
        self.check(text, page)
        self.assertRegex(page.words(), r"B takes \d\.\d\d× the time")
        self.assertIn("Partial report (B)", page.words())
        self.assertRegex(page.words(), r"A ran on 4 ranks ?, B on 9 ?\.")
        self.assertRegex(page.words(), r"time in calls, mean of the ranks A B B ÷ A")
        text, page = self.page("--ranks", 4, compare=["--ranks", 4])
        self.assertRegex(page.words(), r"time in calls, sum of the ranks A B B ÷ A")
        self.assertRegex(page.words(), r"Both take the same time: [\d.]+ s \.")
        self.assertNotIn("A ran on", page.words())
        self.check(*self.page("--ranks", 4, "--quiet", compare=["--ranks", 4]))

    def test_colours(self):
        """Useful work stands out from the paper, letters from what they stand on, the kinds of time from each other."""
        _, page = self.page("--ranks", 2)
        found = {}
        for name, value in re.findall(r"--([a-z]+):(#[0-9a-f]{3,6})\b", page.scripts[0]):
            found.setdefault(name, []).append(value)
        for scheme in range(2):  # light, dark
            c = {name: values[scheme] for name, values in found.items()}
            self.assertGreaterEqual(contrast(c["useful"], c["bg"]), 1.6, c)
            for ink, ground in (("ink", "bg"), ("muted", "bg"), ("letter", "accent"), ("aletter", "was")):
                self.assertGreaterEqual(contrast(c[ink], c[ground]), 4.5, (ink, ground, c))
            for vision in VISION:
                for a, b in ("useful", "mpi"), ("useful", "wait"), ("mpi", "wait"), ("useful", "own"), ("useful", "bg"):
                    self.assertGreater(distance(c[a], c[b], vision), 0.12, (a, b, vision, c))

    def test_runs_of_different_size_are_compared_a_rank(self):
        report = self.sample("a.json", "--ranks", 8)
        other = self.sample("b.json", "--ranks", 2)
        words = Page(self.good("a.json", "b.json", "-o", "-")).words()
        a, b = (next(r["exclusive_s"] for r in run["regions"] if r["name"] == "physics") / run["ranks"] for run in (report, other))
        self.assertIn(f"{b / a:.2f}×", words[words.index("exclusive time in regions, mean"):].split("physics")[1].split()[4])

    def test_times_that_read_differently_are_both_named(self):
        report = self.sample("a.json", "--ranks", 2, "--quiet")
        for a, b, words in ((16.85, 16.84, "Both take nearly the same time: 16.9 s and 16.8 s"),
                            (16.84, 16.83, "Both take the same time: 16.8 s")):
            self.write("a.json", report | {"elapsed_s": a})
            self.write("b.json", report | {"elapsed_s": b})
            self.assertIn(words, Page(self.good("a.json", "b.json", "-o", "-")).words())

    def test_noise_has_no_colour(self):
        report = self.sample("a.json", "--ranks", 2)
        for factor, classes in ((0.97, "ratio"), (1.04, "ratio"), (0.9, "ratio less"), (1.1, "ratio more")):
            self.write("b.json", report | {"elapsed_s": factor * report["elapsed_s"]})
            page = Page(self.good("a.json", "b.json", "-o", "-"))
            found = [names["class"] for tag, names in page.elements if names.get("class", "").startswith("ratio")]
            self.assertEqual(found[0], classes, factor)

    def test_hostile_text_is_inert(self):
        for compare in None, ["--ranks", 3, "--hostile"]:
            text, page = self.page("--ranks", 3, "--hostile", compare=compare)
            self.check(text, page)
            self.assertNotIn("<script>touched", text)
            self.assertIn("<script>touched='x'</script>", page.words())
            self.assertFalse([s for s in page.scripts if "touched" in s])


if __name__ == "__main__":
    command.main()

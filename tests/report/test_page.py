#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves of the page that it is well-formed and self-contained, that a report's text stays text, and what it shows."""
import html.parser
import re

import command

VOID = {"meta", "input", "br"}
SHAPES = {"rect", "path", "text", "tspan", "g", "title", "svg"}


class Page(html.parser.HTMLParser):
    """Reads a page strictly: every element is closed where it should be, every id is there once."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.ids, self.scripts, self.text = [], [], set(), [], []
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

    def handle_startendtag(self, tag, attributes):
        assert tag in SHAPES, f"<{tag}/> closes nothing in HTML"
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] in ("script", "style") else self.text).append(data)

    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


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

    def test_compare(self):
        text, page = self.page("--ranks", 16, compare=["--ranks", 16, "--balanced"])
        self.check(text, page)
        self.assertRegex(page.words(), r"B is \d\.\d\d× as fast: [\d.]+ s instead of [\d.]+ s")
        text, page = self.page("--ranks", 4, "--balanced", compare=["--ranks", 9, "--partial"])
        self.check(text, page)
        self.assertRegex(page.words(), r"B takes \d\.\d\d× the time")
        self.assertIn("Partial report (B)", page.words())
        text, page = self.page("--ranks", 4, compare=["--ranks", 4])
        self.assertIn("Both take the same time", page.words())
        self.check(*self.page("--ranks", 4, "--quiet", compare=["--ranks", 4]))

    def test_hostile_text_is_inert(self):
        for compare in None, ["--ranks", 3, "--hostile"]:
            text, page = self.page("--ranks", 3, "--hostile", compare=compare)
            self.check(text, page)
            self.assertNotIn("<script>touched", text)
            self.assertIn("<script>touched='x'</script>", page.words())
            self.assertFalse([s for s in page.scripts if "touched" in s])


if __name__ == "__main__":
    command.main()

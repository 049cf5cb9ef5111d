#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves that the pictures of `ffmk sim gossip` are well-formed, load nothing from elsewhere, draw as many ranks as
have it, and fit windows from 360 px on without scrolling sideways (where there is Chromium)."""
import html.parser
import json
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import command

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
SVG = "{http://www.w3.org/2000/svg}"

WATCHER = """<!doctype html><title>watching</title><body><script>
const page = %s, results = [];
async function watch(width) {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border:0;height:900px;width:' + width + 'px';
  const loaded = new Promise(resolve => { frame.onload = resolve; });
  frame.src = page;
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  const overlaps = [...inside.querySelectorAll('.xaxis,.yaxis')].filter(axis => {
    const boxes = [...axis.children].map(s => s.getBoundingClientRect());
    return boxes.some((a, i) => boxes.some((b, j) => j > i && a.left < b.right && b.left < a.right &&
      a.top < b.bottom - 1 && b.top < a.bottom - 1));
  }).map(axis => axis.textContent);
  results.push({width, wide: inside.documentElement.scrollWidth, overlaps});
  frame.remove();
}
(async () => {
  for (const width of [360, 400, 768, 1280]) await watch(width);
  document.body.textContent = 'RESULTS' + JSON.stringify(results) + 'END';
})();
</script></body>"""


def area(path):
    """What an outline of steps encloses."""
    total = 0
    for part in re.findall(r"M[^M]*", path):
        y, enclosed = 0, 0
        for letter, number in re.findall(r"([vh])(-?\d+)", part):
            if letter == "v":
                y += int(number)
            else:
                enclosed += y * int(number)
        total += abs(enclosed)
    return total


class Pictures(command.Case):
    def draw(self, *words):
        text = self.good("--picture", "-", *words)
        root = xml.etree.ElementTree.fromstring(text)
        self.assertNotRegex(text, r"href|url\(|@import|<script|nan|inf")
        return text, root, {path.get("class"): path.get("d") for path in root.iter(f"{SVG}path")}

    def test_a_strip(self):
        text, root, paths = self.draw("--ranks", 200, "--dead-before", 10, "--dead-during", 5, "--rounds", 11)
        self.assertIn("circulant, checked correction: done after", text)
        self.assertTrue(root.find(f"{SVG}title").text)
        self.assertIn("prefers-color-scheme:dark", text)
        columns, rows = 200, len(re.findall("M", paths["dark"]))
        # From the bottom: the last row is full but for the dead, the first holds the root alone.
        self.assertEqual(area(paths["dark"]), columns * rows * 11)
        last = re.findall(rf"M\d+ {12 * rows - 1}[^M]*", paths["correction"])
        self.assertEqual(area("".join(last)), (columns - 15) * 11)
        first = re.findall(r"M[^M]*", paths["table"])[0]
        self.assertEqual(first, "M0 11v-11h1v11")
        dead = re.findall(r"M\d+ 0[^M]*", paths["dead"])
        self.assertEqual(area("".join(dead)), 10 * 11)
        self.assertGreater(area(paths["correction"]), area(paths["table"]))

    def test_who_was_coloured_by_what(self):
        words = ("--ranks", 200, "--dead-before", 10, "--rounds", 11)

        def last_row(paths, fate):
            rows = len(re.findall("M", paths["dark"]))
            return area("".join(re.findall(rf"M\d+ {12 * rows - 1}[^M]*", paths[fate])))
        corrected, plain = (self.draw(*words, "--correction", how)[2] for how in ("checked", "none"))
        self.assertEqual(last_row(corrected, "table"), last_row(plain, "table"))
        self.assertEqual(last_row(corrected, "correction"), 190 * 11)
        self.assertLess(last_row(plain, "table"), 190 * 11)

    def test_many_ranks_share_columns(self):
        text, _, paths = self.draw("--ranks", 5000)
        self.assertIn("h512", paths["dark"])
        self.assertLess(len(text), 200000)

    def test_a_sweep_of_the_ring_shares_rows(self):
        _, _, paths = self.draw("--ranks", 3000, "--rounds", 0, "--algorithm", "gossip")
        self.assertLessEqual(len(re.findall("M", paths["dark"])), 80)

    def test_all_algorithms_and_sizes(self):
        for name in "gossip", "circulant", "binomial", "binomial-ack", "big", "big-ompi", "plain":
            for ranks in 1, 2, 3, 513:
                with self.subTest(name=name, ranks=ranks):
                    self.draw("--algorithm", name, "--ranks", ranks)

    def test_beside_the_table(self):
        words = ("--ranks", 64, "--runs", 3)
        self.assertEqual(self.good(*words, "--picture", "p.svg"), self.good(*words))
        self.assertEqual(self.json(*words, "--picture", "p.svg"), self.json(*words))
        with open(self.path("p.svg"), encoding="utf-8") as picture:
            self.assertEqual(picture.read(), self.good("--picture", "-", *words))

    def test_a_page(self):
        for words in (("--ranks", 2), ("--ranks", 63), ("--ranks", 300, "--dead-before", "5%", "--dead-during", 2)):
            with self.subTest(words):
                page = self.good("--study", "-", "--runs", 2, *words)
                self.assertNotRegex(page, r"src=|href=|url\(|@import|<script|\bnan\b|\binf\b")
                self.assertEqual(page.count("<section"), 3)
                for title in "Over time", "Against the number of ranks", "Against the share of dead ranks":
                    self.assertIn(title, page)
                self.balanced(page)
                for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
                    xml.etree.ElementTree.fromstring(chart)
        self.good("--study", "page.html", "--runs", 2, *words)
        with open(self.path("page.html"), encoding="utf-8") as written:
            self.assertEqual(written.read(), page)

    def balanced(self, page):
        case, open_tags = self, []

        class Parser(html.parser.HTMLParser):
            def handle_starttag(self, tag, attrs):
                if tag not in ("meta", "br"):
                    open_tags.append(tag)

            def handle_startendtag(self, tag, attrs):
                pass

            def handle_endtag(self, tag):
                case.assertEqual(open_tags.pop(), tag)
        Parser().feed(page)
        self.assertEqual(open_tags, [])

    @unittest.skipUnless(BROWSER, "no Chromium")
    def test_in_a_browser(self):
        for words in (("--ranks", 4096, "--runs", 2), ("--ranks", 20000, "--runs", 1, "--wire", 30)):
            self.good("--study", "page.html", *words)
            with open(self.path("watcher.html"), "w", encoding="utf-8") as out:
                out.write(WATCHER % json.dumps("page.html"))
            run = subprocess.run(
                [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--allow-file-access-from-files", "--user-data-dir=" + self.path("profile"),
                 "--virtual-time-budget=20000", "--dump-dom", "file://" + self.path("watcher.html")],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
            found = re.search("RESULTS(.*)END</body>", run.stdout.decode(), re.DOTALL)
            self.assertTrue(found, run.stderr.decode()[-2000:])
            for result in json.loads(found.group(1)):
                self.assertLessEqual(result["wide"], result["width"])
                self.assertEqual(result["overlaps"], [])


if __name__ == "__main__":
    if not BROWSER:
        print("no Chromium: its part is skipped")
    command.main()
    sys.exit(0)

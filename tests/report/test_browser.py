#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Proves in Chromium that pages fit windows from 360 px on without scrolling sideways, run no script of a report, log
no error, and answer the pointer. Skips (77) where there is no Chromium."""
import json
import shutil
import subprocess
import sys

import command

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)

# Opens every page at every width in a frame, measures it, moves a pointer over heat map and matrix, and says so.
WATCHER = """<!doctype html><title>watching</title><body><script>
const pages = %s, widths = [360, 768, 1280], results = [];
// Whether a line of a name ends anywhere but behind a space, an underscore or a colon.
function broken(cell) {
  const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = cell.ownerDocument.createRange();
  for (let node, last; (node = text.nextNode());)
    for (let i = 0; i < node.length; i++) {
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const line = range.getBoundingClientRect().top;
      if (i > 0 && line > last + 5 && !' _:'.includes(node.data[i - 1])) return true;
      last = line;
    }
  return false;
}
async function watch(page, width) {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border:0;height:900px;width:' + width + 'px';
  const loaded = new Promise(resolve => { frame.onload = resolve; });
  frame.src = page;
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  const tips = [...inside.querySelectorAll('svg.cells')].map(svg => {
    const box = svg.getBoundingClientRect();
    svg.dispatchEvent(new frame.contentWindow.PointerEvent('pointermove', {
      clientX: box.left + box.width * 0.3, clientY: box.top + box.height * 0.3, bubbles: true}));
    return inside.getElementById('tip').textContent;
  });
  const names = [...inside.querySelectorAll('section > h2')].map(h => h.textContent);
  const tables = [...inside.querySelectorAll('.scroll')].map(t => t.scrollWidth - t.clientWidth);
  const bars = [...inside.querySelectorAll('td.bar svg')].map(b => b.getBoundingClientRect().width);
  const cards = [...inside.querySelectorAll('.numbers')].map(n => n.getBoundingClientRect().right -
    n.lastElementChild.getBoundingClientRect().right);
  const words = [...inside.querySelectorAll('tbody th')].filter(broken).map(c => c.textContent);
  results.push({page, width, wide: inside.documentElement.scrollWidth, tips, names, tables, bars, cards, words,
    tree: getComputedStyle(inside.querySelector('.tree')).display, touched: 'touched' in frame.contentWindow});
  frame.remove();
}
(async () => {
  for (const page of pages) for (const width of widths) await watch(page, width);
  document.title = 'done';
  document.body.textContent = 'RESULTS' + JSON.stringify(results) + 'END';
})();
</script></body>"""


class Browser(command.Case):
    def test_pages(self):
        samples = {"r1": ["--ranks", 1], "r64": ["--ranks", 64], "r300": ["--ranks", 300, "--intervals", 30],
                   "quiet": ["--ranks", 4, "--quiet"], "hostile": ["--ranks", 6, "--hostile", "--partial"]}
        pages = []
        for name, words in samples.items():
            self.sample(name + ".json", *words)
            self.good(name + ".json", "-o", name + ".html")
            pages.append(name + ".html")
        long = self.sample("long.json", "--ranks", 4)
        long["regions"][0]["name"] = "conjugate_gradient_solver_with_incomplete_cholesky_precondit"
        self.write("long.json", long)
        self.good("long.json", "-o", "long.html")
        pages.append("long.html")
        self.good("r64.json", "hostile.json", "-o", "two.html")
        pages.append("two.html")
        self.write("watcher.html", (WATCHER % json.dumps(pages)).encode())
        run = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000",
             "--user-data-dir=" + self.path("profile"), "--window-size=1400,1000", "--dump-dom",
             "file://" + self.path("watcher.html")],
            capture_output=True, timeout=300, check=False, text=True)
        console = [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
        self.assertEqual(console, [])
        self.assertIn("RESULTS", run.stdout, run.stderr[-2000:])
        text = run.stdout[run.stdout.index("RESULTS") + 7:run.stdout.rindex("END")]
        results = json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        self.assertEqual(len(results), 3 * len(pages))
        for result in results:
            with self.subTest(page=result["page"], width=result["width"]):
                self.assertLessEqual(result["wide"], result["width"])
                self.assertFalse(result["touched"])
                self.assertEqual(len(result["names"]), 8)
                self.assertEqual(result["tree"], "none" if result["width"] <= 720 else "block")
                if result["width"] == 1280 and result["page"] in ("long.html", "r64.html"):
                    self.assertEqual(max(result["tables"]), 0, "a table is wider than the page")
                for bar in result["bars"]:  # a bar that is there is long enough to say something
                    self.assertTrue(bar == 0 if result["width"] <= 720 else bar >= 60, bar)
                for space in result["cards"]:
                    self.assertLess(space, 3, "an empty card beside the last")
                if result["page"] in ("long.html", "r64.html"):
                    self.assertEqual(result["words"], [], "broken inside a word")
                if result["page"] == "r64.html":
                    self.assertRegex(result["tips"][0], r"^rank \d+ · node\d+ · \S+ m?s to \S+ m?s — useful \d+ %, MPI moving "
                                                        r"data \d+ %, waiting \d+ %$")
                    self.assertRegex(result["tips"][1], r"^rank \d+ → rank \d+: ")
                if result["page"] == "r300.html":
                    self.assertRegex(result["tips"][1], r"^ranks \d+–\d+ → ranks \d+–\d+: ")


if __name__ == "__main__":
    if not BROWSER:
        print("no chromium in PATH: the page was not looked at in a browser")
        sys.exit(77)
    command.main()

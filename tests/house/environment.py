#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The FFMK_* variables are told once, in src/core/config.def. This compares docs/environment.md and
docs/man/ffmk-environment.7 with that table, and writes their tables anew when called with --write."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "src/core/config.def"
FIELDS = ("id", "name", "kind", "fallback", "allowed", "description")


class Words(dict):
    """A bare word of the table stands for itself."""

    def __missing__(self, word):
        return word


def variables():
    """The table's rows. Without its comment, VAR(id, "name", …, "two " "strings") reads as Python too."""
    rows = []
    text = re.sub(r"/\*.*?\*/", "", TABLE.read_text(), flags=re.DOTALL)
    exec(text, {}, Words(VAR=lambda *values: rows.append(dict(zip(FIELDS, values, strict=True)))))
    return rows


def as_markdown(rows):
    lines = ["| variable | default | allowed | what it does |", "|---|---|---|---|"]
    for row in rows:
        allowed = row["allowed"].replace("|", r"\|")
        fallback = f"`{row['fallback']}`" if row["fallback"] else "(empty)"
        lines.append(f"| `{row['name']}` | {fallback} | {allowed} | {row['description']} |")
    return "\n".join(lines)


def escape(text):
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return re.sub(r"^([.'])", r"\\&\1", text)


def as_man(rows):
    lines = []
    for row in rows:
        fallback = row["fallback"] or "empty"
        lines += [".TP", rf"\fB{row['name']}\fR (default: {escape(fallback)}; allowed: {escape(row['allowed'])})",
                  escape(row["description"])]
    return "\n".join(lines)


PAGES = (
    (ROOT / "docs/environment.md", "<!-- table begins -->\n", "\n<!-- table ends -->", as_markdown),
    (ROOT / "docs/man/ffmk-environment.7", '.\\" table begins\n', '\n.\\" table ends', as_man),
)


def main():
    rows = variables()
    stale = 0
    for page, begin, end, render in PAGES:
        text = page.read_text()
        head, rest = text.split(begin, 1)
        _, tail = rest.split(end, 1)
        fresh = head + begin + render(rows) + end + tail
        if fresh == text:
            continue
        if "--write" in sys.argv:
            page.write_text(fresh)
            print(f"wrote {page.relative_to(ROOT)}")
        else:
            print(f"{page.relative_to(ROOT)} does not say what src/core/config.def says; "
                  "tests/house/environment.py --write mends it")
            stale += 1
    return 1 if stale else 0


sys.exit(main())

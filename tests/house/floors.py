#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the #includes of src/ and fails on an arrow that the floors of docs/architecture.md forbid.

It also fails on an include that is not there, on files that include each other in a circle, and on a call of MPI_Xxx
where only PMPI_Xxx may be called (our own calls would come back through our own doors).

usage: floors.py [SRC_FOLDER]      --draw prints the arrows that there are, floor to floor"""
import collections
import pathlib
import re
import sys

WINGS = {"gossip", "balance", "ckpt", "noise"}
ALLOWED = {
    "core": set(),
    **{wing: {"core"} for wing in WINGS},
    "job": WINGS | {"core"},
    "pmpi": {"job", "core"},
    "sim": {"gossip", "balance", "ckpt", "core"},
    "cli": {"sim", "core"},
}
# "The command may use what it shows": these tables, by name.
SHOWN = {("cli", "pmpi/calls.def")}
ONLY_PMPI = WINGS | {"core", "job"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
MPI_CALL = re.compile(r"(?<![A-Za-z0-9_])MPI_[A-Z][a-z]\w*\s*\(")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def blank(match):
    """Keep the line breaks, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group())


def read(src):
    return {str(path.relative_to(src)): path.read_text() for path in sorted(src.rglob("*"))
            if path.suffix in (".c", ".h", ".def")}


def arrows(src, texts, complaints):
    """(from file, to file), both relative to src."""
    found = []
    for name, text in texts.items():
        for match in INCLUDE.finditer(text):
            quoted, target = match.group(1) == '"', match.group(2)
            beside = str((pathlib.PurePosixPath(name).parent / target))
            if quoted and target not in texts and beside in texts:
                target = beside
            if target in texts:
                found.append((name, target))
            elif quoted:
                line = text.count("\n", 0, match.start(2)) + 1
                complaints.append(f'{name}:{line}: includes "{target}", which is not in src/')
    return found


def forbidden(source, target):
    here, there = source.split("/")[0], target.split("/")[0]
    if here == there or (here, target) in SHOWN:
        return None
    if here not in ALLOWED:
        return f"{source}: the folder {here}/ is on no floor; add it here and to docs/architecture.md"
    if there in ALLOWED[here]:
        return None
    return f"{source}: includes {target}, but {here} may include only {', '.join(sorted(ALLOWED[here] | {here}))}"


def circle(found):
    """One circle of includes as a list of files, or None."""
    graph = collections.defaultdict(list)
    for source, target in found:
        graph[source].append(target)
    done, path = set(), []

    def walk(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            return None
        path.append(name)
        for target in graph[name]:
            ring = walk(target)
            if ring:
                return ring
        path.pop()
        done.add(name)
        return None

    for name in list(graph):
        ring = walk(name)
        if ring:
            return ring
    return None


def main():
    words = [word for word in sys.argv[1:] if word != "--draw"]
    src = pathlib.Path(words[0]) if words else pathlib.Path(__file__).resolve().parents[2] / "src"
    complaints = []
    texts = read(src)
    if not texts:
        print(f"{src} holds no source file")
        return 1
    found = arrows(src, texts, complaints)
    complaints += filter(None, (forbidden(source, target) for source, target in found))
    ring = circle(found)
    if ring:
        complaints.append("a circle: " + " -> ".join(ring))
    for name, text in texts.items():
        if name.split("/")[0] not in ONLY_PMPI:
            continue
        bare = COMMENT_OR_STRING.sub(blank, text)
        for match in MPI_CALL.finditer(bare):
            line = bare.count("\n", 0, match.start()) + 1
            complaints.append(f"{name}:{line}: calls {match.group().rstrip('( ')}; inside the library it is P"
                              f"{match.group().rstrip('( ')}")
    if "--draw" in sys.argv:
        floors = collections.Counter((source.split("/")[0], target.split("/")[0]) for source, target in found)
        for (here, there), count in sorted(floors.items()):
            if here != there:
                print(f"{here} -> {there}  {count}")
    print("\n".join(complaints) if complaints else f"{len(texts)} files, {len(found)} arrows, all of them allowed")
    return 1 if complaints else 0


sys.exit(main())

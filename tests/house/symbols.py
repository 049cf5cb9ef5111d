#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what the built libraries export with what they should.

- libffmk.so: every call that ffmk.h declares; the MPI calls of symbols.txt, in every binding that it names, as far as
  this MPI has that version of the standard; nothing else.
- libffmk-engine.so: ffmk_engine_table alone.
- Every MPI call exported in C is one that this MPI has: a door to nothing would hide a missing call from a linker.

usage: symbols.py LIBFFMK ENGINE LIBMPI MPI_INCLUDE_FOLDER… [--write]     --write takes what this build exports over
into symbols.txt; remove the file first and do it for every MPI"""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("symbols.txt")
HEAD = """# What libffmk.so exports: the MPI calls with a door, the version of the standard that brought each, and the bindings.
# The public calls are those of include/ffmk.h. `house.symbols` compares; a change here is a change of the ABI.
"""
FORTRAN = re.compile(r"^mpi_(\w+?)(_f08(?:ts)?)?(_large)?_$")


def exported(library):
    said = subprocess.run(["nm", "-D", "--defined-only", str(library)], stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in said.stdout.splitlines()}


def public_calls():
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "include/ffmk.h").read_text(), flags=re.DOTALL)
    return set(re.findall(r"\b(ffmk_\w+)\s*\(", header))


def doors(symbols):
    """{C name: set of bindings}, and what is no MPI name at all."""
    found, strange = collections.defaultdict(set), []
    spelling = {name.lower(): name for name in symbols if name.startswith("MPI_")}
    for name in symbols:
        fortran = FORTRAN.match(name)
        if name.startswith("MPI_"):
            found[name].add("c")
        elif fortran:
            plain, f08, large = fortran.groups()
            key = "mpi_" + plain + ("_c" if large else "")
            if key not in spelling:
                strange.append(name)
            else:
                found[spelling[key]].add("f08" if f08 else "mpif")
        else:
            strange.append(name)
    return found, strange


def standard(folders):
    for folder in folders:
        header = pathlib.Path(folder) / "mpi.h"
        match = header.exists() and re.search(r"#\s*define\s+MPI_VERSION\s+(\d+)", header.read_text())
        if match:
            return int(match.group(1))
    raise SystemExit(f"no mpi.h with MPI_VERSION in {' '.join(folders)}")


def listed():
    """{C name: (version of the standard, set of bindings)} of symbols.txt."""
    rows = {}
    for line in LIST.read_text().splitlines() if LIST.exists() else []:
        if line and not line.startswith("#"):
            name, version, *bindings = line.split()
            rows[name] = (int(version), set(bindings))
    return rows


def main():
    words = [word for word in sys.argv[1:] if word != "--write"]
    library, engine, mpi, *folders = words
    symbols = exported(library)
    public = {name for name in symbols if name.startswith("ffmk_")}
    found, strange = doors(symbols - public)
    version = standard(folders)
    if "--write" in sys.argv:
        rows = listed()
        for name, bindings in found.items():
            rows[name] = (min(version, rows.get(name, (version,))[0]), bindings)
        LIST.write_text(HEAD + "".join(f"{name:34} {since}  {' '.join(sorted(bindings))}\n"
                                       for name, (since, bindings) in sorted(rows.items())))

    faults = [f"{name} is exported, but is neither a call of ffmk.h nor an MPI call" for name in strange]
    faults += [f"{name} is in ffmk.h, but not exported" for name in sorted(public_calls() - public)]
    faults += [f"{name} is exported, but not in ffmk.h" for name in sorted(public - public_calls())]
    expected = {name: bindings for name, (since, bindings) in listed().items() if since <= version}
    for name in sorted(expected.keys() | found.keys()):
        for binding in sorted(expected.get(name, set()) - found.get(name, set())):
            faults.append(f"{name} ({binding}) is in symbols.txt, but not exported")
        for binding in sorted(found.get(name, set()) - expected.get(name, set())):
            faults.append(f"{name} ({binding}) is exported, but not in symbols.txt")
    has = exported(mpi)
    faults += [f"{name} has a door, but this MPI has no P{name}" for name in sorted(found) if f"P{name}" not in has]
    table = exported(engine)
    if table != {"ffmk_engine_table"}:
        faults.append(f"the engine exports {' '.join(sorted(table))} instead of ffmk_engine_table alone")
    print("\n".join(faults) if faults else f"{len(symbols)} symbols, as listed")
    return 1 if faults else 0


sys.exit(main())

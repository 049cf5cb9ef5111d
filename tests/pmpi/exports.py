# SPDX-License-Identifier: BSD-3-Clause
"""The table against the two libraries: every row is exported in every binding under the name the MPI gives it, with a
profiling twin to lead to; and every call the MPI has either has a door or only looks something up."""

import re

from harness import *

# Calls without a door: they look something up, make or free a small local object, or translate a handle. A name that
# matches none of these and has no row fails the test.
LOOKS_UP = re.compile(r"""MPI_(
    [A-Z_0-9]+$|T_\w+|Wtime|Wtick|Aint_(add|diff)|Initialized|Finalized|Query_thread|Is_thread_main|Pcontrol|
    Init|Init_thread|Finalize|Abort|Session_(init|finalize)|
    \w+_(c2f|f2c)|\w*_?(get|set)_(name|attr|errhandler)|\w*_?(create|call|free)_errhandler|\w*(K|k)eyval\w*|
    \w*_delete_attr|Attr_\w+|Errhandler_\w+|Error_\w+|Add_error_\w+|
    Group_\w+|Info_\w+|Op_\w+|Type_(?!commit|free$)\w+|Address|Get_\w+|Pack_(external_)?size(_c)?|Status_\w+|
    Grequest_\w+|Test_cancelled|Register_datarep(_c)?|Topo_test|Dims_create|
    Cart(dim)?_(coords|get|map|rank|shift)|Graph(dims)?_(get|map|neighbors|neighbors_count)|
    Dist_graph_neighbors(_count)?|
    Comm_(compare|get_info|get_parent|group|rank|size|remote_group|remote_size|test_inter)|
    File_get_(amode|atomicity|byte_offset|group|info|position|type_extent|type_extent_c|view)|
    Win_(get_group|get_info|shared_query|shared_query_c)|Session_get_\w+|(Open|Close)_port
    )$""", re.X)


def rows():
    text = pathlib.Path(settings.source, "src/pmpi/calls.def").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    if settings.mpi == "openmpi" and "#define MPI_VERSION 3" in header():
        text = re.sub(r"#if MPI_VERSION >= 4.*?#endif", "", text, flags=re.S)
    for large, name, fortran, rest in re.findall(
            r"^CALL(_C)?\((\w+), (\w+), (.*?)(?=^CALL|^#|\Z)", text, flags=re.S | re.M):
        yield bool(large), name, fortran, "f08ts" if re.search(r"\bf08ts\b", rest) else "f08"


def header():
    shown = Run([settings.c, "-show"]).out
    for word in shown.split():
        path = pathlib.Path(word[2:], "mpi.h")
        if word.startswith("-I") and path.exists():
            return re.sub(r"[ \t]+", " ", path.read_text(errors="replace"))
    return ""


def exported(*libraries):
    names = set()
    for library in libraries:
        if pathlib.Path(library).exists():
            names |= {line.split()[-1].split("@")[0] for line in Run(["nm", "-D", "--defined-only", library]).out.splitlines()}
    return names


beside = pathlib.Path(settings.mpi_library).parent
mpi = exported(settings.mpi_library)
fortran_libraries = (["libmpi_mpifh.so", "libmpi_usempif08.so", "libmpi_usempi_ignore_tkr.so"]
                     if settings.mpi == "openmpi" else ["libmpichfort.so", "libmpifort.so"])
fortran = exported(*(beside / name for name in fortran_libraries))
ours = exported(settings.doors)

table = list(rows())
check(len(table) > 180, "the table has", len(table), "rows")
doors = set()
for large, name, small, f08 in table:
    c = f"MPI_{name}{'_c' if large else ''}"
    check(c not in doors, c, "stands twice in the table")
    doors.add(c)
    check(c in ours, "libffmk does not export", c)
    check(c in mpi and "P" + c in mpi, "this MPI has no", c, "or no profiling twin")
    symbols = []
    if not large:
        symbols.append((f"mpi_{small}_", f"pmpi_{small}_"))
    if settings.mpi == "openmpi":
        stem = f"mpi_{small}{'_c' if large else ''}_f08_"
        symbols.append((stem, "p" + stem))
    else:
        stem = f"_{small}_{f08}_{'large_' if large else ''}"
        symbols.append(("mpi" + stem, "pmpir" + stem))
    for symbol, profiling in symbols:
        check(symbol in ours, "libffmk does not export", symbol)
        if fortran:
            # Some MPIs have no large-count twins of file calls in mpi_f08, under any name.
            absent = large and not any(n.startswith(f"mpi_{small}_f08") and "large" in n for n in fortran)
            check(symbol in fortran or absent, "this MPI has no", symbol)
            check(profiling in fortran or symbol not in fortran, "this MPI has no", profiling)

for name in sorted(n for n in mpi if re.match(r"MPI_[A-Z]", n)):
    check(name in doors or LOOKS_UP.match(name), name, "has no door and is not known to only look something up")
for name in sorted(n for n in ours if n.startswith("MPI_")):
    check(name in mpi, "libffmk exports", name, "which this MPI does not have")
print(len(table), "rows; Fortran symbols", "compared" if fortran else "not compared: no Fortran library here")
done()

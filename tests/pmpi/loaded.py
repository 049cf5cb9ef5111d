# SPDX-License-Identifier: BSD-3-Clause
"""What is not used is not loaded: beside the doors nothing in a program without MPI, beside doors and engine nothing in
one with it, PAPI only when asked for; and a program's own functions do not get in our way, nor ours in its."""

import re

from harness import *


def libraries(text):
    """Names of the shared objects in a /proc/…/maps, without version numbers."""
    return {re.sub(r"\.so.*", "", pathlib.Path(line.split()[-1]).name) for line in text.splitlines() if ".so" in line}


alone = {"LD_PRELOAD": settings.doors}
bare, loaded = (libraries(Run(["cat", "/proc/self/maps"], env=env).out) for env in ({}, alone))
check(len(bare) >= 2, "cat says what is loaded:", bare)
equal(loaded - bare, {"libffmk"}, "what ffmk adds to a program without MPI")
needed = Run(["objdump", "-p", settings.doors]).out
equal(re.findall(r"NEEDED +(\S+)", needed), ["libc.so.6"], "what the doors need")

with Folder() as folder:
    ways = settings.program("ways")

    def added(**env):
        bare = job(1, ways, "maps", env={"LD_PRELOAD": ""}, cwd=folder)
        ours = job(1, ways, "maps", env={"FFMK_SUMMARY": "off", "FFMK_REPORT": "run.json"} | env, cwd=folder)
        ours.succeeds(f"maps {env}")
        return libraries(ours.out) - libraries(bare.out)

    equal(added(), {"libffmk", "libffmk-engine"}, "what ffmk adds to an MPI program")
    equal(added(FFMK_DISABLE=1), {"libffmk"}, "what FFMK_DISABLE=1 leaves of it")
    papi = {name for name in added(FFMK_COUNTERS="papi") if "papi" in name}
    report = read(folder / "run.json")
    if report:
        wanted = {"libpapi"} if report["counters"]["source"] == "papi" else papi
        equal(papi, wanted, "PAPI when asked for:", report["counters"])

    own = settings.program("own_jansson")
    run = job(2, own, env={"FFMK_REPORT": "own.json", "FFMK_SUMMARY": "off"}, cwd=folder)
    run.succeeds("a program with JSON functions of its own")
    report = read(folder / "own.json")
    if report:
        equal(counted(report["calls"]).get(("MPI_Barrier", "c")), 20, "its report")
for library in (settings.doors, pathlib.Path(settings.doors).parent / "libffmk-engine.so"):
    foreign = re.findall(r"\b((?:json|hwloc|event|evutil|PAPI)_\w+)", Run(["nm", "-D", library]).out)
    equal(foreign, [], "names of other libraries in the symbol table of", library)
done()

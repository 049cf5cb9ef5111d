# SPDX-License-Identifier: BSD-3-Clause
"""A broadcast over UDP takes few messages, and the datagrams of a host, acknowledgements and repetitions too, are not many more.

Arguments after the settings: ranks, operations, most messages a rank and operation.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, job, settings  # noqa: E402

np, operations, most = int(arguments[0]), arguments[1], float(arguments[2])
with Folder() as folder:
    run = job(np, settings.program("counted"), operations, env={"FFMK_SUMMARY": "off", "FFMK_TRANSPORT": "udp"}, cwd=folder,
              timeout=150)
    run.succeeds(f"{np} ranks")
    print(f"{np} ranks; messages and datagrams a rank and operation:", run.out.strip().replace("\n", "; "))
    for line in run.out.splitlines():
        check(0 < float(line.split()[1]) <= most, "messages", line)
    check(len(run.out.splitlines()) == 2, run.out)
done()

# SPDX-License-Identifier: BSD-3-Clause
"""Collective operations of ranks on several hosts give what MPI's give (values.py has them on one host).

Arguments after the settings: public|unmodified, first seed, seeds, operations a seed, then how many hosts with how many ranks
on each, and what befalls the datagrams of the first host: <hosts>x<ranks>[:<% lost>[:<ms late>[:<% of them in time>]]]
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Folder, arguments, check, done, equal, settings, skip  # noqa: E402
from hosts import Hosts, missing  # noqa: E402

why = missing()
if why:
    skip(why)

flavour, first, seeds, operations, *shapes = arguments
env = {"FFMK_SUMMARY": "off"}
if flavour == "unmodified":
    env |= {"FFMK_BCAST": "checked", "FFMK_BARRIER": "failure-proof", "FFMK_ALLREDUCE": "opportunistic:3"}

with Folder() as folder:
    for shape in shapes:
        size, *misfortune = shape.split(":")
        count, each = map(int, size.split("x"))
        with Hosts(count) as hosts:
            if misfortune:
                hosts.loss(1, *map(float, misfortune))
            begin = time.monotonic()
            run = hosts.launch(each, settings.program(f"values_{flavour}"), first, seeds, operations, env=env,
                               cwd=folder).wait(150)
            run.succeeds(shape)
            equal(run.out, "done\n", shape)
            equal(run.said, [], shape, "what ffmk says")
            sent = sum(hosts.packets(host)["OutDatagrams"] for host in range(1, count + 1))
            # Some communicators are on one host, or of one rank, and several messages go in a datagram.
            least = count * each * int(seeds) * int(operations) // 2
            check(sent >= least, shape, sent, "datagrams for", least, "operations of ranks")
            for host in range(1, count + 1):
                equal([path.name for path in hosts.shm(host).glob("ffmk-*")], [], shape, "left behind on host", host)
            print(f"{shape}: {sent} datagrams for {least} operations of ranks, {time.monotonic() - begin:.1f} s", flush=True)
done()

# SPDX-License-Identifier: BSD-3-Clause
"""What befalls datagrams between the hosts of hosts.py, as far as it takes more than the `ip` command.

As a program, in a host's or in the switch's network: wire.py checksums | relay <number of hosts>
"""

import array
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import socket
import struct
import sys
import time

NETWORK = "10.77.0"


def in_words_of_tc(program):
    return f"{len(program)}," + ",".join(" ".join(map(str, line)) for line in program)


def drop_udp(probability):
    """Classic BPF: TC_ACT_SHOT for IPv4 datagrams of UDP with this probability, else TC_ACT_UNSPEC."""
    limit = min(int(probability * 2**32), 2**32 - 1)
    if probability >= 1:
        program = [(0x30, 0, 0, 23), (0x15, 0, 1, 17), (0x06, 0, 0, 2), (0x06, 0, 0, 2**32 - 1)]
    else:
        program = [(0x30, 0, 0, 23),           # the protocol, after Ethernet's 14 bytes and 9 of IP's
                   (0x15, 0, 3, 17),           # UDP
                   (0x20, 0, 0, 2**32 - 0x1000 + 56),  # a random number: SKF_AD_OFF + SKF_AD_RANDOM
                   (0x35, 1, 0, limit),
                   (0x06, 0, 0, 2), (0x06, 0, 0, 2**32 - 1)]
    return in_words_of_tc(program)


def drop_tcp(least_port):
    """TC_ACT_SHOT for TCP over IPv4 between two such ports."""
    return in_words_of_tc([(0x30, 0, 0, 23), (0x15, 0, 5, 6), (0x28, 0, 0, 34), (0x35, 0, 3, least_port),
                           (0x28, 0, 0, 36), (0x35, 0, 1, least_port), (0x06, 0, 0, 2), (0x06, 0, 0, 2**32 - 1)])


def hear_udp_only(port):
    """A socket's filter: TCP is most of what there is, and is carried by the switch."""
    program = [(0x30, 0, 0, 23), (0x15, 0, 1, 17), (0x06, 0, 0, 65535), (0x06, 0, 0, 0)]
    lines = array.array("B", b"".join(struct.pack("HBBI", *line) for line in program))
    port.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", len(program), lines.buffer_info()[0]))  # SO_ATTACH_FILTER


def hurry():
    """A wire waits for no processor: where ranks spin on all of them this process would for seconds, as if it were cut."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        pass


def checksums():
    """This namespace's eth0 makes checksums itself (ethtool -K eth0 tx off)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        value = array.array("B", struct.pack("II", 0x17, 0))  # ETHTOOL_STXCSUM
        fcntl.ioctl(any_socket, 0x8946, struct.pack("16sP", b"eth0", value.buffer_info()[0]))  # SIOCETHTOOL


def relay(count):
    """Carry UDP datagrams between the switch's ports while their filters drop all of it; a line of JSON says how."""
    hurry()
    ports, network = {}, bytes(map(int, NETWORK.split(".")))
    for i in range(1, count + 1):
        ports[i] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        ports[i].setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        hear_udp_only(ports[i])
        ports[i].bind((f"port{i}", 3))  # ETH_P_ALL: sees what comes before the filter does
    by_socket = {port.fileno(): i for i, port in ports.items()}
    draw, waiting, order, ways = random.Random(1), [], itertools.count(), {}
    while True:
        timeout = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
        ready, _, _ = select.select([0, *by_socket], [], [], timeout)
        for number in ready:
            if number == 0:
                line = sys.stdin.readline()
                if not line:
                    return
                ways = {int(i): way for i, way in json.loads(line).items()}
                print("as told", flush=True)
                continue
            try:
                frame, (_, protocol, kind, _, _) = ports[by_socket[number]].recvfrom(65536)
            except OSError:
                continue  # its cable is out
            # Only what comes from the host, and to a host: nobody sends UDP to the front.
            if kind == socket.PACKET_OUTGOING or protocol != 0x0800 or frame[23] != 17 or frame[30:33] != network:
                continue
            to = frame[33]
            if not ways or to not in ports:
                continue
            late = 0.0
            for loss, delay, early in (ways.get(by_socket[number], (0, 0, 0)), ways.get(to, (0, 0, 0))):
                if draw.random() < loss:
                    break
                late += 0 if draw.random() < early else delay
            else:
                heapq.heappush(waiting, (time.monotonic() + late, next(order), to, frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, frame = heapq.heappop(waiting)
            try:
                ports[to].send(frame)
            except OSError:
                pass  # its cable is out


if __name__ == "__main__":
    if sys.argv[1] == "checksums":
        checksums()
    else:
        relay(int(sys.argv[2]))

# SPDX-License-Identifier: BSD-3-Clause
"""Hosts for MPI jobs, made of namespaces of this one machine, whose network loses, delays, breaks and whose power fails.

    with Hosts(2) as hosts:
        job = hosts.launch(2, program, …)      # two ranks on each; harness.Run as far as it goes
        hosts.loss(1, 20)                      # 20 % of the UDP datagrams that host 1 sends, and of those sent to it
        os.kill(job.pids()[3].pid, signal.SIGKILL)
        job.wait(60)

Each host has a network, a hostname, processes and a /dev/shm of its own, as containers on several machines have. The
launcher runs on a front host, which is the switch, too, and has no ranks. IPv6 is off. Nothing of the machine's own network
is touched and nothing has a name that the machine sees: all of it is gone when the front host's first process is, and that
ends when this one does, however it does.

Some kernels have no netem, so what is lost is decided by a filter of the switch's ports (tc with a program in classic BPF),
and what is late has been carried by wire.py.
"""

import atexit
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmpi"))
from harness import Run, clean_environment, settings  # noqa: E402
from wire import NETWORK, drop_tcp, drop_udp  # noqa: E402

WIRE = pathlib.Path(__file__).resolve().parent / "wire.py"
FRONT = "ffmk-front"
NAME = "ffmk-host-{}"

# The least port that Linux gives who wants any; and options for Open MPI to have others.
EPHEMERAL = 32768
MPI_PORTS = ["--mca", "btl_tcp_port_min_v4", "20000", "--mca", "btl_tcp_port_range_v4", "1000",
             "--mca", "oob_tcp_dynamic_ipv4_ports", "21000-21999"]

# What becomes a host's first process, in namespaces of its own. The first line it says is its process number outside of
# them. Its orphans become its children, and are forgotten when they end because it ignores their ends. The end of `cat` is
# the end of all processes of its host, and of the hosts in it.
FIRST = """
set -e
trap '' CHLD
read -r pid rest </proc/self/stat
mount -t proc proc /proc
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
[ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
hostname "$1"
printf '%s' "$2" >/run/hosts
mount --bind /run/hosts /etc/hosts
ip link set lo up
echo "$pid"
exec cat
"""

# ssh for launchers: options, a host's name, and a command for its shell. It does not notice when a host's power fails.
AGENT = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do
    case $1 in -l|-p|-o) shift ;; esac
    shift
done
host=$1
shift
case $host in
{cases}
*) echo "agent: no host $host" >&2; exit 255 ;;
esac
nsenter --target "$pid" --all --wd="$PWD" sh -c "$*"
code=$?
[ -e "/run/$host.down" ] && exec sleep infinity
exit $code
"""

Rank = collections.namedtuple("Rank", "host pid")  # pid: as this process sees it


def missing():
    """Why there can be no hosts here, or None."""
    tools = {"ip": "iproute2", "tc": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "hostname": "hostname"}
    for tool, package in tools.items():
        if not shutil.which(tool):
            return f"no hosts can be made: {tool} is missing (package {package})"
    if os.geteuid() != 0:
        return "no hosts can be made: namespaces need privileges (root)"
    try:
        with Hosts(1) as hosts:
            hosts.loss(1, 50)
    except (RuntimeError, OSError) as wrong:
        return f"no hosts can be made: {' '.join(str(wrong).split())}"
    return None


KINDS = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]


def status(pid):
    """Lines of a process's status; {} when it is gone."""
    try:
        return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    except OSError:
        return {}


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def space(pid, kind="pid"):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Host:
    """A host's first process. `inner` is its number as the front host sees it, `pid` as we do."""

    def __init__(self, before, name, names):
        self.name = name
        self.starter = subprocess.Popen([*before, "unshare", *KINDS, "sh", "-c", FIRST, "sh", name, names],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        line = self.starter.stdout.readline()
        if not line:
            raise RuntimeError(f"no host {name}: {self.starter.stderr.read()}")
        self.inner = int(line)
        self.pid = self.starter.pid
        parents = {int(status(p).get("PPid", 0)): p for p in processes()}
        while status(self.pid).get("NSpid", "").split()[-2:] != [str(self.inner), "1"]:
            self.pid = parents[self.pid]
        self.space = space(self.pid)

    def enter(self, *kinds):
        return ["nsenter", "--target", str(self.pid), *(kinds or ["--all"])]

    def processes(self):
        """All but the first."""
        if self.starter.poll() is not None:
            return []  # the name of its namespace may be another's by now
        return [pid for pid in processes() if pid != self.pid and space(pid) == self.space]


class Hosts:
    """count hosts, numbered from 1, and a front host. Raises RuntimeError where missing() has not looked."""

    def __init__(self, count=2):
        self.count = count
        self.jobs = []
        self.ways, self.unplugged, self.filters = {}, set(), {}
        self.relay = None
        names = [(f"{NETWORK}.{i}", NAME.format(i)) for i in range(1, count + 1)] + [(f"{NETWORK}.254", FRONT)]
        table = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for address, name in names)
        try:
            self.front = None
            self.hosts = {}
            self.front = Host([], FRONT, table)
            atexit.register(self.close)
            for i in range(1, count + 1):
                self.hosts[i] = Host(self.front.enter(), NAME.format(i), table)
            self._agent()
            self._switch()
        except BaseException:
            self.close()
            raise

    def _agent(self):
        cases = "\n".join(f"{host.name}|{NETWORK}.{i}) pid={host.inner} ;;" for i, host in self.hosts.items())
        for host in (self.front, *self.hosts.values()):  # on the others Open MPI wants to see it, no more
            agent = pathlib.Path(f"/proc/{host.pid}/root/run/agent")
            agent.write_text(AGENT.format(cases=cases))
            agent.chmod(0o755)

    def _switch(self):
        # Checksums are made by the sender: what goes through the relay would be without.
        # A cable that is out silently ends in a second switch, which is off. Without an address of its own the first one
        # would have a port's, and another one when that port leaves.
        lines = ["link add eth0 address 02:00:0a:4d:00:fe type bridge forward_delay 0 mcast_snooping 0",
                 "link add nowhere type bridge"]
        for i, host in self.hosts.items():
            lines += [f"link add port{i} type veth peer name eth0 netns {host.inner}",
                      f"link set port{i} master eth0 up"]
        lines += [f"addr add {NETWORK}.254/24 dev eth0", "link set eth0 up"]
        self._ip(self.front, lines)
        for i, host in self.hosts.items():
            self._ip(host, [f"addr add {NETWORK}.{i}/24 dev eth0", "link set eth0 up"])
            subprocess.run([*host.enter("--net"), sys.executable, WIRE, "checksums"], check=True)
        for i in self.hosts:
            self._tool(self.front, "tc", "qdisc", "add", "dev", f"port{i}", "clsact")

    @staticmethod
    def _tool(host, *words, **options):
        done = subprocess.run([*host.enter("--net", "--pid", "--mount"), *words], capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} on {host.name}: {done.stderr}{done.stdout}")
        return done.stdout

    def _ip(self, host, lines):
        self._tool(host, "ip", "-batch", "-", input="\n".join(lines) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def close(self):
        atexit.unregister(self.close)
        for job in self.jobs:
            job.end()
        self.jobs = []
        if self.front:
            kill(self.front.pid)
            for host in (*self.hosts.values(), self.front):
                host.starter.stdin.close()
                host.starter.wait()
                host.starter.stdout.close()
                host.starter.stderr.close()
            if self.relay:
                self.relay.stdin.close()
                self.relay.wait()
                self.relay = None
            self.front = None

    def shm(self, host):
        """A host's /dev/shm, as a folder for us."""
        return pathlib.Path(f"/proc/{self.hosts[host].pid}/root/dev/shm")

    # What happens to hosts

    def loss(self, host, percent, delay_ms=0, reorder=0):
        """The UDP datagrams that a host sends, and those sent to it, are lost with this probability, each way by itself;
        what is left takes delay_ms longer each way, and `reorder` percent of it do not wait. Nothing else is lost.
        All zero ends it."""
        self.ways[host] = (percent / 100, delay_ms / 1000, reorder / 100)
        self._misfortunes()

    def block_streams(self, host, blocked=True):
        """TCP to and from a host is lost, but for that of Open MPI jobs that were launched with MPI_PORTS."""
        for way in ("ingress", "egress"):
            self._tool(self.front, "tc", "filter", "add" if blocked else "del", "dev", f"port{host}", way, "pref", "2",
                       *(["protocol", "ip", "bpf", "direct-action", "bytecode", drop_tcp(EPHEMERAL)] if blocked else []))

    def cut(self, host, silently=False):
        """Pull a host's cable; silently: behind a switch of its own, so that its interface does not know."""
        if silently:
            self.unplugged.add(host)
            self._misfortunes()
        self._ip(self.front, [f"link set port{host} {'master nowhere' if silently else 'down'}"])

    def mend(self, host):
        """The switch takes up to half a second to find out."""
        self.unplugged.discard(host)
        self._misfortunes()
        self._ip(self.front, [f"link set port{host} up", f"link set port{host} master eth0"])

    def _misfortunes(self):
        late = any(delay for _, delay, _ in self.ways.values())
        if late and not self.relay:
            self.relay = subprocess.Popen([*self.front.enter("--net"), sys.executable, WIRE, "relay", str(self.count)],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.relay:
            ways = {**self.ways, **{host: (1, 0, 0) for host in self.unplugged}}
            print(json.dumps(ways if late else {}), file=self.relay.stdin, flush=True)
            self.relay.stdout.readline()
        for i in self.hosts:
            probability, _, _ = self.ways.get(i, (0, 0, 0))
            self._filter(i, "ingress", 1 if late else probability)
            self._filter(i, "egress", 0 if late else probability)

    def _filter(self, host, way, probability):
        if self.filters.get((host, way), 0) == probability:
            return
        words = ["dev", f"port{host}", way, "pref", "1"]
        if self.filters.get((host, way)):
            self._tool(self.front, "tc", "filter", "del", *words)
        if probability:
            self._tool(self.front, "tc", "filter", "add", *words, "protocol", "ip", "bpf", "direct-action", "bytecode",
                       drop_udp(probability))
        self.filters[host, way] = probability

    def power_off(self, host):
        """A host ends with all that runs on it, and says nothing any more."""
        self.cut(host, silently=True)
        pathlib.Path(f"/proc/{self.front.pid}/root/run/{self.hosts[host].name}.down").touch()
        kill(self.hosts[host].pid)
        self.hosts[host].starter.wait()

    def packets(self, host):
        """A host's counters of UDP since it began (/proc/net/snmp): OutDatagrams, InDatagrams, RcvbufErrors, …"""
        lines = pathlib.Path(f"/proc/{self.hosts[host].pid}/net/snmp").read_text().splitlines()
        names, values = (line.split()[1:] for line in lines if line.startswith("Udp:"))
        return dict(zip(names, map(int, values)))

    def launch(self, each, *words, np=None, env=None, cwd=None, options=(), preload=None):
        """Start a job with `each` ranks a host, or np in all; ranks are numbered host by host. `options` are the launcher's;
        `preload` goes into the ranks only, as in harness.job(): the doors unless it says otherwise, "" for nothing."""
        job = Job(self, each, words, np or each * self.count, env or {}, cwd, options, preload)
        self.jobs.append(job)
        return job


class Job(Run):
    """A job under way; harness.Run's members are there after wait(). One at a time of the same Hosts."""

    def __init__(self, hosts, each, words, np, env, cwd, options, preload):
        self.hosts = hosts
        where = ",".join(f"{host.name}:{each}" for host in hosts.hosts.values())
        launcher, *rest = settings.ranks(np)
        libraries = settings.doors if preload is None else preload
        env = {key: str(value) for key, value in env.items() if value is not None}
        if settings.mpi == "openmpi":
            network = f"{NETWORK}.0/24"
            across = ["--mca", "plm_rsh_agent", "/run/agent", "--mca", "orte_tmpdir_base", "/run", "--mca", "oob_tcp_if_include",
                      network, "--mca", "btl_tcp_if_include", network, "--host", where]
            across += ["--bind-to", "none"]  # the first ranks of all hosts would be bound to the same core
            across += [word for key, value in env.items() for word in ("-x", f"{key}={value}")]
        else:
            across = ["-launcher", "ssh", "-launcher-exec", "/run/agent", "-hosts", where]
        ranks = ["env", f"LD_PRELOAD={libraries}"] if libraries else []
        self.words = [str(word) for word in (launcher, *across, *options, *rest, *ranks, *words)]
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.process = subprocess.Popen([*hosts.front.enter(), f"--wd={pathlib.Path(cwd or '.').resolve()}", *self.words],
                                        env=clean_environment(env), stdin=subprocess.DEVNULL, stdout=self.files[0],
                                        stderr=self.files[1], start_new_session=True)
        self.hung = False
        self.code = None

    def so_far(self):
        """\\return what was written to stdout and stderr until now"""
        return tuple(os.pread(file.fileno(), 1 << 26, 0) for file in self.files)

    def pids(self):
        """{rank: (host, pid)} of the ranks that live: the first process of each."""
        found, parents = {}, {}
        for number, host in self.hosts.hosts.items():
            for pid in host.processes():
                try:
                    variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                for variable in variables:
                    name, _, value = variable.partition(b"=")
                    if name in (b"OMPI_COMM_WORLD_RANK", b"PMI_RANK"):
                        parents[pid] = int(status(pid).get("PPid", 0))
                        found[pid] = int(value), number
        return {rank: Rank(number, pid) for pid, (rank, number) in sorted(found.items(), reverse=True)
                if parents[pid] not in found}

    def until(self, holds, timeout):
        """Wait until holds(stdout so far): some launchers never return after deaths. \\return whether it does"""
        deadline = time.monotonic() + timeout
        while not holds(self.so_far()[0].decode(errors="replace")):
            if time.monotonic() > deadline or self.process.poll() is not None:
                return holds(self.so_far()[0].decode(errors="replace"))
            time.sleep(0.01)
        return True

    def wait(self, timeout=240):
        """Until the launcher returns, or for so many seconds; then nothing of the job is left. \\return self"""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.hung = True
        self.end()
        return self

    def end(self):
        """Everything on the hosts, by its number, and the launcher with it. What it wrote so far is kept."""
        if self.code is not None:
            return
        ours = {host.starter.pid for host in self.hosts.hosts.values()}
        for pid in self.hosts.front.processes():
            if session(pid) not in ours:
                kill(pid)
        for host in self.hosts.hosts.values():
            for pid in host.processes():
                kill(pid)
        kill(self.process.pid)
        self.code = self.process.wait()
        self.raw, err = self.so_far()
        self.out, self.err = self.raw.decode(errors="replace"), err.decode(errors="replace")
        for file in self.files:
            file.close()

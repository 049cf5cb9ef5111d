/* SPDX-License-Identifier: BSD-3-Clause
 * What this machine allows and does not. Only looks; changes nothing. */
#include "cli/machine.h"

#include "core/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <hwloc.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static void add(json_t *list, const char *what, const char *value, const char *consequence)
{
    json_array_append_new(
        list, json_pack("{ss ss ss}", "what", what, "value", value, "consequence", consequence));
}

/* First line of a file of the kernel's. \return whether there was one. */
static int first_line(const char *path, char *text, size_t bytes)
{
    FILE *file = fopen(path, "re");
    text[0] = '\0';
    if (!file)
        return 0;
    const int good = fgets(text, (int)bytes, file) != NULL;
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return good && text[0];
}

static void cores(json_t *list)
{
    hwloc_topology_t topology;
    char text[256];
    if (hwloc_topology_init(&topology) != 0)
        return;
    if (hwloc_topology_load(topology) == 0) {
        snprintf(text, sizeof text,
                 "%d package(s), %d NUMA node(s), %d core(s), %d processing unit(s)",
                 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE),
                 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE),
                 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE),
                 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
        add(list, "processor", text, "");
    }
    hwloc_topology_destroy(topology);
}

static void clock_source(json_t *list)
{
    ffmk_clock_choose();
    add(list, "clock", ffmk_clock_name(),
        ffmk_clock_counter ? "a call is timed in about 10 ns"
                           : "no constant processor counter: timing a call costs about 40 ns");
}

static void perf(json_t *list)
{
    char level[32];
    struct perf_event_attr event = {
        .type = PERF_TYPE_HARDWARE, .size = sizeof event, .config = PERF_COUNT_HW_INSTRUCTIONS};
    const int file = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    const int reason = errno;
    first_line("/proc/sys/kernel/perf_event_paranoid", level, sizeof level);
    char text[128];
    /* A virtual machine that passes no counters on has no such event. */
    snprintf(text, sizeof text, "%s (perf_event_paranoid %s)",
             file >= 0                                  ? "readable"
             : reason == ENOENT || reason == EOPNOTSUPP ? "the processor shows none here"
                                                        : strerror(reason),
             *level ? level : "absent");
    add(list, "counters", text,
        file >= 0 ? "FFMK_COUNTERS=papi counts instructions and cycles"
                  : "FFMK_COUNTERS=papi falls back to perf software events");
    if (file >= 0)
        close(file);
    void *papi = dlopen("libpapi.so.6.0", RTLD_LAZY);
    if (!papi)
        papi = dlopen("libpapi.so.7.0", RTLD_LAZY);
    add(list, "PAPI", papi ? "installed" : "not installed",
        papi ? "loaded only when FFMK_COUNTERS asks for it" : "");
    if (papi)
        dlclose(papi);
}

static void limit(json_t *list, const char *what, unsigned resource, const char *unit,
                  const char *note)
{
    struct rlimit value;
    char text[64] = "unlimited";
    if (getrlimit(resource, &value) != 0)
        return;
    if (value.rlim_cur != RLIM_INFINITY)
        snprintf(text, sizeof text, "%llu%s", (unsigned long long)value.rlim_cur, unit);
    add(list, what, text, note);
}

static void isolation(json_t *list)
{
    char text[256];
    const int isolated = first_line("/sys/devices/system/cpu/isolated", text, sizeof text);
    add(list, "isolated CPUs", isolated ? text : "none", "");
    const int quiet = first_line("/sys/devices/system/cpu/nohz_full", text, sizeof text) &&
                      strcmp(text, "(null)") != 0;
    add(list, "tickless CPUs", quiet ? text : "none", "");
    add(list, "cgroups",
        access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0 ? "v2" : "v1 or none", "");
}

json_t *ffmk_machine_describe(void)
{
    json_t *list = json_array();
    struct utsname system;
    if (uname(&system) == 0) {
        char text[256];
        snprintf(text, sizeof text, "%.60s %.100s %.60s", system.sysname, system.release,
                 system.machine);
        add(list, "kernel", text, "");
        add(list, "host", system.nodename, "");
    }
    cores(list);
    clock_source(list);
    perf(list);
    isolation(list);
    limit(list, "locked memory", RLIMIT_MEMLOCK, " bytes", "");
    limit(list, "real-time prio", RLIMIT_RTPRIO, "",
          geteuid() == 0 ? "root may use any, all the same" : "");
    return list;
}

/* SPDX-License-Identifier: BSD-3-Clause
 * What is counted beside time. */
#include "job/counters.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef FFMK_HAVE_PAPI
#include <papi.h>
#endif

enum { PERF_EVENTS = 4 };

struct ffmk_counters {
    struct ffmk_counted head; /* source, why, names; values at the start */
    int perf[PERF_EVENTS];
    uint64_t perf_ids[PERF_EVENTS];
#ifdef FFMK_HAVE_PAPI
    int papi_set;
    int (*papi_read)(int, long long *);
#endif
};

static void add(struct ffmk_counted *counted, const char *name, uint64_t value)
{
    if (counted->n == FFMK_COUNTERS_MAX)
        return;
    snprintf(counted->names[counted->n], FFMK_COUNTER_NAME, "%s", name);
    counted->values[counted->n++] = value;
}

static uint64_t microseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static void read_rusage(struct ffmk_counted *counted)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    add(counted, "user_us", microseconds(use.ru_utime));
    add(counted, "system_us", microseconds(use.ru_stime));
    add(counted, "minor_faults", (uint64_t)use.ru_minflt);
    add(counted, "major_faults", (uint64_t)use.ru_majflt);
    add(counted, "voluntary_switches", (uint64_t)use.ru_nvcsw);
    add(counted, "involuntary_switches", (uint64_t)use.ru_nivcsw);
}

static const struct {
    const char *name;
    uint64_t event;
} perf_events[PERF_EVENTS] = {
    {"task_clock_ns", PERF_COUNT_SW_TASK_CLOCK},
    {"page_faults", PERF_COUNT_SW_PAGE_FAULTS},
    {"context_switches", PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"cpu_migrations", PERF_COUNT_SW_CPU_MIGRATIONS},
};

/* What a descriptor of a counter leads to; 0: it is none. */
static uint64_t perf_id(int file)
{
    uint64_t id = 0;
    return ioctl(file, PERF_EVENT_IOC_ID, &id) == 0 ? id : 0;
}

static int start_perf(struct ffmk_counters *counters)
{
    for (int i = 0; i < PERF_EVENTS; i++) {
        struct perf_event_attr event = {
            .type = PERF_TYPE_SOFTWARE,
            .size = sizeof event,
            .config = perf_events[i].event,
            .inherit = 1, /* threads made later count too */
        };
        counters->perf[i] =
            (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (counters->perf[i] < 0) {
            const int reason = errno;
            while (i-- > 0)
                close(counters->perf[i]);
            return reason;
        }
        counters->perf_ids[i] = perf_id(counters->perf[i]);
    }
    return 0;
}

static void read_perf(const struct ffmk_counters *counters, struct ffmk_counted *counted)
{
    for (int i = 0; i < PERF_EVENTS; i++) {
        uint64_t value = 0;
        /* A program may have closed it, and opened something else in its place. */
        if (perf_id(counters->perf[i]) != counters->perf_ids[i] ||
            read(counters->perf[i], &value, sizeof value) != sizeof value)
            value = 0;
        add(counted, perf_events[i].name, value);
    }
}

#ifdef FFMK_HAVE_PAPI
/* The few calls of PAPI we need, found by name in a library that is loaded only now. */
static int start_papi(struct ffmk_counters *counters, const char *events)
{
    struct ffmk_counted *head = &counters->head;
    void *papi = dlopen("libpapi.so.6.0", RTLD_NOW | RTLD_LOCAL);
    if (!papi)
        papi = dlopen("libpapi.so.7.0", RTLD_NOW | RTLD_LOCAL);
    if (!papi)
        papi = dlopen("libpapi.so", RTLD_NOW | RTLD_LOCAL);
    if (!papi) {
        snprintf(head->why, sizeof head->why, "PAPI is not installed");
        return -1;
    }
    int (*library_init)(int);
    int (*create)(int *);
    int (*add_named)(int, const char *);
    int (*start)(int);
    char *(*explain)(int);
    void *found[] = {dlsym(papi, "PAPI_library_init"),
                     dlsym(papi, "PAPI_create_eventset"),
                     dlsym(papi, "PAPI_add_named_event"),
                     dlsym(papi, "PAPI_start"),
                     dlsym(papi, "PAPI_read"),
                     dlsym(papi, "PAPI_strerror")};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        if (!found[i]) {
            snprintf(head->why, sizeof head->why, "this PAPI lacks a call ffmk needs");
            return -1;
        }
    memcpy(&library_init, &found[0], sizeof found[0]);
    memcpy(&create, &found[1], sizeof found[1]);
    memcpy(&add_named, &found[2], sizeof found[2]);
    memcpy(&start, &found[3], sizeof found[3]);
    memcpy(&counters->papi_read, &found[4], sizeof found[4]);
    memcpy(&explain, &found[5], sizeof found[5]);

    const int version = library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT) {
        snprintf(head->why, sizeof head->why, "PAPI would not start (version %d)", version);
        return -1;
    }
    counters->papi_set = PAPI_NULL;
    if (create(&counters->papi_set) != PAPI_OK) {
        snprintf(head->why, sizeof head->why, "PAPI made no event set");
        return -1;
    }
    char list[1024];
    snprintf(list, sizeof list, "%s", events);
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        const int code =
            head->n == FFMK_COUNTERS_MAX ? PAPI_ECNFLCT : add_named(counters->papi_set, name);
        if (code != PAPI_OK) {
            snprintf(head->why, sizeof head->why, "PAPI has no %.60s here (%.60s)", name,
                     explain(code));
            head->n = 0;
            return -1;
        }
        add(head, name, 0);
    }
    const int code = start(counters->papi_set);
    if (code != PAPI_OK) {
        snprintf(head->why, sizeof head->why, "PAPI could not count: %.80s", explain(code));
        head->n = 0;
        return -1;
    }
    return 0;
}
#else
static int start_papi(struct ffmk_counters *counters, const char *events)
{
    (void)events;
    snprintf(counters->head.why, sizeof counters->head.why, "this ffmk was built without PAPI");
    return -1;
}
#endif

static void read_values(struct ffmk_counters *counters, struct ffmk_counted *counted)
{
    const char *source = counters->head.source;
    if (strcmp(source, "rusage") == 0)
        read_rusage(counted);
    else if (strcmp(source, "perf") == 0)
        read_perf(counters, counted);
#ifdef FFMK_HAVE_PAPI
    else if (strcmp(source, "papi") == 0) {
        long long values[FFMK_COUNTERS_MAX] = {0};
        counters->papi_read(counters->papi_set, values);
        for (size_t i = 0; i < counters->head.n; i++)
            add(counted, counters->head.names[i], (uint64_t)values[i]);
    }
#endif
}

static void settle(struct ffmk_counters *counters, const char *source)
{
    snprintf(counters->head.source, sizeof counters->head.source, "%s", source);
    if (strcmp(source, "papi") == 0)
        return; /* starts at zero, names are set */
    struct ffmk_counted begun = {.n = 0};
    read_values(counters, &begun);
    counters->head.n = begun.n;
    memcpy(counters->head.names, begun.names, sizeof begun.names);
    memcpy(counters->head.values, begun.values, sizeof begun.values);
}

struct ffmk_counters *ffmk_counters_start(const char *asked)
{
    struct ffmk_counters *counters = calloc(1, sizeof *counters);
    if (!counters)
        return NULL;
    if (strncmp(asked, "papi", 4) == 0) {
        if (start_papi(counters, asked[4] == ':' ? asked + 5 : "PAPI_TOT_INS,PAPI_TOT_CYC") == 0) {
            settle(counters, "papi");
            return counters;
        }
        asked = "perf";
    }
    if (strcmp(asked, "perf") == 0) {
        const int reason = start_perf(counters);
        if (reason == 0) {
            settle(counters, "perf");
            return counters;
        }
        const size_t length = strlen(counters->head.why);
        snprintf(counters->head.why + length, sizeof counters->head.why - length,
                 "%sno perf events: %s", length ? "; " : "", strerror(reason));
        asked = "rusage";
    }
    settle(counters, asked);
    return counters;
}

void ffmk_counters_read(struct ffmk_counters *counters, struct ffmk_counted *counted)
{
    memset(counted, 0, sizeof *counted);
    if (!counters) {
        snprintf(counted->source, sizeof counted->source, "off");
        snprintf(counted->why, sizeof counted->why, "out of memory");
        return;
    }
    memcpy(counted->source, counters->head.source, sizeof counted->source);
    memcpy(counted->why, counters->head.why, sizeof counted->why);
    read_values(counters, counted);
    for (size_t i = 0; i < counted->n; i++)
        counted->values[i] -= counters->head.values[i] < counted->values[i]
                                  ? counters->head.values[i]
                                  : counted->values[i];
}

/* SPDX-License-Identifier: BSD-3-Clause
 * `ffmk info`: what is installed, what is configured and by whom, and what this machine allows. */
#include "cli/builds.h"
#include "cli/cli.h"
#include "cli/elf.h"
#include "cli/machine.h"
#include "core/config.h"
#include "core/launcher.h"
#include "core/log.h"

#include <dlfcn.h>
#include <ffmk.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] = "usage: ffmk info [--json] [PROGRAM]\n\n"
                           "Says which builds of ffmk are installed and the MPI each finds, the "
                           "settings in force and where each\n"
                           "comes from, and what this machine allows and does not. With PROGRAM: "
                           "which build would be used for\n"
                           "it, and whether ffmk would see its calls.\n";

/* Run `ask` in a child, so that two MPIs never meet in one process. \return its one line of text.
 */
static void in_child(void (*ask)(const char *, char *, size_t), const char *argument, char *text,
                     size_t bytes)
{
    int ends[2];
    text[0] = '\0';
    if (pipe(ends) != 0)
        return;
    const pid_t child = fork();
    if (child == 0) {
        char answer[256] = "";
        ask(argument, answer, sizeof answer);
        const ssize_t written = write(ends[1], answer, strlen(answer));
        _exit(written < 0);
    }
    close(ends[1]);
    ssize_t length = 0;
    if (child > 0) {
        length = read(ends[0], text, bytes - 1);
        waitpid(child, NULL, 0);
    }
    text[length > 0 ? length : 0] = '\0';
    close(ends[0]);
}

static void ask_built_for(const char *library, char *text, size_t bytes)
{
    void *handle = dlopen(library, RTLD_LAZY);
    const char *(*built_for)(void) = NULL;
    void *found = handle ? dlsym(handle, "ffmk_built_for") : NULL;
    memcpy(&built_for, &found, sizeof found);
    snprintf(text, bytes, "%s", built_for ? built_for() : "cannot be loaded");
}

/* The engine needs MPI: loading it shows which one the dynamic loader finds. */
static void ask_found(const char *library, char *text, size_t bytes)
{
    char engine[4096];
    const char *slash = strrchr(library, '/');
    snprintf(engine, sizeof engine, "%.*s/libffmk-engine.so", (int)(slash - library), library);
    void *handle = dlopen(engine, RTLD_LAZY | RTLD_GLOBAL);
    if (!handle) {
        snprintf(text, bytes, "none: %.200s", dlerror());
        return;
    }
    int (*version)(char *, int *) = NULL;
    void *found = dlsym(handle, "PMPI_Get_library_version");
    memcpy(&version, &found, sizeof found);
    static char long_text[8192];
    int length = 0;
    if (version && version(long_text, &length) == 0)
        snprintf(text, bytes, "%.*s", (int)strcspn(long_text, ",\n"), long_text);
    char *tab = strchr(text, '\t'); /* MPICH writes "MPICH Version:\t4.0.2" */
    if (tab)
        *tab = ' ';
}

static json_t *describe_builds(void)
{
    json_t *list = json_array();
    for (const char *const *name = ffmk_builds_names; *name; name++) {
        char path[4096];
        char built[256];
        char found[256];
        if (!ffmk_builds_library(*name, path, sizeof path))
            continue;
        in_child(ask_built_for, path, built, sizeof built);
        in_child(ask_found, path, found, sizeof found);
        json_array_append_new(list, json_pack("{ss ss ss ss}", "mpi", *name, "library", path,
                                              "built_for", built, "found", found));
    }
    return list;
}

static void keep_complaint(void *context, const char *line)
{
    if (context)
        json_array_append_new(context, json_string(line));
}

static json_t *describe_settings(json_t *complaints)
{
    struct ffmk_config config;
    ffmk_config_read(&config, environ, keep_complaint, complaints);
    json_t *list = json_array();
    for (int i = 0; i < FFMK_CONFIG_COUNT; i++) {
        const struct ffmk_config_var *var = ffmk_config_var((enum ffmk_config_id)i);
        json_array_append_new(
            list, json_pack("{ss ss ss ss ss}", "name", var->name, "value", config.value[i].text,
                            "source", config.value[i].from_environment ? "environment" : "default",
                            "allowed", var->allowed, "description", var->description));
    }
    return list;
}

/* Whether the program's own libraries let ffmk see its calls, without `ffmk run`. */
static const char *seen_alone(const struct ffmk_elf *elf)
{
    switch (ffmk_elf_order(elf)) {
    case FFMK_ELF_BEFORE_MPI:
        return "yes";
    case FFMK_ELF_BEHIND_MPI:
        return "no: libffmk is linked behind the MPI, which takes the calls; put -lffmk before it";
    case FFMK_ELF_NOT_LINKED:
        break;
    }
    return "no: libffmk is not among its libraries; link it with -lffmk before the MPI";
}

/* What `ffmk run PROGRAM` would do. */
static json_t *describe_program(const char *program)
{
    struct ffmk_elf elf;
    if (!ffmk_elf_look(program, &elf))
        return NULL;
    const char *seen = "yes";
    char lost[600];
    snprintf(lost, sizeof lost, "no: its interpreter '%.*s' is not there",
             (int)strcspn(elf.missing, "\r"), elf.missing);
    if (elf.missing[0])
        seen = lost;
    else if (elf.kind == FFMK_ELF_STATIC)
        seen =
            "no: it is linked statically, so nothing can be preloaded; link it with -lffmk before "
            "the MPI";
    else if (elf.privileged)
        seen = "no: it is set-user-ID, so the loader ignores LD_PRELOAD";
    else if (!elf.mpi)
        seen = "if it loads MPI while it runs (as Python does): the build is then chosen by the "
               "launcher";
    const char *alone = elf.mpi ? seen_alone(&elf) : NULL;
    return json_pack("{ss ss ss* ss ss*}", "path", elf.path, "binary", elf.binary, "mpi", elf.mpi,
                     "seen", seen, "alone", alone);
}

/* How long a death can hold up a call of a survivor. */
static json_t *describe_bounds(void)
{
    struct ffmk_config config;
    ffmk_config_read(&config, environ, keep_complaint, NULL);
    const double after = FFMK_SURVIVAL_AFTER_MS * 1e-3;
    const double found = (double)config.value[FFMK_CONFIG_DETECT].number * 1e-3;
    return json_pack("{sf sf}", "same_host_s", after, "other_host_s", found + after);
}

static const char *get(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "-";
}

static void print_text(json_t *info)
{
    size_t i;
    json_t *row;
    printf("ffmk %s\n\nBuilds\n", get(info, "version"));
    json_array_foreach(json_object_get(info, "builds"), i, row)
    {
        printf("  %-8s built for %s; finds %s\n           %s\n", get(row, "mpi"),
               get(row, "built_for"), get(row, "found"), get(row, "library"));
    }
    if (json_array_size(json_object_get(info, "builds")) == 0)
        printf("  none beside this command: run `./dev install PREFIX`\n");
    printf("  here and now: %s\n", get(info, "active"));

    json_t *program = json_object_get(info, "program");
    if (program)
        printf("\nProgram\n  %s\n  needs %s; seen by ffmk run: %s\n", get(program, "path"),
               get(program, "mpi"), get(program, "seen"));
    if (program && json_object_get(program, "alone"))
        printf("  seen without it: %s\n", get(program, "alone"));

    printf("\nSettings\n");
    json_array_foreach(json_object_get(info, "settings"), i, row)
    {
        printf("  %-14s %-18s %-11s %s\n", get(row, "name"),
               *get(row, "value") ? get(row, "value") : "(none)", get(row, "source"),
               get(row, "allowed"));
    }
    json_array_foreach(json_object_get(info, "complaints"), i, row)
    {
        printf("  ! %s\n", json_string_value(row));
    }

    json_t *bounds = json_object_get(info, "death_bounds");
    printf("\nA death holds up the survivors' collective operations for at most\n"
           "  on this host   %.1f s: the kernel tells of it\n"
           "  on another     %.1f s: FFMK_DETECT without an answer, and the agreement\n",
           json_number_value(json_object_get(bounds, "same_host_s")),
           json_number_value(json_object_get(bounds, "other_host_s")));

    printf("\nThis machine\n");
    json_array_foreach(json_object_get(info, "machine"), i, row)
    {
        printf("  %-14s %s%s%s\n", get(row, "what"), get(row, "value"),
               *get(row, "consequence") ? ": " : "", get(row, "consequence"));
    }
}

int ffmk_cli_info(int argc, char **argv)
{
    bool as_json = false;
    const char *program = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            as_json = true;
        } else if (argv[i][0] == '-') {
            const char *const names[] = {"--json", "--help"};
            return ffmk_cli_unknown("option of ffmk info", argv[i], names, 2);
        } else if (program) {
            ffmk_log("ffmk info takes one program, not also '%.100s'", argv[i]);
            return FFMK_EXIT_USAGE;
        } else {
            program = argv[i];
        }
    }
    json_t *complaints = json_array();
    json_t *settings = describe_settings(complaints);
    const char *preloaded = getenv("LD_PRELOAD");
    const char *launcher = ffmk_launcher_mpi();
    char active[512];
    snprintf(active, sizeof active, "%s; launcher: %s",
             preloaded && strstr(preloaded, "libffmk.so") ? "libffmk is in LD_PRELOAD"
                                                          : "libffmk is not in LD_PRELOAD",
             launcher ? launcher : "none");
    json_t *info =
        json_pack("{ss so so so ss so so}", "version", FFMK_VERSION_STRING, "builds",
                  describe_builds(), "settings", settings, "complaints", complaints, "active",
                  active, "death_bounds", describe_bounds(), "machine", ffmk_machine_describe());
    if (program) {
        json_t *described = describe_program(program);
        if (!described) {
            ffmk_log("'%.200s': not found, or not executable", program);
            json_decref(info);
            return FFMK_EXIT_FAILED;
        }
        json_object_set_new(info, "program", described);
    }
    if (as_json)
        json_dumpf(info, stdout, JSON_INDENT(2));
    else
        print_text(info);
    if (as_json)
        putchar('\n');
    json_decref(info);
    return 0;
}

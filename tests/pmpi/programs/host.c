/* SPDX-License-Identifier: BSD-3-Clause
 * host PLUGIN: loads it privately, as an interpreter loads its modules, and runs it. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *found = plugin ? dlsym(plugin, "plugin_main") : NULL;
    if (!found) {
        fprintf(stderr, "host: %s\n", argc > 1 ? dlerror() : "which plugin?");
        return 1;
    }
    int (*run)(void);
    memcpy(&run, &found, sizeof run);
    return run();
}

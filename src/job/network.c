/* SPDX-License-Identifier: BSD-3-Clause
 * This process's endpoint on the network. */
#include "job/network.h"

#include "job/job.h"

#include <errno.h>
#include <ffmk.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Acknowledgements of the last messages. */
static const uint64_t LINGER_NS = 1000000000;

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static struct ffmk_endpoint *endpoint;

const char *ffmk_network_setting(enum ffmk_config_id id)
{
    if (ffmk_job())
        return ffmk_job()->config->value[id].text;
    char line[512];
    const struct ffmk_config_var *var = ffmk_config_var(id);
    const char *text = getenv(var->name);
    return text && ffmk_config_check(id, text, line, sizeof line) ? text : var->fallback;
}

enum ffmk_transport ffmk_network_transport(void)
{
    const char *text = ffmk_network_setting(FFMK_CONFIG_TRANSPORT);
    return strcmp(text, "udp") == 0   ? FFMK_TRANSPORT_UDP
           : strcmp(text, "mpi") == 0 ? FFMK_TRANSPORT_MPI
                                      : FFMK_TRANSPORT_AUTO;
}

struct ffmk_cast_manner ffmk_network_manner(enum ffmk_config_id id)
{
    struct ffmk_cast_manner manner = {.mode = FFMK_RUMOR_CHECKED, .miss = 1};
    for (long n = strtol(ffmk_network_setting(FFMK_CONFIG_MISS), NULL, 10); n > 0; n--)
        manner.miss /= 10;
    enum ffmk_config_survival survival = FFMK_SURVIVAL_OFF;
    int number = 0;
    ffmk_config_survival(ffmk_network_setting(id), &survival, &number);
    manner.deaths_or_reach = (uint32_t)number;
    if (survival == FFMK_SURVIVAL_OPPORTUNISTIC)
        manner.mode = FFMK_RUMOR_OPPORTUNISTIC;
    if (survival == FFMK_SURVIVAL_FAILURE_PROOF)
        manner.mode = FFMK_RUMOR_FAILURE_PROOF;
    if (survival == FFMK_SURVIVAL_FAILURE_PROOF && number == 0)
        manner.deaths_or_reach = 1;
    return manner;
}

struct ffmk_endpoint *ffmk_network_endpoint(void)
{
    pthread_mutex_lock(&opening);
    int why = 0;
    if (!endpoint) {
        const struct ffmk_endpoint_options options = {
            .interface = ffmk_network_setting(FFMK_CONFIG_NET),
            .detect_after_ns =
                strtoull(ffmk_network_setting(FFMK_CONFIG_DETECT), NULL, 10) * 1000000};
        errno = 0;
        const int code = ffmk_endpoint_open(&options, &endpoint);
        why = errno;
        if (code == FFMK_ERR_ARGUMENT)
            why = ENODEV;
        if (code == FFMK_ERR_NO_MEMORY)
            why = ENOMEM;
    }
    pthread_mutex_unlock(&opening);
    errno = why;
    return endpoint;
}

void ffmk_network_stop(void)
{
    pthread_mutex_lock(&opening);
    if (endpoint) {
        ffmk_across_settle(endpoint);
        ffmk_endpoint_close(endpoint, LINGER_NS);
    }
    endpoint = NULL;
    pthread_mutex_unlock(&opening);
}

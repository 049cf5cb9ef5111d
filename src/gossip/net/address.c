/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses. */
#include "gossip/net/address.h"

#include <arpa/inet.h>
#include <ffmk.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of them, and how long the network's part is. */
struct found {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t prefix;
    uint8_t bytes[16];
};

static unsigned bits(const struct found *found)
{
    return found->family == 4 ? 32 : 128;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    unsigned whole = prefix / 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return prefix % 8 == 0 || ((a[whole] ^ b[whole]) >> (8 - prefix % 8)) == 0;
}

/* Where its bytes are; NULL: of no family that is used here. */
static const uint8_t *bytes_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

static void take(struct found *found, const struct sockaddr *address, const struct sockaddr *mask)
{
    *found = (struct found){0};
    const uint8_t *bytes = bytes_of(address);
    if (!bytes)
        return;
    found->family = address->sa_family == AF_INET ? 4 : 6;
    memcpy(found->bytes, bytes, bits(found) / 8);
    const uint8_t *net = mask && mask->sa_family == address->sa_family ? bytes_of(mask) : NULL;
    if (!net)
        found->prefix = (uint8_t)bits(found);
    for (unsigned i = 0; net && i < bits(found) && (net[i / 8] << (i % 8) & 0x80); i++)
        found->prefix++;
}

/* "10.1.0.0/16". */
static bool read_network(const char *text, struct found *network)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof address)
        return false;
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    *network = (struct found){0};
    if (inet_pton(AF_INET, address, network->bytes) == 1)
        network->family = 4;
    else if (inet_pton(AF_INET6, address, network->bytes) == 1)
        network->family = 6;
    else
        return false;
    char *end;
    long prefix = strtol(slash + 1, &end, 10);
    if (end == slash + 1 || *end || prefix < 0 || prefix > (long)bits(network))
        return false;
    network->prefix = (uint8_t)prefix;
    return true;
}

/* Of what use it is: 0 none, 1 where there is no other, 2 good. */
static int use_of(const struct ifaddrs *at, const struct found *found, const char *interface,
                  const struct found *network)
{
    if (found->family == 6 && found->bytes[0] == 0xfe && (found->bytes[1] & 0xc0) == 0x80)
        return 0; /* link-local: means nothing without an interface, which has another name
                     elsewhere */
    if (network)
        return found->family == network->family &&
                       same_prefix(found->bytes, network->bytes, network->prefix)
                   ? 2
                   : 0;
    if (interface)
        return strcmp(at->ifa_name, interface) == 0 ? 2 : 0;
    return at->ifa_flags & IFF_LOOPBACK ? 1 : 2;
}

int ffmk_address_fill(struct ffmk_card *card, const char *interface, bool ipv6)
{
    if (interface && !*interface)
        interface = NULL;
    struct found network;
    bool is_network = interface && strchr(interface, '/');
    if (is_network && !read_network(interface, &network))
        return FFMK_ERR_ARGUMENT;
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return FFMK_ERR_IO;
    card->addresses = 0;
    for (int use = 2; use >= 1 && card->addresses == 0; use--) {
        for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
            if (!at->ifa_addr || !(at->ifa_flags & IFF_UP) ||
                card->addresses == FFMK_CARD_ADDRESSES)
                continue;
            struct found found;
            take(&found, at->ifa_addr, at->ifa_netmask);
            if (found.family == 0 || (found.family == 6 && !ipv6) ||
                use_of(at, &found, interface, is_network ? &network : NULL) != use)
                continue;
            card->address[card->addresses].family = found.family;
            card->address[card->addresses].prefix = found.prefix;
            memcpy(card->address[card->addresses++].bytes, found.bytes, sizeof found.bytes);
        }
    }
    freeifaddrs(all);
    return card->addresses > 0 ? FFMK_SUCCESS : FFMK_ERR_ARGUMENT;
}

static bool is_ours(const struct ffmk_card *own, const struct ffmk_card *peer, uint32_t i)
{
    for (uint32_t j = 0; j < own->addresses; j++)
        if (own->address[j].family == peer->address[i].family &&
            memcmp(own->address[j].bytes, peer->address[i].bytes, 16) == 0)
            return true;
    return false;
}

static bool in_our_network(const struct ffmk_card *own, const struct ffmk_card *peer, uint32_t i)
{
    for (uint32_t j = 0; j < own->addresses; j++)
        if (own->address[j].family == peer->address[i].family &&
            same_prefix(own->address[j].bytes, peer->address[i].bytes, own->address[j].prefix))
            return true;
    return false;
}

static bool have_family(const struct ffmk_card *own, uint8_t family)
{
    for (uint32_t j = 0; j < own->addresses; j++)
        if (own->address[j].family == family)
            return true;
    return false;
}

static void write_address(const struct ffmk_card *card, uint32_t i, bool ipv6,
                          struct ffmk_address *address)
{
    ffmk_address_any(ipv6, address);
    const uint8_t *bytes = card->address[i].bytes;
    if (!ipv6) {
        memcpy(&address->socket.v4.sin_addr, bytes, 4);
    } else if (card->address[i].family == 6) {
        memcpy(&address->socket.v6.sin6_addr, bytes, 16);
    } else {
        uint8_t *mapped = address->socket.v6.sin6_addr.s6_addr;
        memset(mapped + 10, 0xff, 2);
        memcpy(mapped + 12, bytes, 4);
    }
}

bool ffmk_address_choose(const struct ffmk_card *own, const struct ffmk_card *peer, bool ipv6,
                         struct ffmk_address *address)
{
    uint32_t n = peer->addresses < FFMK_CARD_ADDRESSES ? peer->addresses : FFMK_CARD_ADDRESSES;
    /* Bridges of virtual machines have the same address on many hosts. */
    bool same_host = true;
    for (uint32_t i = 0; i < n; i++)
        same_host = same_host && is_ours(own, peer, i);
    uint32_t best = n;
    int best_rank = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!have_family(own, peer->address[i].family) || (peer->address[i].family == 6 && !ipv6) ||
            (!same_host && is_ours(own, peer, i)))
            continue;
        int rank = in_our_network(own, peer, i) ? 2 : 1;
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    if (best == n)
        return false;
    write_address(peer, best, ipv6, address);
    return true;
}

void ffmk_address_any(bool ipv6, struct ffmk_address *address)
{
    memset(address, 0, sizeof *address);
    if (ipv6) {
        address->socket.v6.sin6_family = AF_INET6;
        address->bytes = sizeof address->socket.v6;
    } else {
        address->socket.v4.sin_family = AF_INET;
        address->bytes = sizeof address->socket.v4;
    }
}

void ffmk_address_set_port(struct ffmk_address *address, uint16_t port)
{
    if (address->socket.any.sa_family == AF_INET6)
        address->socket.v6.sin6_port = htons(port);
    else
        address->socket.v4.sin_port = htons(port);
}

uint16_t ffmk_address_bound_port(int socket)
{
    struct ffmk_address address = {.bytes = sizeof address.socket};
    if (getsockname(socket, &address.socket.any, &address.bytes) != 0)
        return 0;
    return ntohs(address.socket.any.sa_family == AF_INET6 ? address.socket.v6.sin6_port
                                                          : address.socket.v4.sin_port);
}

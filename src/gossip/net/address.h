/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses: which of this process's go on its card, and to which of a peer's to send. Every
 * address is an IPv6 one where the host has IPv6, IPv4's written as such (RFC 4291, 2.5.5.2), so
 * that one socket serves both. */
#ifndef FFMK_GOSSIP_NET_ADDRESS_H
#define FFMK_GOSSIP_NET_ADDRESS_H

#include "gossip/net/endpoint.h"

#include <netinet/in.h>

struct ffmk_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t bytes;
};

/** Fill in the addresses of the card as an interface's name or a network says, see
 * ffmk_endpoint_options; without `ipv6` only those of IPv4. \return FFMK_SUCCESS;
 * FFMK_ERR_ARGUMENT: there are none; FFMK_ERR_IO with errno. */
int ffmk_address_fill(struct ffmk_card *card, const char *interface, bool ipv6);

/** Where to send to a peer: its first address in a network that we are in, else the first of a
 * family that we have; none that is ours, but for a peer on our host. Its ports are not set.
 * \return false: none. */
bool ffmk_address_choose(const struct ffmk_card *own, const struct ffmk_card *peer, bool ipv6,
                         struct ffmk_address *address);

/** Any address of this host, for binding. */
void ffmk_address_any(bool ipv6, struct ffmk_address *address);

void ffmk_address_set_port(struct ffmk_address *address, uint16_t port);

/** The port that a socket is bound to, 0: none. */
uint16_t ffmk_address_bound_port(int socket);

#endif

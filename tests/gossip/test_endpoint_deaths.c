/* SPDX-License-Identifier: BSD-3-Clause
 * What it proves, with processes on loopback: the dead are found, and only they; who was declared
 * dead hears of it; a process that was stopped blames nobody. With and without memory that they
 * share. */
#include "endpoint_node.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* To all others, small and large ones, every few milliseconds, while they live. */
static void talk_until(bool (*done)(void), uint64_t most_ns)
{
    static uint8_t message[100000];
    uint64_t end = ffmk_clock_ns() + most_ns;
    uint32_t turn = 0;
    while (!done() && ffmk_clock_ns() < end) {
        for (int i = 0; i < node.n; i++)
            if (i != node.me)
                send_to(i, message, turn % 10 == 0 ? sizeof message : 100);
        turn++;
        for (int i = 0; i < 5; i++)
            ffmk_endpoint_wait(node.endpoint, 0, ms);
    }
}

static bool never(void)
{
    return false;
}

static bool last_is_dead(void)
{
    return load(&shared->died[node.me][node.n - 1]) > 0;
}

static void be_killed(void)
{
    open_node(300 * ms, 0);
    talk_until(never, 200 * ms);
    if (node.me == node.n - 1)
        kill(getpid(), SIGKILL);
    uint64_t begin = ffmk_clock_ns();
    talk_until(last_is_dead, 20000 * ms);
    NEED(last_is_dead());
    NEED(ffmk_clock_ns() - begin < 6000 * ms);
    ffmk_endpoint_lock(node.endpoint);
    NEED(ffmk_peer_is_dead(node.peer[node.n - 1]));
    ffmk_endpoint_unlock(node.endpoint);
    meet_at(2, node.n - 1);
    talk_until(never, 700 * ms); /* to the dead, too */
    meet_at(3, node.n - 1);
    for (int i = 0; i < node.n; i++)
        NEED(load(&shared->died[node.me][i]) == (i == node.n - 1));
    NEED(load(&shared->excluded[node.me]) == 0);
    meet_at(4, node.n - 1);
    close_node();
}

static void was_killed_is_found_dead_and_nobody_else(void)
{
    share();
    for (int i = 0; i < 4; i++)
        start(4, i, be_killed);
    end_all(4, 3);
}

START_TEST(who_was_killed_is_found_dead_and_nobody_else)
{
    was_killed_is_found_dead_and_nobody_else();
}
END_TEST

START_TEST(who_was_killed_is_found_dead_and_nobody_else_by_memory)
{
    by_memory = true;
    was_killed_is_found_dead_and_nobody_else();
}
END_TEST

static bool is_excluded(void)
{
    return load(&shared->excluded[node.me]) > 0;
}

/* The parent stops the last one. */
static void be_stopped(void)
{
    open_node(400 * ms, 0);
    add(&shared->stage[2]);
    if (node.me == node.n - 1) {
        talk_until(is_excluded, 20000 * ms);
        NEED(load(&shared->excluded[node.me]) == 1);
        NEED(ffmk_endpoint_is_excluded(node.endpoint));
        uint64_t datagrams = ffmk_endpoint_counts(node.endpoint).datagrams;
        talk_until(never, 100 * ms);
        NEED(ffmk_endpoint_counts(node.endpoint).datagrams == datagrams); /* it is silent */
        for (int i = 0; i < node.n; i++)
            NEED(load(&shared->died[node.me][i]) == 0);
        add(&shared->flag[0]);
        close_node();
        return;
    }
    talk_until(last_is_dead, 20000 * ms);
    NEED(last_is_dead());
    while (!load(&shared->flag[0]))
        talk_until(never, 10 * ms);
    meet_at(3, node.n - 1);
    for (int i = 0; i < node.n; i++)
        NEED(load(&shared->died[node.me][i]) == (i == node.n - 1));
    NEED(load(&shared->excluded[node.me]) == 0);
    meet_at(4, node.n - 1);
    close_node();
}

static void was_stopped_for_long_is_excluded(void)
{
    share();
    for (int i = 0; i < 3; i++)
        start(3, i, be_stopped);
    while (load(&shared->stage[2]) < 3)
        usleep(1000);
    usleep(50000);
    kill(children[2], SIGSTOP);
    for (int wait = 0; wait < 10000; wait++) {
        if (load(&shared->died[0][2]) && load(&shared->died[1][2]))
            break;
        usleep(1000);
    }
    kill(children[2], SIGCONT);
    end_all(3, -1);
}

START_TEST(who_was_stopped_for_long_is_excluded)
{
    was_stopped_for_long_is_excluded();
}
END_TEST

START_TEST(who_was_stopped_for_long_is_excluded_by_memory)
{
    by_memory = true;
    was_stopped_for_long_is_excluded();
}
END_TEST

/* Both are stopped while the first has sent something to the second. */
static void blame_nobody(void)
{
    open_node(node.me == 0 ? 800 * ms : 60000 * ms, 0);
    add(&shared->stage[2]);
    if (node.me == 0)
        while (!load(&shared->flag[0]))
            talk_until(never, 10 * ms);
    else
        while (!load(&shared->flag[0]))
            ffmk_endpoint_wait(node.endpoint, 0, 10 * ms);
    meet_at(3, 2);
    NEED(load(&shared->died[node.me][!node.me]) == 0);
    meet_at(4, 2);
    close_node();
}

static void was_stopped_blames_nobody(void)
{
    share();
    for (int i = 0; i < 2; i++)
        start(2, i, blame_nobody);
    while (load(&shared->stage[2]) < 2)
        usleep(1000);
    usleep(50000);
    kill(children[1], SIGSTOP);
    usleep(50000); /* now something is not acknowledged */
    kill(children[0], SIGSTOP);
    usleep(2000000);
    kill(children[0], SIGCONT);
    usleep(50000);
    kill(children[1], SIGCONT);
    usleep(300000);
    add(&shared->flag[0]);
    end_all(2, -1);
}

START_TEST(who_was_stopped_blames_nobody)
{
    was_stopped_blames_nobody();
}
END_TEST

START_TEST(who_was_stopped_blames_nobody_by_memory)
{
    by_memory = true;
    was_stopped_blames_nobody();
}
END_TEST

/* A service declares a process dead that is not. */
static void bury_alive(void)
{
    open_node(10000 * ms, 0);
    if (node.me == 0) {
        ffmk_endpoint_lock(node.endpoint);
        ffmk_peer_bury(node.peer[1]);
        ffmk_peer_bury(node.peer[1]);
        ffmk_endpoint_unlock(node.endpoint);
        ffmk_endpoint_wait(node.endpoint, 0, ms);
        NEED(shared->died[0][1] == 1);
        meet_at(2, 2);
        while (!load(&shared->flag[0]))
            ffmk_endpoint_wait(node.endpoint, 0, ms);
        NEED(shared->died[0][1] == 1 && shared->excluded[0] == 0);
    } else {
        meet_at(2, 2);
        static uint8_t message[5000];
        send_to(0, message, sizeof message); /* by a stream alone */
        while (!is_excluded())
            ffmk_endpoint_wait(node.endpoint, 0, 10 * ms);
        add(&shared->flag[0]);
    }
    close_node();
}

static void was_declared_dead_hears_of_it(void)
{
    run(2, bury_alive);
}

START_TEST(who_was_declared_dead_hears_of_it)
{
    was_declared_dead_hears_of_it();
}
END_TEST

START_TEST(who_was_declared_dead_hears_of_it_by_memory)
{
    by_memory = true;
    was_declared_dead_hears_of_it();
}
END_TEST

/* To the last one no connection is made, though it answers datagrams. */
static void be_behind_a_wall(void)
{
    const bool behind = node.me == node.n - 1;
    const int listener = behind ? socket(AF_INET6, SOCK_STREAM, 0) : -1;
    struct sockaddr_in6 nowhere = {.sin6_family = AF_INET6};
    socklen_t bytes = sizeof nowhere;
    wall = behind && bind(listener, (struct sockaddr *)&nowhere, bytes) == 0 &&
                   getsockname(listener, (struct sockaddr *)&nowhere, &bytes) == 0
               ? ntohs(nowhere.sin6_port)
               : 0; /* bound, and does not listen */
    open_node(300 * ms, 0);
    if (behind) {
        while (load(&shared->stage[2]) < (uint32_t)node.n - 1)
            ffmk_endpoint_wait(node.endpoint, 0, ms);
        close_node();
        return;
    }
    const uint64_t begin = ffmk_clock_ns();
    talk_until(last_is_dead, 20000 * ms);
    NEED(last_is_dead());
    NEED(ffmk_clock_ns() - begin > 550 * ms); /* datagrams alone would have told of it sooner */
    for (int i = 0; i < node.n; i++)
        NEED(load(&shared->died[node.me][i]) == (i == node.n - 1));
    meet_at(2, node.n - 1);
    close_node();
}

START_TEST(whom_no_stream_reaches_is_declared_dead)
{
    run(3, be_behind_a_wall);
}
END_TEST

/* Nobody knows yet whether anything gets through to the last one, which is dead. */
static void try_the_dead(void)
{
    open_node(300 * ms, 0);
    if (node.me == 1)
        kill(getpid(), SIGKILL);
    ffmk_endpoint_lock(node.endpoint);
    ffmk_peer_try(node.peer[1]);
    ffmk_endpoint_unlock(node.endpoint);
    talk_until(last_is_dead, 1500 * ms);
    NEED(!last_is_dead());
    ffmk_endpoint_lock(node.endpoint);
    ffmk_peer_prove(node.peer[1]);
    ffmk_endpoint_unlock(node.endpoint);
    talk_until(last_is_dead, 20000 * ms);
    NEED(last_is_dead());
    close_node();
}

START_TEST(who_is_on_trial_is_not_found_dead)
{
    share();
    for (int i = 0; i < 2; i++)
        start(2, i, try_the_dead);
    end_all(2, 1);
}
END_TEST

CASES("endpoint_deaths", who_was_killed_is_found_dead_and_nobody_else,
      who_was_stopped_for_long_is_excluded, who_was_stopped_blames_nobody,
      who_was_declared_dead_hears_of_it, whom_no_stream_reaches_is_declared_dead,
      who_is_on_trial_is_not_found_dead, who_was_killed_is_found_dead_and_nobody_else_by_memory,
      who_was_stopped_for_long_is_excluded_by_memory, who_was_stopped_blames_nobody_by_memory,
      who_was_declared_dead_hears_of_it_by_memory)

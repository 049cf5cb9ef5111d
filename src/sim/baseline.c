/* SPDX-License-Identifier: BSD-3-Clause
 * The broadcasts that ours is compared with. */
#include "sim/baseline.h"

enum { ROOT_LEVEL = 31 };

/* Levels of a graph or tree of that many nodes: 2^levels >= nodes. */
static uint32_t levels_of(uint32_t nodes)
{
    uint32_t levels = 0;
    while ((UINT64_C(1) << levels) < nodes)
        levels++;
    return levels;
}

void ffmk_baseline_start(struct ffmk_baseline *root)
{
    root->coloured = true;
    root->level = ROOT_LEVEL;
}

bool ffmk_baseline_receive(struct ffmk_baseline *node, uint32_t from,
                           const struct ffmk_baseline_message *message)
{
    if (message->acknowledgement) {
        node->awaited--;
        return false;
    }
    if (node->coloured)
        return false;
    node->coloured = true;
    node->level = message->level;
    node->parent = from;
    return true;
}

/* The i-th level to send on: those below the one the message came on, the highest first, so that
 * the tree within the graph comes first; then the others. */
static uint32_t tree_order(const struct ffmk_baseline *node, uint32_t levels, uint32_t i)
{
    uint32_t below = node->level < levels ? node->level : levels;
    return i < below ? below - 1 - i : levels - 1 - (i - below);
}

static bool send_on(struct ffmk_baseline *node, uint32_t level, uint32_t target, uint32_t *to,
                    struct ffmk_baseline_message *message)
{
    *to = target;
    *message = (struct ffmk_baseline_message){.level = level};
    node->next++;
    return true;
}

static bool next_of_graph(struct ffmk_baseline *node, bool tree, uint32_t nodes, uint32_t me,
                          uint32_t *to, struct ffmk_baseline_message *message)
{
    uint32_t levels = levels_of(nodes);
    if (tree && node->next < levels) {
        uint32_t level = tree_order(node, levels, node->next);
        return send_on(node, level, (uint32_t)((me + (UINT64_C(1) << level)) % nodes), to, message);
    }
    while (!tree && node->next < 2 * levels) {
        uint32_t level = node->next / 2;
        uint32_t distance = UINT32_C(1) << level;
        bool down = node->next % 2 == 1;
        if (down && 2 * (uint64_t)distance == nodes) {
            node->next++; /* both ways lead to the same node */
            continue;
        }
        uint64_t target = down ? (uint64_t)me + nodes - distance : (uint64_t)me + distance;
        return send_on(node, level, (uint32_t)(target % nodes), to, message);
    }
    node->done = true;
    return false;
}

static bool next_of_tree(struct ffmk_baseline *node, uint32_t nodes, uint32_t me, uint32_t *to,
                         struct ffmk_baseline_message *message)
{
    uint32_t levels = levels_of(nodes);
    uint32_t below = node->level < levels ? node->level : levels;
    while (node->next < below) {
        uint32_t level = below - 1 - node->next;
        uint64_t target = me + (UINT64_C(1) << level);
        if (target >= nodes) {
            node->next++;
            continue;
        }
        node->awaited++;
        return send_on(node, level, (uint32_t)target, to, message);
    }
    if (node->awaited > 0 || node->done)
        return false;
    node->done = true;
    if (me == 0)
        return false;
    *to = node->parent;
    *message = (struct ffmk_baseline_message){.acknowledgement = true};
    return true;
}

bool ffmk_baseline_next(struct ffmk_baseline *node, enum ffmk_baseline_kind kind, uint32_t nodes,
                        uint32_t me, uint32_t *to, struct ffmk_baseline_message *message)
{
    if (!node->coloured)
        return false;
    if (kind == FFMK_BASELINE_TREE)
        return next_of_tree(node, nodes, me, to, message);
    return next_of_graph(node, kind == FFMK_BASELINE_GRAPH, nodes, me, to, message);
}

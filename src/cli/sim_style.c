/* SPDX-License-Identifier: BSD-3-Clause
 * Colours and rules of the pictures of `ffmk sim`, for light and dark. */
#include "cli/sim_draw.h"

/* Lines differ in colour and dashes, so that all kinds of colour vision can tell them apart. */
#define SHAPES                                                                                     \
    ".table{fill:var(--table);background:var(--table)}"                                            \
    ".correction{fill:var(--correction);background:var(--correction)}"                             \
    ".dead{fill:var(--dead);background:var(--dead)}.dark{fill:var(--dark);background:var(--dark)}" \
    ".begins{fill:none;stroke:var(--ink);stroke-width:1.5;stroke-dasharray:6 4;"                   \
    "vector-effect:non-scaling-stroke}\n"

const char ffmk_sim_colours[] =
    ":root{color-scheme:light dark;--bg:#fafaf8;--ink:#1b2024;--muted:#5c666e;"
    "--table:#178a75;--correction:#f2a51f;--dead:#c4314b;--dark:#e3e7e5}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--bg:#111416;--ink:#e7eaeb;"
    "--muted:#9aa5ad;--table:#3fae97;--correction:#f0bd4f;--dead:#e8505f;--dark:#272d31}}\n" SHAPES;

const char ffmk_sim_page_style[] =
    ":root{--l0:#12705f;--l1:#12705f;--l2:#3567c9;--l3:#c77700;--l4:#c4314b;--l5:#7a4fb5;"
    "--l6:#7a4fb5;--l7:#7d868c}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--l0:#5cc7b2;--l1:#5cc7b2;--l2:#86a8f5;"
    "--l3:#f0b04a;--l4:#f07886;--l5:#bd9af0;--l6:#bd9af0;--l7:#98a2a9}}\n"
    ".chart path,.key path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}\n"
    ".chart .grid{stroke:var(--line);stroke-width:1}\n"
    ".l0{stroke:var(--l0);stroke-width:3}.l1{stroke:var(--l1);stroke-width:2;"
    "stroke-dasharray:7 4}.l2{stroke:var(--l2);stroke-width:2}.l3{stroke:var(--l3);"
    "stroke-width:2.5}.l4{stroke:var(--l4);stroke-width:2;stroke-dasharray:2 3}"
    ".l5{stroke:var(--l5);stroke-width:2}.l6{stroke:var(--l6);stroke-width:2;"
    "stroke-dasharray:7 4}.l7{stroke:var(--l7);stroke-width:2;stroke-dasharray:10 3 2 3}\n"
    ".chart path.dot,.key path.dot{stroke-width:8;stroke-linecap:round;stroke-dasharray:none}\n"
    ".chart path.small.dot{stroke-width:6}\n"
    ".key{width:26px;height:10px;margin-right:7px;vertical-align:0}\n"
    ".plot .area>svg.chart{shape-rendering:auto;overflow:visible}\n"
    ".plot .area>svg.strip{shape-rendering:auto;border-radius:0}\n"
    ".xaxis span.last:not(:first-child){transform:translateX(-100%)}"
    ".xlabel{padding-top:2px}.plot .ylabel.left{text-align:left;width:auto;white-space:nowrap}\n"
    ".pair{display:grid;grid-template-columns:minmax(0,1fr);gap:32px}.pair>div{min-width:0}\n"
    ".panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));"
    "gap:24px 20px;margin-top:28px}.panels>div{min-width:0}\n"
    "h3+.plot{margin-top:0}.legend+.pair,.legend+.panels,.pair+.legend{margin-top:20px}\n"
    "@media (min-width:900px){.pair{grid-template-columns:repeat(2,minmax(0,1fr))}}\n";

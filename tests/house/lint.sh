#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The quick lints, one a word: format (clang-format), scripts (shellcheck), man (mandoc). Each changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tool() {
    command -v "$1" >/dev/null || {
        echo "$1 is not installed"
        exit 77
    }
}

# Files of the project that fit the patterns: tracked ones and new ones, not what git ignores.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
            [ ! -f "$file" ] || printf '%s\n' "$file"
        done
    else
        local pattern
        for pattern in "$@"; do
            find . -path './build*' -prune -o -type f -path "./$pattern" -print
        done
    fi
}

case ${1:-} in
format)
    tool clang-format
    files '*.c' '*.h' | xargs clang-format --dry-run --Werror
    ;;
scripts)
    tool shellcheck
    files dev .ci/run '*.sh' | xargs shellcheck
    ;;
man)
    tool mandoc
    files 'docs/man/*.[1-9]' | xargs mandoc -T lint -W warning
    ;;
*)
    echo "usage: lint.sh format|scripts|man"
    exit 2
    ;;
esac

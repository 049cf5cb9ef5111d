#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The plain last line of a test run: reads CTest's JUnit file, lists skipped tests with their reasons, fails when one
failed or none ran."""
import sys
import xml.etree.ElementTree as ElementTree


def reason(case):
    """The last line that a skipped test printed."""
    said = (case.findtext("system-out") or "").strip().splitlines()
    return said[-1].strip() if said else "it did not say why"


def main():
    passed = failed = 0
    skipped = []
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status in ("notrun", "disabled"):
            skipped.append((case.get("name"), reason(case)))
        else:
            failed += 1
    if skipped:
        print("Skipped:")
        for name, why in skipped:
            print(f"  {name}: {why}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main())

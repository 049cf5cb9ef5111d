# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of `ffmk sim` share: running it in a folder of its own."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COMMAND = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "ffmk"


class Case(unittest.TestCase):
    """Runs in a temporary folder."""
    WHAT = "gossip"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def ffmk(self, *words, stdout=subprocess.PIPE):
        return subprocess.run([COMMAND, "sim", *map(str, words)], cwd=self.folder.name, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=300, check=False)

    def good(self, *words):
        """Run `ffmk sim WHAT`, expect success and silence on stderr, and return what it printed."""
        run = self.ffmk(self.WHAT, *words)
        self.assertEqual((run.returncode, run.stderr.decode()), (0, ""))
        return run.stdout.decode()

    def json(self, *words):
        return json.loads(self.good("--json", *words))

    def refused(self, code, pattern, *words, stdout=subprocess.PIPE):
        """Run `ffmk sim`, expect the exit code and exactly one line that fits the pattern."""
        run = self.ffmk(*words, stdout=stdout)
        line = run.stderr.decode(errors="surrogateescape")
        self.assertEqual(run.returncode, code, line)
        self.assertRegex(line, r"\Affmk: [^\n]*\n\Z")
        self.assertRegex(line, pattern)
        if stdout == subprocess.PIPE:
            self.assertEqual(run.stdout, b"")


def main():
    unittest.main(argv=sys.argv[:1])

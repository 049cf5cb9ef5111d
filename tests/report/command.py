# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of `ffmk report` share: running it, and sample reports in a folder of their own."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_sample  # noqa: E402

COMMAND = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "ffmk"


class Case(unittest.TestCase):
    """Runs in a temporary folder; sample() writes reports there."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return name

    def sample(self, name, *words):
        report, _ = make_sample.make(["--steps", "60", *map(str, words)])
        self.write(name, report)
        return report

    def ffmk(self, *words, stdout=subprocess.PIPE):
        return subprocess.run([COMMAND, "report", *words], cwd=self.folder.name, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=120, check=False)

    def good(self, *words):
        """Run it, expect success and silence on stderr, and return what it printed."""
        run = self.ffmk(*words)
        self.assertEqual((run.returncode, run.stderr.decode()), (0, ""))
        return run.stdout.decode()

    def refused(self, code, pattern, *words, stdout=subprocess.PIPE):
        """Run it, expect the exit code and exactly one line that fits the pattern."""
        run = self.ffmk(*words, stdout=stdout)
        line = run.stderr.decode(errors="surrogateescape")
        self.assertEqual(run.returncode, code, line)
        self.assertRegex(line, r"\Affmk: [^\n]*\n\Z")
        self.assertRegex(line, pattern)


def main():
    unittest.main(argv=sys.argv[:1])

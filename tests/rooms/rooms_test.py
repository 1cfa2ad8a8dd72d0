#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rooms.py says what is wrong with a house, and what is in it."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("rooms.py")


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for other in ("host-sdk/host", "host-sdk/loader", "host-sdk/tools/check"):
            (self.root / other).mkdir(parents=True)
        self.put("plugin/cellar/stone.h", "struct Stone {};")
        self.put("plugin/roof/tile.h", '#include "cellar/stone.h"\n#include "agones/processor.h"')
        self.draw("2  roof: cellar\n1  cellar:\n")

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def draw(self, picture):
        self.put("plugin/DESIGN.md", f"# Rooms\n\n```floors\n{picture}```\n\nEnd.")

    def run_script(self, *options):
        return subprocess.run([sys.executable, SCRIPT, "--root", self.root, *options], capture_output=True, text=True, check=False)

    def expect_problem(self, *words):
        done = self.run_script()
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)

    def test_arrows_that_point_down(self):
        done = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_an_arrow_that_points_up(self):
        self.put("plugin/cellar/damp.cpp", '#include "roof/tile.h"')
        self.draw("2  roof: cellar\n1  cellar: roof\n")
        self.expect_problem("plugin/cellar/damp.cpp", "roof/tile.h", "cellar stands on floor 1, roof on 2")

    def test_an_arrow_to_the_same_floor(self):
        self.draw("1  roof: cellar\n1  cellar:\n")
        self.expect_problem("roof stands on floor 1, cellar on 1")

    def test_a_picture_that_is_not_true(self):
        self.draw("2  roof:\n1  cellar:\n")
        self.expect_problem("roof includes cellar, the picture says nothing")
        self.draw("2  roof: cellar\n1  cellar: roof\n")
        self.expect_problem("cellar includes nothing, the picture says roof")

    def test_a_room_that_is_not_in_the_picture(self):
        self.put("plugin/attic/box.h", "")
        self.expect_problem("attic")

    def test_a_picture_is_written(self):
        self.draw("2  roof: nonsense\n1  cellar:\n")
        self.assertEqual(self.run_script("--write").returncode, 0)
        self.assertIn("```floors\n2  roof:   cellar\n1  cellar:\n```\n\nEnd.", (self.root / "plugin/DESIGN.md").read_text())

    def test_members_are_counted(self):
        self.put("plugin/roof/dormer.h", """
          class Dormer final : public Window, private std::vector<int> {  // int comment_;
           public:
            enum class Kind { kFlat, kSteep };
            explicit Dormer(int width = 3) : width_(width) {}
            Dormer(const Dormer&) = delete;
            int width() const { int twice = 2; return twice * width_; }
            static constexpr int kMost = 3;
           private:
            struct Pane { int glass; std::map<int, std::function<void(int)>> tell{}; };
            const int width_ = 1'000;
            std::array<int, 3> sizes_{{1, 2, 3}};
            std::function<void(int, char)> open_;
            bool shut_ : 1;
          };""")
        numbers = self.run_script("--numbers").stdout
        self.assertIn("      4      2  Dormer (roof/dormer.h)", numbers)
        self.assertIn("      2      0  Pane (roof/dormer.h)", numbers)
        self.assertIn("2 rooms on 2 floors, 1 arrows of 1 includes, 0 arrows of 0 includes that do not point down", numbers)


if __name__ == "__main__":
    unittest.main()

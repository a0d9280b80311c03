#!/usr/bin/env python3
"""docs/recipes.md works as pasted: its commands are run one after the other on a recording of the stand-in.

A fence is preceded by a comment that says what to do with it:

    <!-- recipe needs="coretap jq" -->               run if these are here; something must come out
    <!-- recipe needs="coretap" makes="a.csv" -->    run; the file must have more than a header
    <!-- recipe needs="coretap" quiet -->            run; nothing need come out
    <!-- recipe skip="why" -->                       not run

`needs` names programs, or Python modules for a fence of Python. What is not run is printed, with the reason.
"""
import functools
import os
import re
import shutil
import subprocess
import sys
import typing

import harness
from harness import CORETAP, PATIENCE, Case

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "recipes.md")
RECORD = ("record", "day.ctap", "--sim", "--sim-args", "--seed 7 --rate 4000 --count 20000")
MODULES = {"pandas"}


class Recipe(typing.NamedTuple):
    line: int
    language: str
    text: str
    needs: tuple
    makes: typing.Optional[str]
    quiet: bool
    skip: typing.Optional[str]


def recipes_of(text):
    """The recipes of the page, and complaints about what is neither a recipe nor excused from being one."""
    recipes, complaints, marker, fence = [], [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        if fence is not None:
            if line != "```":
                fence[1].append(line)
                continue
            if marker is None:
                complaints.append(f"line {number - len(fence[1]) - 1}: a fence without a recipe comment")
            else:
                recipes.append(Recipe(number - len(fence[1]), fence[0], "\n".join(fence[1]), *marker))
            marker = fence = None
        elif line.startswith("```"):
            fence = (line[3:], [])
            if fence[0] not in ("sh", "python"):
                complaints.append(f"line {number}: a fence of {fence[0] or 'nothing'}; sh or python")
        elif match := re.fullmatch(r'<!-- recipe(?: needs="([\w ]+)")?(?: makes="([\w.]+)")?( quiet)?(?: skip="([^"]+)")? -->', line):
            needs, makes, quiet, skip = match.groups()
            marker = (tuple((needs or "").split()), makes, bool(quiet), skip)
            if not needs and not skip:
                complaints.append(f"line {number}: a recipe needs something")
        elif line.startswith("<!--"):
            complaints.append(f"line {number}: not understood: {line}")
    if marker is not None or fence is not None:
        complaints.append("the end comes before the end of a recipe")
    return recipes, complaints


@functools.lru_cache(None)
def python_with(modules):
    """A Python that has the modules; Debian's packages are those of /usr/bin/python3. None if there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import " + ", ".join(modules)], capture_output=True, check=False).returncode == 0:
            return python
    return None


def missing(recipe):
    """What a recipe needs and this machine has not."""
    programs = [name for name in recipe.needs if name not in MODULES and name != "coretap"]
    modules = tuple(name for name in recipe.needs if name in MODULES)
    absent = [name for name in programs if shutil.which(name) is None]
    return absent + ([] if not modules or python_with(modules) else list(modules))


def lines_of(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


class Recipes(Case):
    def setUp(self):
        super().setUp()
        with open(RECIPES, encoding="utf-8") as file:
            self.recipes, self.complaints = recipes_of(file.read())
        os.mkdir(self.path("bin"))
        os.symlink(CORETAP, self.path("bin/coretap"))

    def execute(self, recipe):
        if recipe.language == "python":
            command = [python_with(tuple(name for name in recipe.needs if name in MODULES)), "-c", recipe.text]
        else:
            command = ["bash", "-o", "pipefail", "-c", recipe.text]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": self.path("bin") + os.pathsep + os.environ["PATH"]}
        run = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3 * PATIENCE,
                             env=environment, check=False)
        said = f"{recipe.text}\n--- said\n{run.stdout[-2000:]}{run.stderr[-4000:]}"
        self.assertEqual(run.returncode, 0, said)
        if recipe.makes:
            made = self.path(recipe.makes)
            self.assertTrue(os.path.exists(made), said)
            self.assertGreater(lines_of(made), 1, f"{recipe.makes} has no rows\n{said}")
        elif not recipe.quiet:
            self.assertNotEqual(run.stdout.strip(), "", said)

    def test_every_fence_says_what_it_needs(self):
        self.assertEqual(self.complaints, [])
        self.assertGreater(sum("coretap" in recipe.needs for recipe in self.recipes), 5)

    def test_a_page_with_mistakes_is_seen_through(self):
        for text in ("```sh\nx\n```", "<!-- recipe -->\n```sh\nx\n```", '<!-- recipe needs="a" -->\n```\nx\n```', "<!-- recipes -->",
                     '<!-- recipe needs="a" -->', '<!-- recipe needs="a" -->\n```sh\nx'):
            self.assertNotEqual(recipes_of(text)[1], [], text)
        recipe, = recipes_of('<!-- recipe needs="a b" makes="c.d" -->\n```sh\nx\ny\n```')[0]
        self.assertEqual(recipe, (3, "sh", "x\ny", ("a", "b"), "c.d", False, None))

    def test_they_work_as_pasted(self):
        recorded = self.run_coretap(*RECORD, cwd=self.directory, patience=3 * PATIENCE)
        self.assertEqual(recorded.returncode, 0, recorded.stderr)
        run = 0
        for recipe in self.recipes:
            where = f"docs/recipes.md:{recipe.line}"
            if recipe.skip:
                print(f"{where}: not run: {recipe.skip}", file=sys.stderr)
                continue
            if absent := missing(recipe):
                print(f"{where}: not run: {', '.join(absent)} not here: {recipe.text.splitlines()[0]}", file=sys.stderr)
                continue
            with self.subTest(where):
                self.execute(recipe)
            run += 1
        print(f"{run} of {len(self.recipes)} recipes were run", file=sys.stderr)
        self.assertGreater(run, 5)


if __name__ == "__main__":
    harness.main()

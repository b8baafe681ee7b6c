#!/usr/bin/env python3
"""Hold every #include to the dependency table in src/CMakeLists.txt.

    tools/check_layers.py [ROOT]

- A module includes itself, the modules of its USES row, and the third-party libraries of its LINKS.
- Tests, benchmarks and headers that only they use include whatever lies below their module, the
  modules of TESTS_USE and what lies below these, and the test libraries.
- Public headers include the standard library, Arrow and each other, nothing else.
- The Python bindings include public headers only.

Prints one line per offence and exits with 1 if there is any.
"""

import pathlib
import re
import sys
from collections.abc import Iterator

# A public header is part of the module of the same name, except these.
PUBLIC_HEADER_HOME = {"batch_stream": "batches", "packing": "stream", "storage": "io"}

# First part of an include path -> the target that a module must link.
THIRD_PARTY = {
    "google/protobuf/": "pilum_proto",
    "lance/": "pilum_proto",
    "nlohmann/": "pilum_json",
    "pg_query": "pilum_pg_query",
    "roaring/": "pilum_roaring",
    "arrow/compute/": "pilum_arrow_compute",
}
TEST_LIBRARIES = ("gtest/", "gmock/", "benchmark/")
TEST_FILE = re.compile(r"_(test|benchmark|conformance|fuzzer)\.(cc|h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MODULE = re.compile(r"^\s*pilum_module\(([^)]*)\)", re.MULTILINE)


class Layers:
    """The dependency table: what each module may use and link."""

    def __init__(self, cmake: str):
        self.uses: dict[str, set[str]] = {}
        self.links: dict[str, set[str]] = {}
        self.tests_use: dict[str, set[str]] = {}
        for row in MODULE.findall(cmake):
            name, *words = row.split()
            target = None
            lists = {"USES": self.uses, "LINKS": self.links, "TESTS_USE": self.tests_use}
            for each in lists.values():
                each[name] = set()
            for word in words:
                if word in lists:
                    target = lists[word][name]
                elif target is not None:
                    target.add(word)

    def errors(self) -> Iterator[str]:
        for name in self.uses:
            for other in sorted((self.uses[name] | self.tests_use[name]) - self.uses.keys()):
                yield f"src/CMakeLists.txt: {name} uses {other}, which is no module"
            if name in self.below(name):
                yield f"src/CMakeLists.txt: {name} depends on itself in a circle"

    def below(self, name: str) -> set[str]:
        """Every module reachable from `name`; contains `name` only if there is a circle."""
        found: set[str] = set()
        waiting = list(self.uses.get(name, ()))
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting.extend(self.uses.get(other, ()))
        return found

    def for_tests(self, name: str) -> set[str]:
        """The modules that the tests of `name` may use."""
        used = self.tests_use[name]
        return {name} | used | self.below(name).union(*(self.below(other) for other in used))


def includes(path: pathlib.Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(2)


def sources(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cc") and p.is_file())


def module_of(include: str, layers: Layers) -> str | None:
    """The module that an include path belongs to; None when it is none of ours."""
    first, _, rest = include.partition("/")
    if first == "pilum":
        name = rest.removesuffix(".h")
        home = PUBLIC_HEADER_HOME.get(name, name)
        return home if home in layers.uses else None
    return first if first in layers.uses else None


def third_party_target(include: str) -> str | None:
    return next(
        (target for prefix, target in THIRD_PARTY.items() if include.startswith(prefix)), None
    )


def test_files(root: pathlib.Path) -> set[pathlib.Path]:
    """Tests and benchmarks by their name, and the headers that nothing else includes."""
    users: dict[pathlib.Path, set[pathlib.Path]] = {}
    for path in sources(root / "src"):
        for _, include in includes(path):
            users.setdefault(root / "src" / include, set()).add(path)
    found = {path for path in sources(root / "src") if TEST_FILE.search(path.name)}
    before = -1
    while before != len(found):
        before = len(found)
        found.update(path for path, by in users.items() if path.suffix == ".h" and by <= found)
    return found


def check_module(
    root: pathlib.Path, name: str, layers: Layers, tests: set[pathlib.Path]
) -> Iterator[str]:
    for path in sources(root / "src" / name):
        is_test = path in tests
        allowed = layers.for_tests(name) if is_test else {name} | layers.uses[name]
        linked = set(layers.links[name])
        if is_test:
            linked.update(*(layers.links.get(other, ()) for other in allowed))
        for line, include in includes(path):
            where = f"{path.relative_to(root)}:{line}"
            module, target = module_of(include, layers), third_party_target(include)
            if module and module not in allowed:
                yield f"{where}: {name} may not include {include} (not in its USES row)"
            elif target and target not in linked:
                yield f"{where}: {name} may not include {include} (does not link {target})"
            elif include.startswith(TEST_LIBRARIES) and not is_test:
                yield f"{where}: {include} outside a test"
            elif not module and (path.parent / include).is_file() and "/" not in include:
                yield f"{where}: write {path.parent.relative_to(root / 'src')}/{include}"


def check_public_headers(root: pathlib.Path, layers: Layers) -> Iterator[str]:
    for path in sources(root / "include"):
        for line, include in includes(path):
            private = "/" in include and not include.startswith(("pilum/", "arrow/"))
            if private or include.endswith(".pb.h") or third_party_target(include):
                yield f"{path.relative_to(root)}:{line}: a public header may not include {include}"


def check_bindings(root: pathlib.Path, layers: Layers) -> Iterator[str]:
    for path in sources(root / "python" / "bindings"):
        for line, include in includes(path):
            private = not include.startswith("pilum/") and module_of(include, layers)
            if private or third_party_target(include):
                yield f"{path.relative_to(root)}:{line}: the bindings may not include {include}"


def check(root: pathlib.Path) -> list[str]:
    layers = Layers((root / "src" / "CMakeLists.txt").read_text(encoding="utf-8"))
    found = list(layers.errors())
    folders = {p.name for p in (root / "src").iterdir() if p.is_dir()}
    found += [
        f"src/{name}: no row in src/CMakeLists.txt" for name in sorted(folders - layers.uses.keys())
    ]
    tests = test_files(root)
    for name in sorted(layers.uses):
        found += check_module(root, name, layers, tests)
    found += check_public_headers(root, layers)
    found += check_bindings(root, layers)
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    found = check(root)
    for offence in found:
        print(offence)
    print(f"check_layers: {len(found)} offences" if found else "check_layers: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

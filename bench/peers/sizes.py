#!/usr/bin/env python3
"""How large tables become that pilum writes, beside the same rows written by the reference library.

    .venv/bin/python bench/peers/sizes.py --peer-python PYTHON_WITH_PYLANCE --corpus FOLDER

The reference library reads each table of the corpus (and the tables of read.py); both libraries
write the rows with the same settings. Sizes are those of the data folders. A sample of what pilum
wrote, read by the reference library, must be what the latter wrote. The written tables stay in
bench/data/sizes, for `pilum inspect`.
"""

import argparse
import dataclasses
import json
import os
import pathlib

from side_by_side import HERE, add_options, make_once, run, write_json

WORKER = HERE / "size_worker.py"
VERSIONS = ["2.2", "2.1", "2.0"]
BENCH = ["num", "img", "text"]
LIMIT = 1.05


@dataclasses.dataclass(frozen=True)
class Size:
    version: str
    name: str
    ours: int | str  # or the error
    theirs: int | str

    @property
    def counted(self) -> bool:
        return isinstance(self.ours, int) and isinstance(self.theirs, int)

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs if self.theirs else 1.0

    @property
    def paths(self) -> list[str]:
        return [f"{self.version}/{library}/{self.name}.lance" for library in ("pilum", "lance")]


def tables_of(options: argparse.Namespace) -> dict[str, str]:
    tables = {}
    if options.corpus:
        listing = json.loads((options.corpus / "manifest.json").read_text())
        for entry in listing["datasets"]:
            tables[entry["name"]] = str(options.corpus / entry["name"] / "dataset.lance")
    if not options.corpus_only:
        make_once(options.data, options.scale, options.peer_python, HERE / "worker.py")
        tables |= {name: str(options.data / f"{name}.lance") for name in BENCH}
    return tables


def measure(options: argparse.Namespace, folder: pathlib.Path) -> list[Size]:
    unread = run(options.peer_python, WORKER, "read", json.dumps(tables_of(options)), folder)
    for name, error in unread.items():
        print(f"{name}: the reference library cannot read it: {error}")
    sizes = []
    for version in options.versions:
        ours = run(options.python, WORKER, "write", "pilum", folder, version)
        theirs = run(options.peer_python, WORKER, "write", "lance", folder, version)
        sizes += [Size(version, name, ours[name], theirs[name]) for name in ours]
    return sizes


def check_contents(options: argparse.Namespace, folder: pathlib.Path, sizes: list[Size]) -> None:
    samples = run(options.peer_python, WORKER, "sample", folder)
    for ours, theirs in (size.paths for size in sizes):
        if samples[theirs].startswith("unreadable"):
            print(f"{theirs} is {samples[theirs]}")
        elif samples[ours] != samples[theirs]:
            raise SystemExit(f"{ours}: the libraries wrote different things")
    print(f"{len(sizes)} tables hold the same, as far as samples tell")


def print_sizes(sizes: list[Size]) -> None:
    print(f"\n{'format':<7} {'table':<24} {'pilum':>13} {'lance':>13} {'ratio':>7}")
    for size in sorted(sizes, key=lambda size: size.ratio, reverse=True):
        where = f"{size.version:<7} {size.name:<24}"
        print(f"{where} {size.ours:>13,} {size.theirs:>13,} {size.ratio:>7.3f}")


def print_totals(sizes: list[Size]) -> None:
    print()
    for version in dict.fromkeys(size.version for size in sizes):
        own = [size for size in sizes if size.version == version]
        print_total(f"{version}, corpus", [size for size in own if size.name not in BENCH])
        print_total(f"{version}, bench tables", [size for size in own if size.name in BENCH])
    print_total("everything", sizes)


def print_total(what: str, sizes: list[Size]) -> None:
    if not sizes:
        return
    ours, theirs = sum(size.ours for size in sizes), sum(size.theirs for size in sizes)
    print(f"{what:<32} {ours:>13,} {theirs:>13,} {ours / theirs:>7.3f}  {len(sizes)} tables")


def print_larger(options: argparse.Namespace, folder: pathlib.Path, sizes: list[Size]) -> None:
    """The columns of the tables over the limit, with what each library made of them."""
    larger = sorted((s for s in sizes if s.ratio > LIMIT), key=lambda s: s.ratio, reverse=True)
    print(f"\n{len(larger)} of {len(sizes)} tables are more than {LIMIT - 1:.0%} larger")
    columns = run(options.python, WORKER, "columns", folder)
    for size in larger:
        print(f"{size.version} {size.name}: {size.ours:,} instead of {size.theirs:,} bytes")
        ours, theirs = (columns[path] for path in size.paths)
        for (name, own, made), (_, peer, peers) in zip(ours, theirs, strict=True):
            if own > peer:
                print(f"    {name}: {own:,} ({made}), lance {peer:,} ({peers})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    corpus = os.environ.get("PILUM_CORPUS")
    parser.add_argument("--corpus", type=pathlib.Path, default=corpus, help="PILUM_CORPUS")
    parser.add_argument("--corpus-only", action="store_true", help="without the bench tables")
    parser.add_argument("--versions", nargs="+", default=VERSIONS, choices=VERSIONS)
    options = parser.parse_args()

    folder = options.data / "sizes"
    found = measure(options, folder)
    sizes = [size for size in found if size.counted]
    check_contents(options, folder, sizes)
    print_sizes(sizes)
    print_totals(sizes)
    print_larger(options, folder, sizes)
    for size in found:
        if not size.counted:
            print(
                f"{size.version} {size.name}: not counted. pilum: {size.ours}; lance: {size.theirs}"
            )
    write_json(options.json, options.scale, sizes=[dataclasses.asdict(size) for size in found])


if __name__ == "__main__":
    main()

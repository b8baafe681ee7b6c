"""Does an installed pilum work? Reads checked-in tables with nothing but the package and what it
depends on.

    python tools/smoke_test.py REPOSITORY
"""

import importlib.metadata
import pathlib
import subprocess
import sys

import pyarrow as pa

import pilum

root = pathlib.Path(sys.argv[1])
assert root not in pathlib.Path(pilum.__file__).parents, "this is the source tree, not the package"

for table in sorted((root / "tests/data/golden").glob("mixed-*")):
    with pa.OSFile(str(table / "expected.arrow"), "rb") as source:
        expected = pa.ipc.open_file(source).read_all()
    got = pilum.dataset(table / "dataset.lance").to_table()
    assert got.schema.names == expected.schema.names[:-2]
    assert got["id"] == expected["id"]
    assert got["text"] == expected["text"]

digits = pilum.connect(root / "examples/data").open_table("digits")
assert sum(batch.num_rows for batch in digits) == len(digits) == 1797
assert digits.__getitems__([3, 1])["label"].to_pylist() == [3, 1]

command = pathlib.Path(sys.executable).with_name("pilum")
subprocess.run([command, "verify", root / "examples/data", "digits"], check=True)
files = importlib.metadata.files("pilum")
licences = {file.name for file in files if "licenses" in file.parts}
assert licences == {"LICENSE", "THIRD_PARTY_LICENSES"}
# The names of other libraries are those of pilum-compat alone.
assert not {"lance", "lancedb", "pilum_compat"} & {file.parts[0] for file in files}
print(f"pilum {pilum.__version__} in {pathlib.Path(pilum.__file__).parent} reads the tables")

"""Does an installed pilum-compat work?

python tools/smoke_test_compat.py REPOSITORY
"""

import pathlib
import sys

import lance
import lancedb
import lancedb.permutation

root = pathlib.Path(sys.argv[1])
assert root not in pathlib.Path(lancedb.__file__).parents, (
    "this is the source tree, not the package"
)

table = lancedb.connect(root / "examples/data").open_table("digits")
assert lance.dataset(root / "examples/data/digits.lance").count_rows() == len(table) == 1797
assert lancedb.permutation.Permutation.identity(table)[3][0]["label"] == 3
print(f"pilum-compat provides {lancedb.__file__} and {lance.__file__}")

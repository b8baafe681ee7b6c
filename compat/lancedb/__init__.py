"""pilum in the manner of LanceDB: `connect` opens databases of tables.

    lancedb.permutation   is pilum.permutation, the same module
    lancedb.streaming     is pilum.streaming, the same module
    lancedb.db            connections
    lancedb.table         tables
    lancedb.util          tbl_to_tensor

The first two are imported when they are asked for.
"""

import pilum_compat  # noqa: F401  it must not be mixed with the distribution lancedb

from lancedb import db, table, util
from pilum import DBConnection, LanceDBConnection, Table, __version__, connect

__all__ = [
    "DBConnection",
    "LanceDBConnection",
    "Table",
    "__version__",
    "connect",
    "db",
    "table",
    "util",
]

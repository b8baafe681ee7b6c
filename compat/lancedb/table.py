"""Tables of databases. All are of one class."""

from pilum import Table

LanceTable = Table

__all__ = ["LanceTable", "Table"]

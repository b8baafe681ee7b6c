"""The engine's table behind a `Table` or `Dataset`, and the versions of it."""

from __future__ import annotations

import datetime
import operator
from typing import Any, SupportsIndex

from pilum import _pilum
from pilum.errors import CorruptDataError, NotFoundError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MOST = 2**64 - 1


class TableHandle:
    """One line of versions of a table. Pickles as an address and is opened at first use."""

    def __init__(
        self, uri: str, branch: str | None = None, native: _pilum.Table | None = None
    ) -> None:
        self.uri = uri
        self.branch = branch
        self._native = native

    @property
    def native(self) -> _pilum.Table:
        if self._native is None:
            table = _pilum.open_table_at(self.uri)
            self._native = table.open_branch(self.branch) if self.branch else table
        return self._native

    def on_branch(self, branch: str | None) -> TableHandle:
        """Another line of versions; None is the main one. Whether it exists is checked now."""
        if branch == self.branch:
            return self
        handle = TableHandle(self.uri, branch)
        handle.native  # noqa: B018
        return handle

    def open_version(self, version: SupportsIndex) -> _pilum.Snapshot:
        number = operator.index(version)
        if not 0 <= number <= _MOST:
            raise NotFoundError(
                f"Version {number} no longer exists of table '{self.native.name}': there are no "
                "such numbers"
            )
        return self.native.open_version(number)

    def open_tag(self, tag: str) -> tuple[TableHandle, _pilum.Snapshot]:
        """The version that a tag names, and the line of versions that it is on."""
        snapshot = self.native.open_tag(tag)
        branch = next(info.branch for info in self.native.tags() if info.name == tag)
        return self.on_branch(branch or None), snapshot

    def list_versions(self) -> list[dict[str, Any]]:
        return [
            {"version": info.version, "timestamp": _local_time(info), "metadata": {}}
            for info in self.native.versions()
        ]

    def __getstate__(self) -> dict[str, Any]:
        return {"uri": self.uri, "branch": self.branch}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


class Tags:
    """The tags of a table: names for versions."""

    def __init__(self, handle: TableHandle) -> None:
        self._handle = handle

    def list(self) -> dict[str, dict[str, Any]]:
        """What each tag names: its version, and its branch (None: the main one)."""
        return {
            tag.name: {"version": tag.version, "branch": tag.branch or None}
            for tag in self._handle.native.tags()
        }

    def get_version(self, tag: str) -> int:
        """The version that a tag names."""
        tags = self.list()
        if tag not in tags:
            raise NotFoundError(
                f"Tag '{tag}' does not exist; there are: {', '.join(tags) or 'none'}"
            )
        version: int = tags[tag]["version"]
        return version


def _local_time(info: _pilum.VersionInfo) -> datetime.datetime:
    """Without a time zone, as Lance gives it: comparable with `datetime.now()`."""
    try:
        time = _EPOCH + datetime.timedelta(microseconds=info.timestamp_us)
        return time.astimezone().replace(tzinfo=None)
    except (OverflowError, ValueError):
        raise CorruptDataError(
            f"version {info.version} was committed at an impossible time: "
            f"{info.timestamp_us} microseconds after 1970",
            version=info.version,
        ) from None

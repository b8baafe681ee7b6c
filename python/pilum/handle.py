"""The engine's table behind a `Table` or `Dataset`, and the versions of it."""

from __future__ import annotations

import datetime
import operator
import os
from collections.abc import Mapping
from typing import Any, SupportsIndex

from pilum import _pilum
from pilum.errors import CorruptDataError, InvalidArgumentError, NotFoundError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MOST = 2**64 - 1


def check_text(name: str, value: object) -> str:
    """The value of the argument `name`, a text as the engine takes it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} is no valid UTF-8: {value!r}") from None
    return value


def check_storage_options(options: object) -> dict[str, str]:
    """Settings of a store, texts by name; none by default."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise TypeError(f"storage_options must be a dict of str, not {type(options).__name__}")
    return {
        check_text("the name of a storage option", name): check_text(
            f"the storage option {name!r}", value
        )
        for name, value in options.items()
    }


def check_uri(what: str, uri: str | os.PathLike[str]) -> str:
    """Where `what` is, as the engine takes it."""
    return check_text(f"the uri of a {what}", os.fspath(uri))


class TableHandle:
    """One line of versions of a table. Pickles as an address, and with the content of the table if
    it is in memory, where no address leads. A copy is opened at first use."""

    def __init__(
        self,
        uri: str,
        branch: str | None = None,
        storage_options: Mapping[str, str] | None = None,
        native: _pilum.Table | None = None,
        content: tuple[str, dict[str, bytes]] | None = None,
    ) -> None:
        self.uri = uri
        self.storage_options = dict(storage_options or {})
        self.branch = branch  #: None: the main one
        self._native = native
        self._content = content  #: name and objects of a table in memory that was unpickled

    @property
    def native(self) -> _pilum.Table:
        content = self._content  # before the look at _native, which is set before this is cleared
        if self._native is None:
            if content is not None:
                name, objects = content
                table = _pilum.import_table(name, self.uri, objects)
            else:
                table = _pilum.open_table_at(self.uri, self.storage_options)
            self._native = table.open_branch(self.branch) if self.branch else table
            self._content = None
        return self._native

    def on_branch(self, branch: str | None) -> TableHandle:
        """Another line of versions. Whether it exists is checked now."""
        branch = _branch_or_main(branch)
        if branch == self.branch:
            return self
        handle = TableHandle(self.uri, branch, self.storage_options)
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
        info = self.find_tag(tag)
        try:
            line = self.on_branch(info.branch)
            return line, line.open_version(info.version)
        except NotFoundError as error:
            raise NotFoundError(
                f"Tag '{tag}' names what does not exist: {error}", path=self.uri
            ) from error

    def find_tag(self, tag: str) -> _pilum.TagInfo:
        tags = {info.name: info for info in self.native.tags()}
        if tag not in tags:
            raise NotFoundError(
                f"Tag '{tag}' does not exist in table '{self.native.name}'; there are: "
                f"{', '.join(tags) or 'none'}",
                path=self.uri,
            )
        return tags[tag]

    def list_versions(self) -> list[dict[str, Any]]:
        return [
            {"version": info.version, "timestamp": _local_time(info), "metadata": {}}
            for info in self.native.versions()
        ]

    def __getstate__(self) -> dict[str, Any]:
        return {
            "uri": self.uri,
            "branch": self.branch,
            "storage_options": self.storage_options,
            "content": self._export(),
        }

    def _export(self) -> tuple[str, dict[str, bytes]] | None:
        if not self.uri.startswith("memory://"):
            return None
        return self._content or (self.native.name, _pilum.export_table(self.native))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


class Tags:
    """The tags of a table: names for versions."""

    def __init__(self, handle: TableHandle) -> None:
        self._handle = handle

    def list(self) -> dict[str, dict[str, Any]]:
        """What each tag names: its version, and its branch (None: the main one)."""
        return {
            tag.name: {"version": tag.version, "branch": _branch_or_main(tag.branch)}
            for tag in self._handle.native.tags()
        }

    def create(self, tag: str, version: SupportsIndex) -> None:
        """Name a version, which cleanup then spares. AlreadyExistsError if the tag exists."""
        self._handle.native.create_tag(check_text("tag", tag), self._number(version))

    def update(self, tag: str, version: SupportsIndex) -> None:
        """Move a tag; NotFoundError if there is none."""
        self._handle.native.update_tag(check_text("tag", tag), self._number(version))

    def delete(self, tag: str) -> None:
        """Remove a tag; its version stays."""
        self._handle.native.delete_tag(check_text("tag", tag))

    def _number(self, version: SupportsIndex) -> int:
        return self._handle.open_version(version).version

    def get_version(self, tag: str) -> int:
        """The version that a tag names."""
        return self._handle.find_tag(tag).version


def _branch_or_main(branch: str | None) -> str | None:
    """The name of a branch; None for the main one, whichever way that is said."""
    return None if branch in (None, "", "main") else check_text("branch", branch)


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

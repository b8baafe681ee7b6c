"""What pilum raises.

Every error that comes from the engine is a `PilumError` and also the builtin exception that Python
programs expect in its place:

| class | builtin | when |
|---|---|---|
| `NotFoundError` | `FileNotFoundError`, `ValueError` | a table, version, tag or file is missing |
| `AlreadyExistsError` | `FileExistsError`, `ValueError` | something of that name is there already |
| `InvalidArgumentError` | `ValueError` | the caller's values are wrong, or name a missing column |
| `RowNotFoundError` | `IndexError` | there is no row with that number, id or address |
| `CorruptDataError` | `OSError` | bytes on disk contradict the format or each other |
| `UnsupportedError` | `NotImplementedError` | valid, but not something this version reads |
| `CommitConflictError` | `RuntimeError` | another writer committed something incompatible |
| `AccessError` | `PermissionError` | the store refused access |
| `UnavailableError` | `OSError` | the store failed or timed out; trying again may help |
| `CancelledError` | `RuntimeError` | stopped on request |
| `InternalError` | `RuntimeError` | a bug in pilum |

Memory that cannot be had is a plain `MemoryError`.
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "AlreadyExistsError",
    "CancelledError",
    "CommitConflictError",
    "CorruptDataError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "PilumError",
    "RowNotFoundError",
    "UnavailableError",
    "UnsupportedError",
]


class PilumError(Exception):
    """Base of all errors of pilum. What is not known about the place is None."""

    kind = "unknown"  #: the kind of error, a word per class

    def __init__(
        self,
        message: str = "",
        *,
        path: str | None = None,
        offset: int | None = None,
        column: str | None = None,
        version: int | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path  #: file or folder
        self.offset = offset  #: byte in that file
        self.column = column  #: dotted path of the column
        self.version = version  #: version of the table


class NotFoundError(PilumError, FileNotFoundError, ValueError):
    """A table, version, tag, branch or file does not exist."""

    kind = "not_found"


class AlreadyExistsError(PilumError, FileExistsError, ValueError):
    """Something of that name is there already."""

    kind = "already_exists"


class InvalidArgumentError(PilumError, ValueError):
    """The caller's values are wrong: a filter, a number, the name of a column."""

    kind = "invalid_argument"


class RowNotFoundError(PilumError, IndexError):
    """There is no row with that number, id or address."""

    kind = "index"


class CorruptDataError(PilumError, OSError):
    """Bytes on disk contradict the format or each other."""

    kind = "corrupt_data"


class UnsupportedError(PilumError, NotImplementedError):
    """Valid, but not something this version of pilum reads."""

    kind = "unsupported"


class CommitConflictError(PilumError, RuntimeError):
    """Another writer committed something incompatible."""

    kind = "commit_conflict"


class AccessError(PilumError, PermissionError):
    """The store refused access."""

    kind = "permission"


class UnavailableError(PilumError, OSError):
    """The store failed or timed out; trying again may help."""

    kind = "unavailable"


class CancelledError(PilumError, RuntimeError):
    """Stopped on request."""

    kind = "cancelled"


class InternalError(PilumError, RuntimeError):
    """A bug in pilum."""

    kind = "internal"


_CLASSES = {kind.kind: kind for kind in PilumError.__subclasses__()}


def make_error(
    kind: str, message: bytes, path: bytes, offset: int | None, column: bytes, version: int | None
) -> Exception:
    """The exception for an error of the engine. Texts are bytes: names of files may be no UTF-8."""
    text, file, name = (part.decode(errors="backslashreplace") for part in (message, path, column))
    if kind == "out_of_memory":
        return MemoryError(text)
    where = [
        f"file {file}" if file and file not in text else "",
        f"column {name}" if name and not _names(text, name) else "",
        f"byte {offset}" if offset is not None and f"byte {offset}" not in text else "",
        f"version {version}"
        if version is not None and f"version {version}" not in text.lower()
        else "",
    ]
    place = ", ".join(part for part in where if part)
    return _CLASSES.get(kind, InternalError)(
        f"{text} ({place})" if place else text,
        path=file or None,
        offset=offset,
        column=name or None,
        version=version,
    )


def _names(text: str, column: str) -> bool:
    return any(quoted in text for quoted in (f"'{column}'", f'"{column}"', f"column {column}"))

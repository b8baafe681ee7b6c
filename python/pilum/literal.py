"""Python values as SQL literals."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from pilum.errors import InvalidArgumentError


def literal(value: Any) -> str:
    """The SQL for a number, text, bytes, a date or time, None; TypeError for other values."""
    item = getattr(value, "item", None)  # scalars of numpy
    if callable(item) and getattr(value, "shape", None) == ():
        value = item()
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"CAST('{value}' AS double)"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"X'{bytes(value).hex()}'"
    if isinstance(value, datetime.datetime):
        return f"timestamp {_quoted(value.isoformat(sep=' '))}"
    if isinstance(value, datetime.date):
        return f"date {_quoted(value.isoformat())}"
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return _decimal(value)
    raise TypeError(
        f"values of type {type(value).__name__} cannot be set; pass an SQL expression in values_sql"
    )


def _decimal(value: decimal.Decimal) -> str:
    """As text that is cast: a plain number would be read as a double, which has fewer digits."""
    text = format(value, "f")
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    scale = len(text.partition(".")[2])
    return f"CAST('{text}' AS decimal({max(len(digits), scale, 1)}, {scale}))"


def _quoted(text: str) -> str:
    if "\0" in text:
        raise InvalidArgumentError("SQL text cannot hold a NUL character")
    return "'" + text.replace("'", "''") + "'"

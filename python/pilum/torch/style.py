"""Objects that are a stream for PyTorch, or a map-style dataset, and may change from one to the
other.

PyTorch decides by the class whether a dataset is a stream, and a stream gets no batch_sampler. So
a class that can be both derives from neither; its objects are of a subclass that derives from the
style as well. See docs/decisions/0007-a-dataset-changes-its-class.md.
"""

from __future__ import annotations

import types
from typing import Any

_styled: dict[tuple[type, type], type] = {}


def in_style(cls: type[Any], style: type[Any]) -> type[Any]:
    """The subclass of a class, or of the class that such a subclass was made of, that has a style:
    another base class."""
    plain = without_style(cls)
    if (plain, style) not in _styled:
        names = ("__module__", "__qualname__", "__doc__")
        body = {name: getattr(plain, name) for name in names} | {"_without_style": plain}
        made = types.new_class(plain.__name__, (plain, style), exec_body=lambda ns: ns.update(body))
        _styled.setdefault((plain, style), made)
    return _styled[plain, style]


def without_style(cls: type[Any]) -> type[Any]:
    plain: type[Any] = cls.__dict__.get("_without_style", cls)
    return plain

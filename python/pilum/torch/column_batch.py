"""Batches as they reach the training loop."""

from __future__ import annotations

import functools
from collections.abc import ItemsView, Iterable, KeysView, ValuesView
from typing import Any, ClassVar, NamedTuple

from torch.utils.data._utils.collate import default_collate_fn_map


class ColumnBatch(tuple[Any, ...]):
    """The tensors of a batch: a tuple of them in the order of the columns, and a mapping by name.

        images, labels = batch
        batch["image"], batch.keys(), batch.items(), model(**batch)

    Iterating gives the tensors; `in` asks for the name of a column. PyTorch takes it for a named
    tuple, so its collate functions, pinned memory and worker processes give a ColumnBatch back.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()  # each set of names has a class of its own

    def __new__(cls, *columns: Any) -> ColumnBatch:
        return super().__new__(cls, columns)

    @staticmethod
    def of(names: Iterable[str], columns: Iterable[Any]) -> ColumnBatch:
        return _class_of(tuple(names))(*columns)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._fields:
            raise KeyError(f"the batch has no column {key!r}, but {', '.join(self._fields)}")
        return super().__getitem__(self._fields.index(key))

    def __contains__(self, key: object) -> bool:
        return key in self._fields

    def get(self, key: str, default: Any = None) -> Any:
        return self._asdict().get(key, default)

    def keys(self) -> KeysView[str]:
        return self._asdict().keys()

    def values(self) -> ValuesView[Any]:
        return self._asdict().values()

    def items(self) -> ItemsView[str, Any]:
        return self._asdict().items()

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        return f"ColumnBatch({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ColumnBatch.of, (self._fields, tuple(self))


@functools.cache
def _class_of(names: tuple[str, ...]) -> type[ColumnBatch]:
    return type("ColumnBatch", (ColumnBatch,), {"_fields": names, "__slots__": ()})


class Prebatched(NamedTuple):
    """A batch that is complete: the default collate of PyTorch returns the value as it is.

    A map-style dataset must give a list of items for a batch of keys. This is the only item of such
    a list, and what a collate function of one's own gets.
    """

    value: Any


def _unwrap(batch: list[Prebatched], *, collate_fn_map: object = None) -> Any:
    [item] = batch
    return item.value


default_collate_fn_map[Prebatched] = _unwrap

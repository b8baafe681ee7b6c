"""Numbers of bytes as people read them."""

import pytest

from pilum.column_size import in_bytes


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (0.25, "0.25 B"), (12.6, "13 B"), (1023, "1023 B"), (1024, "1 KiB"),
        (1536, "1.5 KiB"), (1000 * 1024, "1000 KiB"), (1 << 20, "1 MiB"), (2e15, "1819 TiB"),
    ],
)  # fmt: skip
def test_in_bytes(count, text):
    assert in_bytes(count) == text

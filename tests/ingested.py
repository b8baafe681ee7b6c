"""What tests of `pilum.ingest` pass to it."""

import pyarrow as pa

TABLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "c"]})
BATCH = TABLE.to_batches()[0]
ROWS = TABLE.to_pylist()
INT32 = pa.schema({"id": pa.int32()})


def ids(*values, type=None):
    return pa.record_batch({"id": pa.array(values, type or pa.int64())})


class Source:
    """A generator of `items` that knows how far it is and whether it was closed."""

    def __init__(self, *items, error=None):
        self.made = 0
        self.closed = False
        self.generator = self._make(items, error)

    def _make(self, items, error):
        try:
            for item in items:
                self.made += 1
                yield item
            if error is not None:
                raise error
        finally:
            self.closed = True

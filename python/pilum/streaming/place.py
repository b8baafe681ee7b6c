"""Where a stream is, between its passes and in them."""

from __future__ import annotations

import secrets

from pilum.errors import InvalidArgumentError
from pilum.streaming.receipt import Delivered
from pilum.streaming.state import PackProgress, Progress, Share


class Place:
    """Where the stream of a process is. Whose splits it delivers is known when a pass begins."""

    def __init__(self, epoch: int, progress: Progress | PackProgress | None = None) -> None:
        self.epoch = epoch
        self.ended = False
        self.delivered = Delivered()  #: in the epoch, since it began or a state was loaded
        self._share: Share | None = None
        self.move_to(progress)

    def move_to(self, progress: Progress | PackProgress | None) -> None:
        self.progress = progress  #: None: at the start
        #: Names where it is now among all that worker processes may get copies of; 0: the start.
        self.key = 0 if progress is None else 1 + secrets.randbits(62)

    def of_pass(self, epoch: int) -> Place:
        """Where the next pass begins."""
        return Place(epoch) if self.ended or self.epoch != epoch else self

    def settle(self, share: Share) -> None:
        """Has a pass be of this share."""
        if self.progress is not None and len(self.progress.places) != share.num_splits:
            raise InvalidArgumentError(
                f"num_splits mismatch: the state has {len(self.progress.places)}, but the world "
                f"size and the number of workers make {share.num_splits}; pass num_splits, so that "
                "it does not depend on them"
            )
        self._share = share

    @property
    def settled(self) -> bool:
        return self._share is not None

    @property
    def share(self) -> Share:
        """Of a place that is settled."""
        assert self._share is not None
        return self._share

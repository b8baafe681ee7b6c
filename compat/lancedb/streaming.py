"""The module pilum.streaming."""

import pilum_compat

from pilum.streaming import *  # noqa: F403  what type checkers see

pilum_compat.alias(__name__, "pilum.streaming")

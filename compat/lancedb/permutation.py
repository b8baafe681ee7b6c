"""The module pilum.permutation."""

import pilum_compat

from pilum.permutation import *  # noqa: F403  what type checkers see

pilum_compat.alias(__name__, "pilum.permutation")

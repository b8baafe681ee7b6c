"""The module pilum.torch.data."""

import pilum_compat

from pilum.torch.data import *  # noqa: F403  what type checkers see

pilum_compat.alias(__name__, "pilum.torch.data")

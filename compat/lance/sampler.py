"""The module pilum.torch.sampler."""

import pilum_compat

from pilum.torch.sampler import *  # noqa: F403  what type checkers see

pilum_compat.alias(__name__, "pilum.torch.sampler")

"""The module pilum.streaming, of versions of pilum that have it."""

import pilum_compat

pilum_compat.alias(__name__, "pilum.streaming")

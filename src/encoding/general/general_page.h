// General-purpose compression around another encoding on its way into pages (layout: general.h).
#pragma once

#include <optional>

#include "encoding/encoder.h"
#include "encoding/general/general.h"

namespace pilum::encoding {

Wire GeneralWire(CompressionScheme scheme, const Wire& values);

/// Compresses the first buffer of each chunk that `inner` makes.
arrow::Result<std::unique_ptr<MiniBlockEncoder>> MakeGeneralEncoder(
    CompressionScheme scheme, std::optional<int> level, std::unique_ptr<MiniBlockEncoder> inner);

/// Compresses each value by itself; `plain` describes it before.
arrow::Result<std::unique_ptr<PerValueEncoder>> MakeGeneralValueEncoder(CompressionScheme scheme,
                                                                        std::optional<int> level,
                                                                        const Wire& plain);

}  // namespace pilum::encoding

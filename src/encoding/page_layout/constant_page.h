// Constant pages: every item that is valid has the same value, or none is.
//
//   0 buffers   no levels; the value, if any, is in the descriptor
//   1           scalar
//   2           repetition levels, definition levels
//   3           scalar, repetition levels, definition levels
//
//   scalar: u32 k | k × u32 length | the k Arrow buffers of an array of one element, without
//   validity
#pragma once

#include "encoding/page_layout/page_layout.h"

namespace pilum::encoding {

arrow::Result<std::unique_ptr<PageLayout>> MakeConstantPage(
    const lance::encodings21::ConstantLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type);

}  // namespace pilum::encoding

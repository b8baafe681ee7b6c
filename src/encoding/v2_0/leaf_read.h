// Reading slots of a leaf page of the 2.0 format.
//
//   RequestFirst ─► fetch ─► RequestSecond ─► fetch ─► Decode ─► LeafBuilder
//
// It takes two rounds because only the ends say which bytes of a binary page are wanted. Each
// buffer is fetched, decompressed and parsed once for all the slots; so are dictionaries.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/status.h>

#include "encoding/leaf_builder.h"
#include "encoding/v2_0/leaf_page.h"

namespace pilum::encoding::v2_0 {

/// One owner, not thread-safe.
class LeafRead {
 public:
  /// `slots` begin in ascending order; the page outlives the read.
  static std::unique_ptr<LeafRead> Make(const LeafPage& page, std::vector<SlotRange> slots);
  virtual ~LeafRead() = default;

  /// Appends what has to be fetched in the first round.
  virtual arrow::Status RequestFirst(std::vector<ByteRange>* ranges) = 0;
  /// The same for the second round, given the bytes of the first; nothing for most pages.
  virtual arrow::Status RequestSecond(std::span<const Bytes> fetched,
                                      std::vector<ByteRange>* ranges, Arena* arena) {
    return arrow::Status::OK();
  }
  /// Puts the slots, one after another from `slot` on, into a flat builder in order. `fetched` has
  /// the bytes of the first round and `second` those of the second.
  virtual arrow::Status Decode(std::span<const Bytes> fetched, std::span<const Bytes> second,
                               int64_t slot, Arena* arena, LeafBuilder* builder) = 0;
};

}  // namespace pilum::encoding::v2_0

// Support of page tests: pages put together by hand, and reading rows of them as a file read does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <arrow/memory_pool.h>

#include "encoding/leaf_builder.h"
#include "encoding/levels.h"
#include "encoding/page_layout/page_layout.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {

using lance::encodings21::RepDefLayer;

using Runs = std::vector<Run>;

struct TestPage {
  lance::encodings21::PageLayout wire;
  std::vector<std::string> buffers;
  uint64_t rows = 0;
  LevelScheme scheme = LevelScheme();
  LeafType type;

  arrow::Result<std::unique_ptr<PageLayout>> Make() const {
    PageLocation location{.rows = rows};
    uint64_t at = 0;
    for (const std::string& buffer : buffers) {
      location.buffers.push_back({at, buffer.size()});
      at += buffer.size();
    }
    return MakePageLayout(wire, location, scheme, type);
  }

  /// Reads the runs, each time with an index of its own.
  arrow::Result<LeafData> Read(const Runs& runs, int64_t slots, bool in_order = true) const;

  arrow::Result<LeafData> ReadAll() const {
    return Read({{0, static_cast<uint32_t>(rows), 0}}, static_cast<int64_t>(rows));
  }
};

/// A page and its index, as files keep them.
class TestPageReader {
 public:
  static arrow::Result<std::unique_ptr<TestPageReader>> Make(const TestPage& page) {
    std::unique_ptr<TestPageReader> reader(new TestPageReader(page));
    ARROW_ASSIGN_OR_RAISE(reader->layout_, page.Make());
    std::vector<ByteRange> ranges;
    reader->layout_->IndexRanges(&ranges);
    std::vector<std::vector<std::byte>> owned;
    ARROW_ASSIGN_OR_RAISE(reader->index_,
                          reader->layout_->ParseIndex(reader->Fetch(ranges, &owned)));
    return reader;
  }

  /// Each read gets bytes of its own, of exactly the size asked for.
  arrow::Result<LeafData> Read(const Runs& runs, int64_t slots, bool in_order = true) {
    std::vector<PlannedRead> reads;
    ARROW_RETURN_NOT_OK(layout_->Plan(*index_, runs, &reads));
    std::vector<ByteRange> ranges;
    for (const PlannedRead& read : reads) ranges.push_back(read.range);
    std::vector<std::vector<std::byte>> owned;
    const auto fetched = Fetch(ranges, &owned);
    bytes_read_ = 0;
    for (const Bytes& bytes : fetched) bytes_read_ += bytes.size();
    ARROW_ASSIGN_OR_RAISE(
        auto builder,
        page_.scheme.flat()
            ? LeafBuilder::MakeFlat(page_.type, slots, in_order, arrow::system_memory_pool())
            : LeafBuilder::MakeNested(page_.type, page_.scheme, arrow::system_memory_pool()));
    Arena arena;
    ARROW_RETURN_NOT_OK(layout_->Decode(*index_, runs, reads, fetched, &arena, builder.get()));
    return builder->Finish();
  }

  size_t bytes_read() const { return bytes_read_; }  ///< by the last read

 private:
  explicit TestPageReader(const TestPage& page) : page_(page) {}

  std::vector<Bytes> Fetch(const std::vector<ByteRange>& ranges,
                           std::vector<std::vector<std::byte>>* owned) const {
    std::string file;
    for (const std::string& buffer : page_.buffers) file += buffer;
    for (const ByteRange& range : ranges) {
      const Bytes bytes = AsBytes(file).subspan(range.offset, range.length);
      owned->emplace_back(bytes.begin(), bytes.end());
    }
    return {owned->begin(), owned->end()};
  }

  const TestPage& page_;
  std::unique_ptr<PageLayout> layout_;
  std::shared_ptr<const PageIndex> index_;
  size_t bytes_read_ = 0;
};

inline arrow::Result<LeafData> TestPage::Read(const Runs& runs, int64_t slots,
                                              bool in_order) const {
  ARROW_ASSIGN_OR_RAISE(const auto reader, TestPageReader::Make(*this));
  return reader->Read(runs, slots, in_order);
}

template <typename T>
std::vector<T> FixedValues(const LeafData& leaf) {
  std::vector<T> values(static_cast<size_t>(leaf.slots));
  if (!values.empty()) std::memcpy(values.data(), leaf.values->data(), values.size() * sizeof(T));
  return values;
}

inline std::vector<bool> Bits(const std::shared_ptr<arrow::Buffer>& bitmap, int64_t n) {
  std::vector<bool> bits;
  for (int64_t i = 0; i < n; ++i)
    bits.push_back(!bitmap || ((bitmap->data()[i / 8] >> (i % 8)) & 1) != 0);
  return bits;
}

inline std::vector<std::string> Strings(const LeafData& leaf, bool wide = false) {
  std::vector<std::string> strings;
  const auto offset = [&](int64_t i) {
    return wide ? reinterpret_cast<const int64_t*>(leaf.offsets->data())[i]
                : reinterpret_cast<const int32_t*>(leaf.offsets->data())[i];
  };
  for (int64_t i = 0; i < leaf.slots; ++i) {
    strings.emplace_back(reinterpret_cast<const char*>(leaf.values->data()) + offset(i),
                         static_cast<size_t>(offset(i + 1) - offset(i)));
  }
  return strings;
}

/// A chunk of a mini-block page. Levels are raw.
struct TestChunk {
  std::vector<uint16_t> rep, def;
  std::vector<std::string> values;  // buffers
  uint32_t log2 = 0;                // of the number of values; 0 in the last chunk
  int num_levels = -1;              // if another number than there are levels

  std::string Encode(bool wide, bool has_rep, bool has_def) const {
    const size_t levels = std::max(rep.size(), def.size());
    std::string bytes =
        Number(static_cast<uint16_t>(num_levels >= 0 ? static_cast<size_t>(num_levels) : levels));
    if (has_rep) bytes += Number(static_cast<uint16_t>(rep.size() * 2));
    if (has_def) bytes += Number(static_cast<uint16_t>(def.size() * 2));
    for (const std::string& value : values) {
      bytes += wide ? Number(static_cast<uint32_t>(value.size()))
                    : Number(static_cast<uint16_t>(value.size()));
    }
    bytes = PadTo(bytes, 8);
    if (has_rep) bytes = PadTo(bytes + Raw(rep), 8);
    if (has_def) bytes = PadTo(bytes + Raw(def), 8);
    for (const std::string& value : values) bytes = PadTo(bytes + value, 8);
    return bytes;
  }
};

/// The two buffers of a mini-block page.
inline std::vector<std::string> EncodeChunks(const std::vector<TestChunk>& chunks, bool wide,
                                             bool has_rep, bool has_def) {
  std::string words, bytes;
  for (const TestChunk& chunk : chunks) {
    const std::string encoded = chunk.Encode(wide, has_rep, has_def);
    const uint32_t word = static_cast<uint32_t>(encoded.size() / 8 - 1) << 4 | chunk.log2;
    words += wide ? Number(word) : Number(static_cast<uint16_t>(word));
    bytes += encoded;
  }
  return {words, bytes};
}

}  // namespace pilum::encoding

#include "dataset/roaring_reader.h"

#include <bit>
#include <string>

namespace pilum::dataset {
namespace {

using bytes::ByteReader;
using bytes::Bytes;
using bytes::Corrupt;

constexpr uint32_t kCookieNoRuns = 12346;
constexpr uint32_t kCookieRuns = 12347;
constexpr uint32_t kMaxContainers = 65536;
constexpr uint32_t kContainerSpan = 65536;  // values that one container covers
constexpr uint32_t kMaxArraySize = 4096;
constexpr uint32_t kMinContainersWithOffsets = 4;  // when there are runs
constexpr size_t kBitmapWords = kContainerSpan / 64;

struct Container {
  uint32_t high;  // key << 16
  uint32_t cardinality;
  bool is_run;
};

arrow::Status Wrong(const Container& container, std::string_view why) {
  return Corrupt("the Roaring container of values from " + std::to_string(container.high) + " " +
                 std::string(why));
}

/// The cookie, the run flags and the keys with their cardinalities; leaves `reader` at the
/// containers.
arrow::Result<std::vector<Container>> ReadHeader(ByteReader& reader, uint64_t max_values) {
  ARROW_ASSIGN_OR_RAISE(uint32_t cookie, reader.Read<uint32_t>("Roaring cookie"));
  const bool has_runs = (cookie & 0xFFFF) == kCookieRuns;
  uint32_t count = (cookie >> 16) + 1;
  Bytes run_flags;
  if (has_runs) {
    ARROW_ASSIGN_OR_RAISE(run_flags, reader.Take((count + 7) / 8, "Roaring run flags"));
  } else if (cookie == kCookieNoRuns) {
    ARROW_ASSIGN_OR_RAISE(count, reader.Read<uint32_t>("Roaring container count"));
  } else {
    return Corrupt("the file starts with " + std::to_string(cookie) + ", no cookie of Roaring");
  }
  if (count > kMaxContainers) {
    return Corrupt(std::to_string(count) + " Roaring containers, at most 65536 are possible");
  }
  ARROW_ASSIGN_OR_RAISE(Bytes keys, reader.Take(uint64_t{count} * 4, "Roaring container keys"));
  std::vector<Container> containers(count);
  uint64_t values = 0;
  for (uint32_t i = 0; i < count; ++i) {
    Container& container = containers[i];
    container.high = uint32_t{bytes::Load<uint16_t>(&keys[i * 4])} << 16;
    container.cardinality = uint32_t{bytes::Load<uint16_t>(&keys[i * 4 + 2])} + 1;
    container.is_run = has_runs && (std::to_integer<int>(run_flags[i / 8]) >> (i % 8) & 1) != 0;
    if (i > 0 && container.high <= containers[i - 1].high) {
      return Wrong(container, "is not in order");
    }
    values += container.cardinality;
  }
  if (values > max_values) {
    return Corrupt("it holds " + std::to_string(values) + " values, at most " +
                   std::to_string(max_values) + " were expected");
  }
  if (!has_runs || count >= kMinContainersWithOffsets) {
    ARROW_RETURN_NOT_OK(reader.Take(uint64_t{count} * 4, "Roaring container offsets").status());
  }
  return containers;
}

arrow::Status ReadRuns(ByteReader& reader, const Container& container,
                       std::vector<uint32_t>* values) {
  ARROW_ASSIGN_OR_RAISE(uint16_t count, reader.Read<uint16_t>("Roaring run count"));
  ARROW_ASSIGN_OR_RAISE(Bytes runs, reader.Take(uint64_t{count} * 4, "Roaring runs"));
  const size_t before = values->size();
  uint32_t free = 0;  // the first value that no run has reached
  for (size_t i = 0; i < count; ++i) {
    uint32_t start = bytes::Load<uint16_t>(&runs[i * 4]);
    uint32_t end = start + bytes::Load<uint16_t>(&runs[i * 4 + 2]) + 1;
    if (start < free || end > kContainerSpan) return Wrong(container, "has overlapping runs");
    if (values->size() - before + (end - start) > container.cardinality) break;
    for (uint32_t low = start; low < end; ++low) values->push_back(container.high | low);
    free = end;
  }
  return arrow::Status::OK();
}

arrow::Status ReadArray(ByteReader& reader, const Container& container,
                        std::vector<uint32_t>* values) {
  ARROW_ASSIGN_OR_RAISE(Bytes array,
                        reader.Take(uint64_t{container.cardinality} * 2, "Roaring array"));
  uint32_t free = 0;
  for (uint32_t i = 0; i < container.cardinality; ++i) {
    uint32_t low = bytes::Load<uint16_t>(&array[i * 2]);
    if (low < free) return Wrong(container, "is not sorted");
    values->push_back(container.high | low);
    free = low + 1;
  }
  return arrow::Status::OK();
}

arrow::Status ReadBitmap(ByteReader& reader, const Container& container,
                         std::vector<uint32_t>* values) {
  ARROW_ASSIGN_OR_RAISE(Bytes words, reader.Take(kBitmapWords * 8, "Roaring bitmap"));
  uint32_t cardinality = 0;
  for (size_t i = 0; i < kBitmapWords; ++i) {
    cardinality += static_cast<uint32_t>(std::popcount(bytes::Load<uint64_t>(&words[i * 8])));
  }
  if (cardinality != container.cardinality)
    return Wrong(container, "does not hold its cardinality");
  for (size_t i = 0; i < kBitmapWords; ++i) {
    for (auto word = bytes::Load<uint64_t>(&words[i * 8]); word != 0; word &= word - 1) {
      auto low = static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word));
      values->push_back(container.high | low);
    }
  }
  return arrow::Status::OK();
}

arrow::Status ReadContainer(ByteReader& reader, const Container& container,
                            std::vector<uint32_t>* values) {
  const size_t before = values->size();
  if (container.is_run) {
    ARROW_RETURN_NOT_OK(ReadRuns(reader, container, values));
  } else if (container.cardinality <= kMaxArraySize) {
    ARROW_RETURN_NOT_OK(ReadArray(reader, container, values));
  } else {
    ARROW_RETURN_NOT_OK(ReadBitmap(reader, container, values));
  }
  if (values->size() - before == container.cardinality) return arrow::Status::OK();
  return Wrong(container, "does not hold its cardinality");
}

}  // namespace

arrow::Result<std::vector<uint32_t>> ReadRoaring(Bytes bytes, uint64_t max_values) {
  ByteReader reader(bytes);
  ARROW_ASSIGN_OR_RAISE(std::vector<Container> containers, ReadHeader(reader, max_values));
  std::vector<uint32_t> values;
  for (const Container& container : containers) {
    ARROW_RETURN_NOT_OK(ReadContainer(reader, container, &values));
  }
  if (reader.remaining() != 0) {
    return Corrupt(std::to_string(reader.remaining()) + " bytes follow the Roaring bitmap");
  }
  return values;
}

}  // namespace pilum::dataset

#include "file/shred.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/checked_cast.h>

#include "file/stored_array.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using bytes::Bytes;
using encoding::LeafRows;

constexpr int64_t kEnded = -1;  // below something null or empty

/// Whether values of an array may be null; cheaper to ask than to count.
bool HasNulls(const ArrayData& array) {
  return array.type->id() == arrow::Type::NA || array.GetNullCount() > 0;
}

bool IsNull(const ArrayData& array, int64_t i) {
  if (array.type->id() == arrow::Type::NA) return true;
  return array.buffers[0] && !arrow::bit_util::GetBit(array.buffers[0]->data(), array.offset + i);
}

/// The entries of a column while its layers are taken off, and where each is in the array of the
/// layer that comes next, counted from that array's offset.
struct Entries {
  std::vector<uint16_t> rep;
  std::vector<uint16_t> def;
  std::vector<int64_t> at;
};

/// Takes the nulls of a layer: its entries end there.
void TakeNulls(const ArrayData& array, uint16_t null_level, Entries* entries) {
  if (!HasNulls(array)) return;
  for (size_t i = 0; i < entries->at.size(); ++i) {
    if (entries->at[i] == kEnded || !IsNull(array, entries->at[i])) continue;
    entries->def[i] = null_level;
    entries->at[i] = kEnded;
  }
}

/// Replaces each list by its items. `rep` is that of items after the first.
template <typename Offset>
void TakeLists(const ArrayData& array, uint16_t rep, uint16_t empty_level, Entries* entries) {
  const Offset* offsets = array.GetValues<Offset>(1);
  Entries items;
  items.rep.reserve(entries->rep.size());
  items.def.reserve(entries->def.size());
  items.at.reserve(entries->at.size());
  for (size_t i = 0; i < entries->at.size(); ++i) {
    const int64_t at = entries->at[i];
    const Offset begin = at == kEnded ? Offset{0} : offsets[at];
    const Offset end = at == kEnded ? Offset{0} : offsets[at + 1];
    items.rep.push_back(entries->rep[i]);
    if (begin == end) {
      items.def.push_back(at == kEnded ? entries->def[i] : empty_level);
      items.at.push_back(kEnded);
      continue;
    }
    const auto count = static_cast<size_t>(end - begin);
    items.rep.insert(items.rep.end(), count - 1, rep);
    items.def.insert(items.def.end(), count, 0);
    for (Offset item = begin; item < end; ++item) items.at.push_back(item);
  }
  *entries = std::move(items);
}

/// Replaces each fixed-size list of structs by its items; what has ended repeats as well.
void TakeFixedSizeLists(const ArrayData& array, int64_t size, Entries* entries) {
  Entries items;
  for (size_t i = 0; i < entries->at.size(); ++i) {
    for (int64_t k = 0; k < size; ++k) {
      const int64_t at = entries->at[i];
      items.def.push_back(entries->def[i]);
      items.at.push_back(at == kEnded ? kEnded : (at + array.offset) * size + k);
    }
  }
  *entries = std::move(items);
}

void Move(int64_t offset, Entries* entries) {
  if (offset == 0) return;
  for (int64_t& at : entries->at) {
    if (at != kEnded) at += offset;
  }
}

/// Slots [slot, slot + count) are the values [at, at + count) of an array.
struct SlotRun {
  int64_t slot = 0;
  int64_t at = 0;
  int64_t count = 0;
};

/// The values of the slots, gathered from the array of a leaf.
class ValueGatherer {
 public:
  ValueGatherer(std::vector<SlotRun> runs, int64_t slots, arrow::MemoryPool* pool, LeafRows* rows)
      : runs_(std::move(runs)), slots_(slots), pool_(pool), rows_(rows) {}

  Status Gather(const ArrayData& array, const encoding::LeafType& type) {
    if (slots_ == 0 || type.shape.bits + type.shape.variable == 0) return Status::OK();
    switch (array.type->id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        return GatherVariable<int32_t>(array);
      case arrow::Type::LARGE_STRING:
      case arrow::Type::LARGE_BINARY:
        return GatherVariable<int64_t>(array);
      case arrow::Type::FIXED_SIZE_LIST:
        return GatherLists(array, type);
      case arrow::Type::DICTIONARY:
        rows_->dictionary = arrow::MakeArray(array.dictionary);
        break;
      default:
        break;
    }
    ARROW_ASSIGN_OR_RAISE(rows_->values.fixed, Fixed(array.buffers[1], array.offset,
                                                     static_cast<int64_t>(type.shape.bits), 1));
    return Status::OK();
  }

 private:
  bool InOneRun() const { return runs_.size() == 1 && runs_[0].count == slots_; }

  Bytes Keep(const std::shared_ptr<arrow::Buffer>& buffer, int64_t offset, int64_t size) {
    rows_->memory.push_back(buffer);
    return {reinterpret_cast<const std::byte*>(buffer->data()) + offset, static_cast<size_t>(size)};
  }

  // Items of `bits` bits, `per_slot` of them for each slot; value 0 of the array is item `first`.
  Result<Bytes> Fixed(const std::shared_ptr<arrow::Buffer>& buffer, int64_t first, int64_t bits,
                      int64_t per_slot) {
    const int64_t width = bits * per_slot;
    const int64_t base = first * bits;
    if (InOneRun() && (base + runs_[0].at * width) % 8 == 0) {
      return Keep(buffer, (base + runs_[0].at * width) / 8,
                  arrow::bit_util::BytesForBits(slots_ * width));
    }
    const int64_t size = arrow::bit_util::BytesForBits(slots_ * width);
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> gathered,
                          arrow::AllocateBuffer(size, pool_));
    uint8_t* to = gathered->mutable_data();
    std::memset(to, 0, static_cast<size_t>(size));  // also what is null
    for (const SlotRun& run : runs_) {
      if (bits % 8 == 0) {
        std::memcpy(to + run.slot * width / 8, buffer->data() + (base + run.at * width) / 8,
                    static_cast<size_t>(run.count * width / 8));
      } else {
        arrow::internal::CopyBitmap(buffer->data(), base + run.at * width, run.count * width, to,
                                    run.slot * width);
      }
    }
    return Keep(gathered, 0, size);
  }

  Status GatherLists(const ArrayData& array, const encoding::LeafType& type) {
    const ArrayData* items = &array;
    int64_t first = array.offset;
    int64_t per_slot = 1;
    for (uint64_t size : type.shape.list_sizes) {
      items = items->child_data[0].get();
      first = first * static_cast<int64_t>(size) + items->offset;
      per_slot *= static_cast<int64_t>(size);
      Bytes validity;
      if (items->buffers[0] && items->GetNullCount() > 0) {
        ARROW_ASSIGN_OR_RAISE(validity, Fixed(items->buffers[0], first, 1, per_slot));
      }
      rows_->values.item_validity.push_back(validity);
    }
    const auto bits = static_cast<int64_t>(type.shape.bits) / per_slot;
    ARROW_ASSIGN_OR_RAISE(rows_->values.fixed, Fixed(items->buffers[1], first, bits, per_slot));
    return Status::OK();
  }

  template <typename Offset>
  Status GatherVariable(const ArrayData& array) {
    const Offset* from = array.GetValues<Offset>(1);
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                          arrow::AllocateBuffer((slots_ + 1) * int64_t{sizeof(uint32_t)}, pool_));
    auto* to = reinterpret_cast<uint32_t*>(offsets->mutable_data());
    uint64_t size = 0;
    int64_t slot = 0;
    for (const SlotRun& run : runs_) {
      while (slot < run.slot) to[slot++] = static_cast<uint32_t>(size);
      const uint64_t base = size - static_cast<uint64_t>(from[run.at]);
      for (int64_t i = 0; i < run.count; ++i)
        to[slot++] = static_cast<uint32_t>(base + static_cast<uint64_t>(from[run.at + i]));
      size += static_cast<uint64_t>(from[run.at + run.count] - from[run.at]);
      if (size > UINT32_MAX)
        return MakeError(ErrorKind::kUnsupported, "values of more than 4 GiB in one page");
    }
    while (slot <= slots_) to[slot++] = static_cast<uint32_t>(size);
    rows_->values.offsets = {to, static_cast<size_t>(slots_ + 1)};
    rows_->memory.push_back(std::move(offsets));
    if (size == 0) return Status::OK();
    if (InOneRun()) {
      rows_->values.bytes = Keep(array.buffers[2], from[runs_[0].at], static_cast<int64_t>(size));
      return Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes,
                          arrow::AllocateBuffer(static_cast<int64_t>(size), pool_));
    for (const SlotRun& run : runs_) {
      std::memcpy(bytes->mutable_data() + rows_->values.offsets[static_cast<size_t>(run.slot)],
                  array.buffers[2]->data() + from[run.at],
                  static_cast<size_t>(from[run.at + run.count] - from[run.at]));
    }
    rows_->values.bytes = Keep(bytes, 0, static_cast<int64_t>(size));
    return Status::OK();
  }

  const std::vector<SlotRun> runs_;
  const int64_t slots_;
  arrow::MemoryPool* const pool_;
  LeafRows* const rows_;
};

/// What the leaf's column holds of its values.
Result<std::shared_ptr<ArrayData>> ToStored(const LeafColumn& leaf,
                                            std::shared_ptr<ArrayData> values,
                                            arrow::MemoryPool* pool, LeafRows* rows) {
  if (leaf.node->kind == NodeKind::kLeaf && values->type->id() == arrow::Type::STRUCT &&
      values->GetNullCount() > 0) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "a struct without fields cannot be null in a Lance file");
  }
  ARROW_ASSIGN_OR_RAISE(StoredArray stored,
                        MakeStoredArray(*leaf.node, leaf.type, std::move(values), pool));
  rows->row_wire = std::move(stored.row_wire);
  return std::move(stored.array);
}

// A column of rows without structure around them.
Status ShredFlat(const std::shared_ptr<ArrayData>& field, const LeafColumn& leaf,
                 arrow::MemoryPool* pool, LeafRows* rows) {
  ARROW_ASSIGN_OR_RAISE(const auto stored, ToStored(leaf, field, pool, rows));
  const ArrayData& array = *stored;
  const auto n = static_cast<uint64_t>(array.length);
  rows->rows = rows->entries = rows->slots = n;
  const bool all_null = array.type->id() == arrow::Type::STRUCT;  // as the format has it
  if (all_null || HasNulls(array)) {
    rows->def.resize(n);
    for (int64_t i = 0; i < array.length; ++i)
      rows->def[static_cast<size_t>(i)] = all_null || IsNull(array, i) ? 1 : 0;
  }
  return ValueGatherer({{0, 0, array.length}}, array.length, pool, rows).Gather(array, leaf.type);
}

/// Takes off the layers around a leaf. Returns the leaf's array.
class Unwrapper {
 public:
  Unwrapper(const LeafColumn& leaf, Entries* entries)
      : leaf_(leaf), entries_(entries), list_(leaf.scheme.num_lists()) {}

  Result<std::shared_ptr<ArrayData>> Unwrap(std::shared_ptr<ArrayData> array) {
    for (size_t depth = 0; depth + 1 < leaf_.path.size(); ++depth) {
      const FieldNode& node = *leaf_.path[depth];
      const uint16_t null_level = NullLevel(depth);
      TakeNulls(*array, null_level, entries_);
      if (node.kind == NodeKind::kStruct) {
        Move(array->offset, entries_);
      } else if (node.kind == NodeKind::kFixedSizeListOfStruct) {
        TakeFixedSizeLists(*array, ListSize(node), entries_);
      } else {
        const auto rep = static_cast<uint16_t>(--list_);
        const auto empty_level = static_cast<uint16_t>(null_level + 1);
        if (array->type->id() == arrow::Type::LARGE_LIST) {
          TakeLists<int64_t>(*array, rep, empty_level, entries_);
        } else {
          TakeLists<int32_t>(*array, rep, empty_level, entries_);
        }
      }
      array = array->child_data[ChildOf(node, leaf_.path[depth + 1])];
    }
    return array;
  }

  uint16_t NullLevel(size_t depth) const {
    return leaf_.scheme.null_level(leaf_.scheme.layers().size() - 1 - depth);
  }

 private:
  static size_t ChildOf(const FieldNode& node, const FieldNode* child) {
    return static_cast<size_t>(child - node.children.data());
  }

  const LeafColumn& leaf_;
  Entries* entries_;
  int list_;
};

// The values of the entries that own a slot.
std::vector<SlotRun> RunsOf(const Entries& entries, uint16_t max_visible, int64_t* slots) {
  std::vector<SlotRun> runs;
  for (size_t i = 0; i < entries.at.size(); ++i) {
    if (entries.def[i] > max_visible) continue;
    const int64_t at = entries.at[i];
    const int64_t slot = (*slots)++;
    if (at == kEnded) continue;
    if (!runs.empty() && runs.back().slot + runs.back().count == slot &&
        runs.back().at + runs.back().count == at) {
      ++runs.back().count;
    } else {
      runs.push_back({slot, at, 1});
    }
  }
  return runs;
}

Status ShredNested(const std::shared_ptr<ArrayData>& field, const LeafColumn& leaf,
                   arrow::MemoryPool* pool, LeafRows* rows) {
  Entries entries;
  const auto n = static_cast<size_t>(field->length);
  entries.rep.assign(n, leaf.scheme.num_lists());
  entries.def.assign(n, 0);
  for (size_t i = 0; i < n; ++i) entries.at.push_back(static_cast<int64_t>(i));
  Unwrapper unwrapper(leaf, &entries);
  ARROW_ASSIGN_OR_RAISE(auto values, unwrapper.Unwrap(field));
  ARROW_ASSIGN_OR_RAISE(auto array, ToStored(leaf, std::move(values), pool, rows));
  // The leaf's own nulls keep their place: a value that is never looked at.
  const bool all_null = array->type->id() == arrow::Type::STRUCT;
  for (size_t i = 0; i < entries.at.size(); ++i) {
    if (entries.at[i] != kEnded && (all_null || IsNull(*array, entries.at[i])))
      entries.def[i] = leaf.scheme.null_level(0);
  }
  int64_t slots = 0;
  auto runs = RunsOf(entries, leaf.scheme.max_visible(), &slots);
  rows->entries = entries.at.size();
  rows->rows = leaf.slots_per_row > 1 ? rows->entries : n;
  rows->slots = static_cast<uint64_t>(slots);
  if (leaf.scheme.num_lists() > 0) rows->rep = std::move(entries.rep);
  if (std::any_of(entries.def.begin(), entries.def.end(), [](uint16_t def) { return def > 0; }))
    rows->def = std::move(entries.def);
  return ValueGatherer(std::move(runs), slots, pool, rows).Gather(*array, leaf.type);
}

}  // namespace

Result<LeafRows> Shred(const std::shared_ptr<ArrayData>& field, const LeafColumn& leaf,
                       arrow::MemoryPool* pool) {
  LeafRows rows;
  if (leaf.path.size() > 1) {
    ARROW_RETURN_NOT_OK(ShredNested(field, leaf, pool, &rows));
    return rows;
  }
  ARROW_RETURN_NOT_OK(ShredFlat(field, leaf, pool, &rows));
  return rows;
}

}  // namespace pilum::file

#include "encoding/v2_0/leaf_read.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "encoding/items_array.h"
#include "encoding/page_layout/dictionary.h"

namespace pilum::encoding::v2_0 {
namespace {

using arrow::Result;
using arrow::Status;
using Slots = std::vector<SlotRange>;

/// Binary values are put in blocks of about so many stored bytes, which caches hold.
constexpr uint64_t kBlockBytes = 1 << 20;

/// The symbol table of compressed values; null if they are stored as they are.
const FsstTable* TableOf(const BinaryArray& binary) {
  return binary.fsst && binary.fsst->compressed() ? &*binary.fsst : nullptr;
}

/// The values at `positions`; their bytes are `stored`.
Result<Values> MakeValues(std::span<const uint64_t> positions, Bytes stored, const FsstTable* fsst,
                          Arena* arena) {
  if (stored.size() > INT32_MAX) return bytes::Corrupt("values of more than 2 GiB");
  uint32_t* offsets = arena->AllocateArray<uint32_t>(positions.size());
  std::transform(positions.begin(), positions.end(), offsets,
                 [&](uint64_t position) { return static_cast<uint32_t>(position - positions[0]); });
  Values values;
  values.offsets = {offsets, positions.size()};
  values.bytes = stored;
  if (!fsst) return values;
  return fsst->DecodeValues(values, 0, static_cast<uint32_t>(positions.size() - 1), arena);
}

uint64_t CountSlots(const Slots& slots) {
  uint64_t total = 0;
  for (const SlotRange& range : slots) total += range.count;
  return total;
}

void WantAll(const Slots& slots, uint64_t items, BufferRead* read) {
  for (const SlotRange& range : slots) read->Want(range.first * items, range.count * items);
}

/// The bitmap that says which values are not null; without one, all are.
class ValidityRead {
 public:
  ValidityRead(const std::optional<FlatBuffer>& bitmap, const Slots& slots) {
    if (!bitmap) return;
    bits_.emplace(*bitmap);
    WantAll(slots, 1, &*bits_);
  }

  Status Request(std::vector<ByteRange>* ranges) const {
    return bits_ ? bits_->Request(ranges) : Status::OK();
  }
  Status Accept(std::span<const Bytes>* fetched, Arena* arena) {
    return bits_ ? bits_->Accept(fetched, arena) : Status::OK();
  }
  /// As levels, 1 = null; empty if all are valid.
  std::span<const uint16_t> Get(const SlotRange& range, Arena* scratch) {
    if (!bits_) return {};
    const Bytes bits = bits_->Get(range.first, range.count, scratch);
    uint16_t* def = scratch->AllocateArray<uint16_t>(range.count);
    for (uint64_t i = 0; i < range.count; ++i)
      def[i] = !((static_cast<uint8_t>(bits[i / 8]) >> (i % 8)) & 1);
    return {def, range.count};
  }
  /// Puts the nulls of all the slots.
  Status Put(const Slots& slots, int64_t slot, LeafBuilder* builder) {
    Arena scratch;
    for (const SlotRange& range : slots) {
      scratch.Reset();
      ARROW_RETURN_NOT_OK(builder->PutValidity(slot, Get(range, &scratch)));
      slot += static_cast<int64_t>(range.count);
    }
    return Status::OK();
  }

 private:
  std::optional<BufferRead> bits_;
};

class AllNullRead final : public LeafRead {
 public:
  explicit AllNullRead(Slots slots) : slots_(std::move(slots)) {}

  Status RequestFirst(std::vector<ByteRange>*) override { return Status::OK(); }
  Status Decode(std::span<const Bytes>, std::span<const Bytes>, int64_t slot, Arena*,
                LeafBuilder* builder) override {
    return builder->PutNulls(slot, CountSlots(slots_));
  }

 private:
  Slots slots_;
};

class FixedRead final : public LeafRead {
 public:
  FixedRead(const LeafPage& page, Slots slots)
      : slots_(std::move(slots)),
        validity_(page.validity(), slots_),
        items_(page.items_per_slot()) {
    if (page.values()) {
      values_.emplace(*page.values());
      WantAll(slots_, items_, &*values_);
    }
    for (const LeafPage::ListLevel& level : page.lists()) {
      levels_.push_back({level.items, std::nullopt});
      if (!level.validity) continue;
      levels_.back().bitmap.emplace(*level.validity);
      WantAll(slots_, level.items, &*levels_.back().bitmap);
    }
  }

  Status RequestFirst(std::vector<ByteRange>* ranges) override {
    ARROW_RETURN_NOT_OK(validity_.Request(ranges));
    if (values_) ARROW_RETURN_NOT_OK(values_->Request(ranges));
    for (const Level& level : levels_) {
      if (level.bitmap) ARROW_RETURN_NOT_OK(level.bitmap->Request(ranges));
    }
    return Status::OK();
  }

  Status Decode(std::span<const Bytes> fetched, std::span<const Bytes>, int64_t slot, Arena* arena,
                LeafBuilder* builder) override {
    ARROW_RETURN_NOT_OK(validity_.Accept(&fetched, arena));
    if (values_) ARROW_RETURN_NOT_OK(values_->Accept(&fetched, arena));
    for (Level& level : levels_) {
      if (level.bitmap) ARROW_RETURN_NOT_OK(level.bitmap->Accept(&fetched, arena));
    }
    ARROW_RETURN_NOT_OK(validity_.Put(slots_, slot, builder));
    // Zeros stand for values that are not stored, and need not be made all at once.
    const uint64_t bits = std::max<uint64_t>(1, builder->type().shape.bits);
    const uint64_t block = values_ ? UINT64_MAX : std::max<uint64_t>(1, kBlockBytes * 8 / bits);
    Arena scratch;
    for (SlotRange left : slots_) {
      while (left.count > 0) {
        const uint64_t n = std::min(left.count, block);
        scratch.Reset();
        ARROW_RETURN_NOT_OK(PutRange({left.first, n}, slot, &scratch, builder));
        left = {left.first + n, left.count - n};
        slot += static_cast<int64_t>(n);
      }
    }
    return Status::OK();
  }

 private:
  struct Level {
    uint64_t items = 0;  // per slot
    std::optional<BufferRead> bitmap;
  };

  Status PutRange(const SlotRange& range, int64_t slot, Arena* scratch, LeafBuilder* builder) {
    row_.item_validity.clear();
    for (Level& level : levels_) {
      row_.item_validity.push_back(
          level.bitmap
              ? level.bitmap->Get(range.first * level.items, range.count * level.items, scratch)
              : Bytes());
    }
    row_.fixed = values_ ? values_->Get(range.first * items_, range.count * items_, scratch)
                         : NullItems(range.count, builder->type().shape, scratch);
    return builder->Put(slot, row_, 0, range.count, false);
  }

  // The items of the innermost level described, and of those below, are null.
  Bytes NullItems(uint64_t count, const ValueShape& shape, Arena* scratch) {
    const uint64_t size = (count * shape.bits + 7) / 8;
    std::byte* zeros = scratch->Allocate(size);
    std::memset(zeros, 0, size);
    row_.item_validity.resize(levels_.size() - 1);
    row_.item_validity.resize(shape.list_sizes.size(), Bytes(zeros, size));
    return Bytes(zeros, size);
  }

  Slots slots_;
  ValidityRead validity_;
  uint64_t items_;
  std::optional<BufferRead> values_;
  std::vector<Level> levels_;
  Values row_;
};

class BinaryRead final : public LeafRead {
 public:
  BinaryRead(const LeafPage& page, Slots slots)
      : slots_(std::move(slots)),
        validity_(page.validity(), slots_),
        ends_(page.binary().ends, page.binary().null_adjustment),
        bytes_(page.binary().bytes),
        fsst_(TableOf(page.binary())) {
    ends_.Want(slots_);
  }

  Status RequestFirst(std::vector<ByteRange>* ranges) override {
    ARROW_RETURN_NOT_OK(ends_.Request(ranges));
    return validity_.Request(ranges);
  }

  Status RequestSecond(std::span<const Bytes> fetched, std::vector<ByteRange>* ranges,
                       Arena* arena) override {
    ARROW_RETURN_NOT_OK(ends_.Parse(slots_, &fetched, arena));
    validity_ranges_ = fetched.size();
    const uint64_t* positions = ends_.positions().data();
    for (const SlotRange& range : slots_) {
      bytes_.Want(positions[0], positions[range.count] - positions[0]);
      positions += range.count + 1;
    }
    return bytes_.Request(ranges);
  }

  Status Decode(std::span<const Bytes> fetched, std::span<const Bytes> second, int64_t slot,
                Arena* arena, LeafBuilder* builder) override {
    ARROW_RETURN_NOT_OK(bytes_.Accept(&second, arena));
    ARROW_RETURN_NOT_OK(ends_.CheckTotal(bytes_.total_bytes()));
    fetched = fetched.last(validity_ranges_);
    ARROW_RETURN_NOT_OK(validity_.Accept(&fetched, arena));
    ARROW_RETURN_NOT_OK(validity_.Put(slots_, slot, builder));
    ARROW_RETURN_NOT_OK(builder->PutValidity(slot, ends_.def()));
    const uint64_t* positions = ends_.positions().data();
    for (const SlotRange& range : slots_) {
      ARROW_RETURN_NOT_OK(PutRange({positions, range.count + 1}, slot, builder));
      positions += range.count + 1;
      slot += static_cast<int64_t>(range.count);
    }
    return Status::OK();
  }

 private:
  Status PutRange(std::span<const uint64_t> positions, int64_t slot, LeafBuilder* builder) {
    const Bytes bytes =
        bytes_.Get(positions.front(), positions.back() - positions.front(), nullptr);
    const uint64_t base = positions.front();
    while (positions.size() > 1) {
      const auto behind =
          std::upper_bound(positions.begin() + 1, positions.end(), positions[0] + kBlockBytes);
      const size_t n = std::max<size_t>(1, static_cast<size_t>(behind - positions.begin()) - 1);
      const Bytes block = bytes.subspan(positions[0] - base, positions[n] - positions[0]);
      ARROW_RETURN_NOT_OK(PutBlock(positions.first(n + 1), block, slot, builder));
      positions = positions.subspan(n);
      slot += static_cast<int64_t>(n);
    }
    return Status::OK();
  }

  Status PutBlock(std::span<const uint64_t> positions, Bytes block, int64_t slot,
                  LeafBuilder* builder) {
    const size_t n = positions.size() - 1;
    if (n == 1 && !fsst_) return builder->PutBytes(slot, block, false);
    scratch_.Reset();
    auto values = MakeValues(positions, block, fsst_, &scratch_);
    if (!values.ok()) return bytes_.Context(values.status());
    return builder->Put(slot, *values, 0, n, false);
  }

  Slots slots_;
  ValidityRead validity_;
  EndsRead ends_;
  BufferRead bytes_;
  const FsstTable* fsst_;
  size_t validity_ranges_ = 0;  // at the end of those of the first round
  Arena scratch_;               // of a block
};

/// The items of a dictionary page.
class ItemsRead {
 public:
  explicit ItemsRead(const LeafPage& page)
      : all_{{0, page.num_items()}},
        validity_(page.item_validity(), all_),
        ends_(page.binary().ends, page.binary().null_adjustment),
        bytes_(page.fixed_items() ? *page.fixed_items() : page.binary().bytes),
        fixed_(page.fixed_items().has_value()),
        fsst_(TableOf(page.binary())) {
    if (fixed_) {
      bytes_.Want(0, page.num_items());
    } else {
      ends_.Want(all_);
      bytes_.Want(0, page.binary().bytes.compression ? 0 : page.binary().bytes.range.length);
    }
  }

  Status Request(std::vector<ByteRange>* ranges) const {
    ARROW_RETURN_NOT_OK(bytes_.Request(ranges));
    ARROW_RETURN_NOT_OK(ends_.Request(ranges));
    return validity_.Request(ranges);
  }

  Status Accept(std::span<const Bytes>* fetched, Arena* arena) {
    ARROW_RETURN_NOT_OK(bytes_.Accept(fetched, arena));
    if (fixed_) {
      values_.fixed = bytes_.Get(0, size(), arena);
    } else {
      ARROW_RETURN_NOT_OK(ends_.Parse(all_, fetched, arena));
      ARROW_RETURN_NOT_OK(ends_.CheckTotal(bytes_.total_bytes()));
      const Bytes stored = bytes_.Get(0, ends_.positions().back(), arena);
      auto values = MakeValues(ends_.positions(), stored, fsst_, arena);
      if (!values.ok()) return bytes_.Context(values.status());
      values_ = *std::move(values);
      null_ = ends_.def();
    }
    ARROW_RETURN_NOT_OK(validity_.Accept(fetched, arena));
    const auto def = validity_.Get(all_[0], arena);
    if (!def.empty()) null_ = def;
    if (std::count(null_.begin(), null_.end(), 0) == static_cast<int64_t>(size())) null_ = {};
    return Status::OK();
  }

  uint64_t size() const { return all_[0].count; }
  const Values& values() const { return values_; }
  bool has_nulls() const { return !null_.empty(); }
  bool is_null(uint64_t item) const { return has_nulls() && null_[item] != 0; }

 private:
  Slots all_;
  ValidityRead validity_;
  EndsRead ends_;
  BufferRead bytes_;
  bool fixed_;
  const FsstTable* fsst_;
  Values values_;
  std::span<const uint16_t> null_;  // 1 = null; empty if no item is
};

class DictionaryRead final : public LeafRead {
 public:
  DictionaryRead(const LeafPage& page, Slots slots)
      : slots_(std::move(slots)),
        validity_(page.validity(), slots_),
        indices_(*page.values()),
        bits_(page.values()->bits),
        items_(page) {
    WantAll(slots_, 1, &indices_);
  }

  Status RequestFirst(std::vector<ByteRange>* ranges) override {
    ARROW_RETURN_NOT_OK(validity_.Request(ranges));
    ARROW_RETURN_NOT_OK(indices_.Request(ranges));
    return items_.Request(ranges);
  }

  Status Decode(std::span<const Bytes> fetched, std::span<const Bytes>, int64_t slot, Arena* arena,
                LeafBuilder* builder) override {
    ARROW_RETURN_NOT_OK(validity_.Accept(&fetched, arena));
    ARROW_RETURN_NOT_OK(indices_.Accept(&fetched, arena));
    ARROW_RETURN_NOT_OK(items_.Accept(&fetched, arena));
    ARROW_RETURN_NOT_OK(validity_.Put(slots_, slot, builder));
    const Bytes indices = JoinIndices(arena);
    if (!builder->type().dictionary) return PutItems(indices, slot, arena, builder);
    if (items_.has_nulls()) ARROW_RETURN_NOT_OK(PutNullKeys(indices, slot, arena, builder));
    ARROW_ASSIGN_OR_RAISE(auto dictionary, MakeItemsArray(builder->type().dictionary_type,
                                                          items_.values(), items_.size()));
    ARROW_RETURN_NOT_OK(builder->UseDictionary(dictionary));
    Values keys;
    keys.fixed = indices;
    return builder->Put(slot, keys, 0, CountSlots(slots_), false);
  }

 private:
  // The indices of all the slots side by side.
  Bytes JoinIndices(Arena* arena) {
    if (slots_.size() == 1) return indices_.Get(slots_[0].first, slots_[0].count, arena);
    const uint64_t size = CountSlots(slots_) * bits_ / 8;
    std::byte* joined = arena->Allocate(size);
    std::byte* to = joined;
    for (const SlotRange& range : slots_) {
      const Bytes stored = indices_.Get(range.first, range.count, arena);
      to = std::copy(stored.begin(), stored.end(), to);
    }
    return {joined, size};
  }

  std::span<uint64_t> Load(Bytes indices, Arena* arena) const {
    const uint64_t n = CountSlots(slots_);
    const std::span<uint64_t> loaded(arena->AllocateArray<uint64_t>(n), n);
    LoadIndices(indices.data(), bits_, loaded);
    return loaded;
  }

  // Strings: index 0 is a null.
  Status PutItems(Bytes indices, int64_t slot, Arena* arena, LeafBuilder* builder) {
    const std::span<uint64_t> index = Load(indices, arena);
    uint16_t* def = arena->AllocateArray<uint16_t>(index.size());
    for (size_t i = 0; i < index.size(); ++i) {
      if (index[i] > items_.size()) {
        return indices_.Context(bytes::Corrupt("dictionary index " + std::to_string(index[i]) +
                                               " of " + std::to_string(items_.size()) + " items"));
      }
      def[i] = index[i] == 0 || items_.is_null(index[i] - 1);
      index[i] = def[i] ? LeafBuilder::kNoItem : index[i] - 1;
    }
    ARROW_RETURN_NOT_OK(builder->PutValidity(slot, {def, index.size()}));
    return builder->PutGathered(slot, items_.values(), index);
  }

  // Keys of an Arrow dictionary column: a key of a null item is a null.
  Status PutNullKeys(Bytes indices, int64_t slot, Arena* arena, LeafBuilder* builder) {
    const std::span<const uint64_t> keys = Load(indices, arena);
    uint16_t* def = arena->AllocateArray<uint16_t>(keys.size());
    for (size_t i = 0; i < keys.size(); ++i)
      def[i] = keys[i] < items_.size() && items_.is_null(keys[i]);
    return builder->PutValidity(slot, {def, keys.size()});
  }

  Slots slots_;
  ValidityRead validity_;
  BufferRead indices_;
  uint64_t bits_;
  ItemsRead items_;
};

}  // namespace

std::unique_ptr<LeafRead> LeafRead::Make(const LeafPage& page, std::vector<SlotRange> slots) {
  switch (page.kind()) {
    case LeafPage::Kind::kAllNull:
      return std::make_unique<AllNullRead>(std::move(slots));
    case LeafPage::Kind::kFixed:
      return std::make_unique<FixedRead>(page, std::move(slots));
    case LeafPage::Kind::kBinary:
      return std::make_unique<BinaryRead>(page, std::move(slots));
    default:
      return std::make_unique<DictionaryRead>(page, std::move(slots));
  }
}

}  // namespace pilum::encoding::v2_0

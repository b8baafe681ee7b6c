#include "encoding/leaf_builder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <arrow/util/bitmap_ops.h>

#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

const uint8_t* AsUint8(const std::byte* p) { return reinterpret_cast<const uint8_t*>(p); }
std::byte* AsBytes(uint8_t* p) { return reinterpret_cast<std::byte*>(p); }

uint64_t BytesFor(uint64_t bits) { return (bits + 7) / 8; }

Status TooManyBytes() {
  return MakeError(
      ErrorKind::kInvalidArgument,
      "more than 2 GiB of string or binary values in one batch; ask for a smaller batch size");
}

// Grows by doubling, so that appending stays linear.
Status GrowTo(arrow::ResizableBuffer* buffer, uint64_t size) {
  if (static_cast<uint64_t>(buffer->capacity()) < size) {
    ARROW_RETURN_NOT_OK(
        buffer->Reserve(std::max<int64_t>(static_cast<int64_t>(size), buffer->capacity() * 2)));
  }
  return buffer->Resize(static_cast<int64_t>(size), /*shrink_to_fit=*/false);
}

template <typename Offset>
void RebaseOffsets(const uint32_t* offsets, uint64_t n, uint64_t base, Offset* out) {
  const Offset shift = static_cast<Offset>(base - offsets[0]);
  for (uint64_t i = 1; i <= n; ++i) out[i] = static_cast<Offset>(offsets[i]) + shift;
}

template <typename Key>
void Translate(Key* keys, uint64_t n, const int32_t* map, uint64_t dictionary_length) {
  for (uint64_t i = 0; i < n; ++i) {
    // A key out of range belongs to a null slot or is an error; which one is known at assembly.
    keys[i] = keys[i] < dictionary_length ? static_cast<Key>(map ? map[keys[i]] : keys[i])
                                          : static_cast<Key>(~Key{0});
  }
}

/// `width` is a constant where single values can be copied without a call.
template <typename Width>
void Scatter(std::span<const Run> runs, const std::byte* from, uint64_t begin, uint64_t end,
             Width width, std::byte* to) {
  for (const Run& run : runs) {
    const Run part = run.Within(begin, end);
    const std::byte* in = from + (part.row - begin) * width;
    std::byte* out = to + static_cast<uint64_t>(part.slot) * width;
    if (part.count == 1) {
      std::memcpy(out, in, width);
    } else if (in != out) {
      std::memcpy(out, in, part.count * width);
    }
  }
}

template <uint64_t kWidth>
using Constant = std::integral_constant<uint64_t, kWidth>;

}  // namespace

LeafBuilder::LeafBuilder(const LeafType& type, const LevelScheme& scheme, bool nested,
                         bool in_order, arrow::MemoryPool* pool)
    : type_(type), scheme_(scheme), nested_(nested), in_order_(in_order), pool_(pool) {
  item_validity_.resize(type_.shape.list_sizes.size());
}

Result<std::unique_ptr<LeafBuilder>> LeafBuilder::MakeFlat(const LeafType& type, int64_t slots,
                                                           bool in_order, arrow::MemoryPool* pool) {
  std::unique_ptr<LeafBuilder> builder(new LeafBuilder(type, LevelScheme(), false, in_order, pool));
  ARROW_RETURN_NOT_OK(builder->GrowSlots(slots));
  builder->next_slot_ = slots;
  return builder;
}

Result<std::unique_ptr<LeafBuilder>> LeafBuilder::MakeNested(const LeafType& type,
                                                             const LevelScheme& scheme,
                                                             arrow::MemoryPool* pool) {
  std::unique_ptr<LeafBuilder> builder(new LeafBuilder(type, scheme, true, true, pool));
  ARROW_RETURN_NOT_OK(builder->GrowSlots(0));
  return builder;
}

Status LeafBuilder::GrowSlots(int64_t slots) {
  if (!values_) {
    ARROW_ASSIGN_OR_RAISE(auto values, arrow::AllocateResizableBuffer(0, pool_));
    values_ = std::move(values);
    if (type_.shape.variable && in_order_) {
      ARROW_ASSIGN_OR_RAISE(auto offsets, arrow::AllocateResizableBuffer(0, pool_));
      offsets_ = std::move(offsets);
    }
  }
  capacity_ = slots;
  if (!type_.shape.variable) {
    const unsigned __int128 bits = static_cast<unsigned __int128>(slots) * type_.shape.bits;
    if (bits >> 50) return bytes::Corrupt("a column of more than 2^50 bits");
    return GrowTo(values_.get(), BytesFor(static_cast<uint64_t>(bits)));
  }
  if (in_order_) {
    const uint64_t width = type_.wide_offsets ? 8 : 4;
    ARROW_RETURN_NOT_OK(GrowTo(offsets_.get(), (static_cast<uint64_t>(slots) + 1) * width));
    if (num_offsets_ == 0) std::memset(offsets_->mutable_data(), 0, width);
  } else {
    views_.resize(static_cast<size_t>(slots));
  }
  return Status::OK();
}

Result<int64_t> LeafBuilder::AppendSlots(int64_t n) {
  int64_t first = next_slot_;
  next_slot_ += n;
  ARROW_RETURN_NOT_OK(GrowSlots(next_slot_));
  return first;
}

Status LeafBuilder::ReserveBytes(uint64_t n) {
  if (!type_.shape.variable || !in_order_) return Status::OK();
  return values_->Reserve(static_cast<int64_t>(bytes_used_ + n));
}

Status LeafBuilder::SetLengths(std::span<const uint64_t> lengths) {
  const int64_t width = type_.wide_offsets ? 8 : 4;
  ARROW_ASSIGN_OR_RAISE(offsets_, arrow::AllocateResizableBuffer(
                                      (static_cast<int64_t>(lengths.size()) + 1) * width, pool_));
  std::memset(offsets_->mutable_data(), 0, static_cast<size_t>(width));
  for (uint64_t length : lengths) {
    bytes_used_ += length;
    ARROW_RETURN_NOT_OK(EndOffsets(1));
  }
  return values_->Resize(static_cast<int64_t>(bytes_used_));
}

std::span<std::byte> LeafBuilder::PlaceOf(int64_t slot) {
  if (in_order_ || !offsets_) return {};
  const auto place = [&](auto offset) {
    const auto* offsets = reinterpret_cast<const decltype(offset)*>(offsets_->data()) + slot;
    return std::span(AsBytes(values_->mutable_data()) + offsets[0],
                     static_cast<size_t>(offsets[1] - offsets[0]));
  };
  return type_.wide_offsets ? place(int64_t{}) : place(int32_t{});
}

Status LeafBuilder::Put(int64_t slot, const Values& values, uint64_t first, uint64_t n,
                        bool stable) {
  if (n == 0) return Status::OK();
  if (type_.shape.variable) {
    if (in_order_) return PutVariableInOrder(values, first, n);
    for (uint64_t i = 0; i < n; ++i) {
      const uint32_t begin = values.offsets[first + i];
      ARROW_RETURN_NOT_OK(
          PutBytes(slot + static_cast<int64_t>(i),
                   values.bytes.subspan(begin, values.offsets[first + i + 1] - begin), stable));
    }
    return Status::OK();
  }
  ARROW_RETURN_NOT_OK(PutItemValidity(slot, values, first, n));
  ARROW_RETURN_NOT_OK(PutFixed(slot, values.fixed, first, n));
  return type_.dictionary ? TranslateKeys(slot, n) : Status::OK();
}

Status LeafBuilder::PutRuns(std::span<const Run> runs, const Values& values, uint64_t begin,
                            uint64_t end) {
  const uint64_t bits = type_.shape.bits;
  if (bits % 8 != 0 || type_.dictionary || has_item_validity(values)) {
    for (const Run& run : runs) {
      const Run part = run.Within(begin, end);
      ARROW_RETURN_NOT_OK(Put(part.slot, values, part.row - begin, part.count, false));
    }
    return Status::OK();
  }
  if (runs.empty()) return Status::OK();
  const uint64_t need = (std::min(runs.back().row + runs.back().count, end) - begin) * bits / 8;
  if (need > values.fixed.size()) return bytes::Truncated("values", 0, need, values.fixed.size());
  const std::byte* from = values.fixed.data();
  std::byte* to = AsBytes(values_->mutable_data());
  switch (bits / 8) {
    case 2:
      Scatter(runs, from, begin, end, Constant<2>(), to);
      break;
    case 4:
      Scatter(runs, from, begin, end, Constant<4>(), to);
      break;
    case 8:
      Scatter(runs, from, begin, end, Constant<8>(), to);
      break;
    default:
      Scatter(runs, from, begin, end, bits / 8, to);
      break;
  }
  return Status::OK();
}

Status LeafBuilder::PutFixed(int64_t slot, Bytes fixed, uint64_t first, uint64_t n) {
  const uint64_t bits = type_.shape.bits;
  if (BytesFor((first + n) * bits) > fixed.size()) {
    return bytes::Truncated("values", 0, BytesFor((first + n) * bits), fixed.size());
  }
  const uint64_t to_bit = static_cast<uint64_t>(slot) * bits;
  if (bits % 8 == 0) {
    std::byte* to = AsBytes(values_->mutable_data()) + to_bit / 8;
    const std::byte* from = fixed.data() + first * bits / 8;
    if (from != to) std::memcpy(to, from, n * bits / 8);
  } else {
    arrow::internal::CopyBitmap(AsUint8(fixed.data()), static_cast<int64_t>(first * bits),
                                static_cast<int64_t>(n * bits), values_->mutable_data(),
                                static_cast<int64_t>(to_bit));
  }
  return Status::OK();
}

bool LeafBuilder::has_item_validity(const Values& values) const {
  for (size_t level = 0; level < values.item_validity.size(); ++level) {
    if (!values.item_validity[level].empty() || item_validity_[level]) return true;
  }
  return false;
}

Status LeafBuilder::PutItemValidity(int64_t slot, const Values& values, uint64_t first,
                                    uint64_t n) {
  uint64_t items = 1;
  for (size_t level = 0; level < values.item_validity.size(); ++level) {
    items *= type_.shape.list_sizes[level];
    const Bytes bitmap = values.item_validity[level];
    if (bitmap.empty() && !item_validity_[level]) continue;
    const uint64_t need = bitmap.empty() ? 0 : BytesFor((first + n) * items);
    if (need > bitmap.size()) return bytes::Truncated("item validity", 0, need, bitmap.size());
    ARROW_ASSIGN_OR_RAISE(uint8_t* to,
                          Bitmap(&item_validity_[level], capacity_ * static_cast<int64_t>(items)));
    const int64_t at = slot * static_cast<int64_t>(items);
    if (bitmap.empty()) {
      arrow::bit_util::SetBitsTo(to, at, static_cast<int64_t>(n * items), true);
    } else {
      arrow::internal::CopyBitmap(AsUint8(bitmap.data()), static_cast<int64_t>(first * items),
                                  static_cast<int64_t>(n * items), to, at);
    }
  }
  return Status::OK();
}

Status LeafBuilder::EndOffsets(uint64_t n) {
  if (!type_.wide_offsets && bytes_used_ > INT32_MAX) return TooManyBytes();
  if (type_.wide_offsets) {
    auto* offsets = reinterpret_cast<int64_t*>(offsets_->mutable_data()) + num_offsets_ + 1;
    std::fill_n(offsets, n, static_cast<int64_t>(bytes_used_));
  } else {
    auto* offsets = reinterpret_cast<int32_t*>(offsets_->mutable_data()) + num_offsets_ + 1;
    std::fill_n(offsets, n, static_cast<int32_t>(bytes_used_));
  }
  num_offsets_ += static_cast<int64_t>(n);
  return Status::OK();
}

Status LeafBuilder::PutVariableInOrder(const Values& values, uint64_t first, uint64_t n) {
  const uint32_t* offsets = values.offsets.data() + first;
  const uint64_t size = offsets[n] - offsets[0];
  const uint64_t base = bytes_used_;
  bytes_used_ += size;
  if (!type_.wide_offsets && bytes_used_ > INT32_MAX) return TooManyBytes();
  ARROW_RETURN_NOT_OK(GrowTo(values_.get(), bytes_used_));
  if (size > 0) std::memcpy(values_->mutable_data() + base, values.bytes.data() + offsets[0], size);
  if (type_.wide_offsets) {
    RebaseOffsets(offsets, n, base,
                  reinterpret_cast<int64_t*>(offsets_->mutable_data()) + num_offsets_);
  } else {
    RebaseOffsets(offsets, n, base,
                  reinterpret_cast<int32_t*>(offsets_->mutable_data()) + num_offsets_);
  }
  num_offsets_ += static_cast<int64_t>(n);
  return Status::OK();
}

template <typename Offset>
Status LeafBuilder::GatherBytes(const Values& items, std::span<const uint64_t> index) {
  auto* ends = reinterpret_cast<Offset*>(offsets_->mutable_data()) + num_offsets_ + 1;
  uint8_t* to = values_->mutable_data() + bytes_used_;
  const uint8_t* begin = values_->mutable_data();
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] != kNoItem) {
      const uint32_t at = items.offsets[index[i]];
      const uint32_t length = items.offsets[index[i] + 1] - at;
      if (length > 0) std::memcpy(to, items.bytes.data() + at, length);
      to += length;
    }
    ends[i] = static_cast<Offset>(to - begin);
  }
  return Status::OK();
}

Status LeafBuilder::GatherVariableInOrder(const Values& items, std::span<const uint64_t> index) {
  uint64_t size = 0;
  for (uint64_t i : index) {
    if (i != kNoItem) size += items.offsets[i + 1] - items.offsets[i];
  }
  if (!type_.wide_offsets && bytes_used_ + size > INT32_MAX) return TooManyBytes();
  ARROW_RETURN_NOT_OK(GrowTo(values_.get(), bytes_used_ + size));
  ARROW_RETURN_NOT_OK(type_.wide_offsets ? GatherBytes<int64_t>(items, index)
                                         : GatherBytes<int32_t>(items, index));
  bytes_used_ += size;
  num_offsets_ += static_cast<int64_t>(index.size());
  return Status::OK();
}

Status LeafBuilder::PutGathered(int64_t slot, const Values& items,
                                std::span<const uint64_t> index) {
  if (type_.shape.variable && in_order_) return GatherVariableInOrder(items, index);
  if (type_.shape.variable) {
    for (size_t i = 0; i < index.size(); ++i) {
      if (index[i] == kNoItem) continue;
      const uint32_t at = items.offsets[index[i]];
      views_[static_cast<size_t>(slot) + i] =
          items.bytes.subspan(at, items.offsets[index[i] + 1] - at);
    }
    return Status::OK();
  }
  Values no_bitmaps;
  no_bitmaps.item_validity.resize(type_.shape.list_sizes.size());
  ARROW_RETURN_NOT_OK(PutItemValidity(slot, no_bitmaps, 0, index.size()));
  const uint64_t width = type_.shape.bits / 8;
  uint8_t* to = values_->mutable_data() + static_cast<uint64_t>(slot) * width;
  for (uint64_t i : index) {
    if (i == kNoItem) {
      std::memset(to, 0, width);
    } else {
      std::memcpy(to, items.fixed.data() + i * width, width);
    }
    to += width;
  }
  return Status::OK();
}

Status LeafBuilder::PutBytes(int64_t slot, Bytes value, bool stable) {
  if (in_order_) {
    ARROW_RETURN_NOT_OK(GrowTo(values_.get(), bytes_used_ + value.size()));
    if (!value.empty())
      std::memcpy(values_->mutable_data() + bytes_used_, value.data(), value.size());
    bytes_used_ += value.size();
    return EndOffsets(1);
  }
  if (offsets_) {
    const std::span<std::byte> place = PlaceOf(slot);
    if (value.size() != place.size()) {
      return bytes::Corrupt("a value of " + std::to_string(value.size()) + " bytes instead of " +
                            std::to_string(place.size()));
    }
    if (!value.empty()) std::memcpy(place.data(), value.data(), value.size());
    return Status::OK();
  }
  if (!stable && !value.empty()) {
    std::byte* copy = copies_.Allocate(value.size());
    std::memcpy(copy, value.data(), value.size());
    value = Bytes(copy, value.size());
  }
  views_[static_cast<size_t>(slot)] = value;
  return Status::OK();
}

Status LeafBuilder::PutRepeated(int64_t slot, Bytes value, uint64_t n) {
  if (type_.shape.variable) {
    for (uint64_t i = 0; i < n; ++i) {
      ARROW_RETURN_NOT_OK(PutBytes(slot + static_cast<int64_t>(i), value, /*stable=*/true));
    }
    return Status::OK();
  }
  const uint64_t bits = type_.shape.bits;
  if (bits == 0) return Status::OK();
  if (bits == 1) {
    const bool bit = !value.empty() && (static_cast<uint8_t>(value[0]) & 1);
    arrow::bit_util::SetBitsTo(values_->mutable_data(), slot, static_cast<int64_t>(n), bit);
    return Status::OK();
  }
  if (value.size() < BytesFor(bits))
    return bytes::Truncated("constant value", 0, BytesFor(bits), value.size());
  if (bits % 8 != 0) {
    for (uint64_t i = 0; i < n; ++i) {
      ARROW_RETURN_NOT_OK(PutFixed(slot + static_cast<int64_t>(i), value, 0, 1));
    }
    return Status::OK();
  }
  const uint64_t width = bits / 8;
  uint8_t* to = values_->mutable_data() + static_cast<uint64_t>(slot) * width;
  for (uint64_t i = 0; i < n; ++i) std::memcpy(to + i * width, value.data(), width);
  return type_.dictionary ? TranslateKeys(slot, n) : Status::OK();
}

Status LeafBuilder::PutNothing(int64_t slot, uint64_t n) {
  if (n == 0) return Status::OK();
  if (type_.shape.variable) return in_order_ ? EndOffsets(n) : Status::OK();
  // Not strictly needed, but results then never show what the memory held before.
  const uint64_t bits = type_.shape.bits;
  if (bits == 0) return Status::OK();  // the null type: there is no memory
  if (bits % 8 == 0) {
    std::memset(values_->mutable_data() + static_cast<uint64_t>(slot) * bits / 8, 0, n * bits / 8);
  } else {
    arrow::bit_util::SetBitsTo(values_->mutable_data(), slot * static_cast<int64_t>(bits),
                               static_cast<int64_t>(n * bits), false);
  }
  return Status::OK();
}

std::byte* LeafBuilder::DirectFixed(int64_t slot) {
  const uint64_t bit = static_cast<uint64_t>(slot) * type_.shape.bits;
  if (type_.shape.variable || bit % 8 != 0) return nullptr;
  return AsBytes(values_->mutable_data()) + bit / 8;
}

Result<uint8_t*> LeafBuilder::Bitmap(std::shared_ptr<arrow::ResizableBuffer>* bitmap,
                                     int64_t bits) {
  const int64_t size = static_cast<int64_t>(BytesFor(static_cast<uint64_t>(bits)));
  const int64_t before = *bitmap ? (*bitmap)->size() : 0;
  if (!*bitmap) {
    ARROW_ASSIGN_OR_RAISE(*bitmap, arrow::AllocateResizableBuffer(size, pool_));
  } else if (before < size) {
    ARROW_RETURN_NOT_OK(GrowTo(bitmap->get(), static_cast<uint64_t>(size)));
  }
  if (before < size)
    std::memset((*bitmap)->mutable_data() + before, 0xff, static_cast<size_t>(size - before));
  return (*bitmap)->mutable_data();
}

Status LeafBuilder::PutValidity(int64_t slot, std::span<const uint16_t> def) {
  uint16_t any = 0;
  for (uint16_t level : def) any |= level;
  if (any == 0) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(uint8_t* bitmap, Bitmap(&validity_, capacity_));
  for (size_t i = 0; i < def.size(); ++i) {
    if (def[i] != 0) arrow::bit_util::ClearBit(bitmap, slot + static_cast<int64_t>(i));
  }
  return Status::OK();
}

Status LeafBuilder::PutValidity(std::span<const Run> runs, std::span<const uint16_t> def,
                                uint64_t begin) {
  uint16_t any = 0;
  for (uint16_t level : def) any |= level;
  if (any == 0) return Status::OK();
  for (const Run& run : runs) {
    const Run part = run.Within(begin, begin + def.size());
    ARROW_RETURN_NOT_OK(PutValidity(part.slot, def.subspan(part.row - begin, part.count)));
  }
  return Status::OK();
}

Status LeafBuilder::PutNulls(int64_t slot, uint64_t n) {
  ARROW_ASSIGN_OR_RAISE(uint8_t* bitmap, Bitmap(&validity_, capacity_));
  arrow::bit_util::SetBitsTo(bitmap, slot, static_cast<int64_t>(n), false);
  return PutNothing(slot, n);
}

Status LeafBuilder::AppendLevels(const PageLevels& page, std::span<const uint16_t> rep,
                                 std::span<const uint16_t> def, uint64_t n) {
  if (scheme_.num_lists() > 0) {
    if (rep.empty()) {
      rep_.insert(rep_.end(), n, scheme_.num_lists());
    } else {
      rep_.insert(rep_.end(), rep.begin(), rep.end());
    }
  }
  if (def.empty()) {
    def_.insert(def_.end(), n, 0);
    return Status::OK();
  }
  const size_t at = def_.size();
  def_.resize(at + n);
  for (uint64_t i = 0; i < n; ++i) def_[at + i] = page.to_scheme[def[i]];
  return Status::OK();
}

Status LeafBuilder::AppendNullRows(uint64_t n) {
  const size_t outermost = scheme_.layers().size() - 1;
  if (scheme_.num_lists() > 0) {
    rep_.insert(rep_.end(), n, scheme_.num_lists());
    def_.insert(def_.end(), n, scheme_.null_level(outermost));
    return Status::OK();
  }
  def_.insert(def_.end(), n, scheme_.null_level(outermost));
  ARROW_ASSIGN_OR_RAISE(int64_t slot, AppendSlots(static_cast<int64_t>(n)));
  return PutNothing(slot, n);
}

Status LeafBuilder::UseDictionary(const std::shared_ptr<arrow::Array>& dictionary) {
  dictionary_length_ = dictionary->length();
  if (dictionary == dictionary_) return Status::OK();
  if (!dictionary_ && !unifier_) {
    dictionary_ = dictionary;
    return Status::OK();
  }
  if (!unifier_) {
    ARROW_ASSIGN_OR_RAISE(unifier_, arrow::DictionaryUnifier::Make(type_.dictionary_type, pool_));
    const auto length = std::exchange(dictionary_length_, dictionary_->length());
    ARROW_RETURN_NOT_OK(unifier_->Unify(*dictionary_, &key_map_));
    // Items may repeat in a dictionary, and then even its own keys change.
    ARROW_RETURN_NOT_OK(TranslateKeys(0, static_cast<uint64_t>(capacity_)));
    dictionary_length_ = length;
  }
  dictionary_ = dictionary;
  return unifier_->Unify(*dictionary, &key_map_);
}

Status LeafBuilder::TranslateKeys(int64_t slot, uint64_t n) {
  const auto* map = key_map_ ? reinterpret_cast<const int32_t*>(key_map_->data()) : nullptr;
  const uint64_t length = static_cast<uint64_t>(dictionary_length_);
  uint8_t* keys = values_->mutable_data() + static_cast<uint64_t>(slot) * type_.shape.bits / 8;
  switch (type_.shape.bits) {
    case 8:
      Translate(reinterpret_cast<uint8_t*>(keys), n, map, length);
      break;
    case 16:
      Translate(reinterpret_cast<uint16_t*>(keys), n, map, length);
      break;
    case 32:
      Translate(reinterpret_cast<uint32_t*>(keys), n, map, length);
      break;
    default:
      Translate(reinterpret_cast<uint64_t*>(keys), n, map, length);
      break;
  }
  return Status::OK();
}

Status LeafBuilder::FinishInOrder(LeafData* data) {
  if (num_offsets_ != next_slot_) {
    return bytes::Corrupt("a column of " + std::to_string(next_slot_) + " values holds " +
                          std::to_string(num_offsets_));
  }
  data->values = values_;
  data->offsets = offsets_;
  return Status::OK();
}

Status LeafBuilder::FinishScattered(LeafData* data) {
  if (!offsets_) {
    std::vector<uint64_t> lengths;
    lengths.reserve(views_.size());
    for (const Bytes& view : views_) lengths.push_back(view.size());
    ARROW_RETURN_NOT_OK(SetLengths(lengths));
    uint8_t* to = values_->mutable_data();
    for (const Bytes& view : views_) {
      if (!view.empty()) std::memcpy(to, view.data(), view.size());
      to += view.size();
    }
  }
  data->values = values_;
  data->offsets = offsets_;
  return Status::OK();
}

Result<LeafData> LeafBuilder::Finish() {
  LeafData data;
  data.slots = next_slot_;
  if (!type_.shape.variable) {
    data.values = values_;
  } else {
    ARROW_RETURN_NOT_OK(in_order_ ? FinishInOrder(&data) : FinishScattered(&data));
  }
  if (validity_) {
    data.validity = validity_;
    data.null_count = next_slot_ - arrow::internal::CountSetBits(validity_->data(), 0, next_slot_);
  }
  uint64_t items = 1;
  for (size_t level = 0; level < item_validity_.size(); ++level) {
    items *= type_.shape.list_sizes[level];
    // Slots without a value may have come after the last bitmap.
    if (item_validity_[level]) {
      ARROW_RETURN_NOT_OK(
          Bitmap(&item_validity_[level], capacity_ * static_cast<int64_t>(items)).status());
    }
    data.item_validity.push_back(item_validity_[level]);
  }
  if (unifier_) {
    std::shared_ptr<arrow::DataType> type;
    ARROW_RETURN_NOT_OK(unifier_->GetResult(&type, &data.dictionary));
  } else {
    data.dictionary = dictionary_;
  }
  data.rep = std::move(rep_);
  data.def = std::move(def_);
  return data;
}

}  // namespace pilum::encoding

#include "encoding/fuzz.h"

#include <algorithm>
#include <optional>

#include <arrow/type.h>

#include "bytes/byte_reader.h"
#include "encoding/codec.h"
#include "encoding/fsst/fsst.h"
#include "encoding/page_layout/page_layout.h"
#include "encoding/v2_0/leaf_read.h"
#include "lance/encodings.pb.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kMaxRows = 4096;
constexpr size_t kMaxBuffers = 24;
constexpr int64_t kPoolBytes = 256 << 20;

arrow::MemoryPool* Pool() {
  static arrow::CappedMemoryPool pool(arrow::system_memory_pool(), kPoolBytes);
  return &pool;
}

template <typename Size>
Result<Bytes> TakeSized(bytes::ByteReader* reader) {
  ARROW_ASSIGN_OR_RAISE(Size size, reader->Read<Size>("size"));
  return reader->Take(size, "part");
}

template <typename Size>
Result<std::vector<Bytes>> TakeBuffers(bytes::ByteReader* reader) {
  std::vector<Bytes> buffers;
  while (reader->remaining() > 0 && buffers.size() < kMaxBuffers) {
    ARROW_ASSIGN_OR_RAISE(Bytes buffer, TakeSized<Size>(reader));
    buffers.push_back(buffer);
  }
  return buffers;
}

template <typename Message>
Status ParseMessage(Bytes bytes, Message* message) {
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Status::OK();
  return bytes::Corrupt("descriptor");
}

// Reads every byte that was handed out, which is what tells a sanitizer that one should not have
// been.
void Touch(Bytes bytes) {
  uint8_t sum = 0;
  for (std::byte b : bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(b));
  [[maybe_unused]] volatile uint8_t kept = sum;
}

void Touch(const std::shared_ptr<arrow::Buffer>& buffer) {
  if (!buffer) return;
  Touch({reinterpret_cast<const std::byte*>(buffer->data()), static_cast<size_t>(buffer->size())});
}

void TouchValues(const ValueShape& shape, const Values& values, uint64_t n) {
  Touch(values.fixed);
  for (Bytes bitmap : values.item_validity) Touch(bitmap);
  if (!shape.variable) return;
  for (uint64_t i = 0; i < n; ++i) {
    Touch(values.bytes.subspan(values.offsets[i], values.offsets[i + 1] - values.offsets[i]));
  }
}

void TouchLeaf(const LeafData& leaf) {
  Touch(leaf.validity);
  Touch(leaf.values);
  Touch(leaf.offsets);
  for (const auto& bitmap : leaf.item_validity) Touch(bitmap);
}

struct CodecInput {
  uint16_t n = 0;
  Wire wire;
  std::vector<Bytes> buffers;
};

Result<CodecInput> ReadCodecInput(Bytes bytes) {
  bytes::ByteReader reader(bytes);
  CodecInput input;
  ARROW_ASSIGN_OR_RAISE(input.n, reader.Read<uint16_t>("values"));
  ARROW_ASSIGN_OR_RAISE(Bytes wire, TakeSized<uint16_t>(&reader));
  ARROW_RETURN_NOT_OK(ParseMessage(wire, &input.wire));
  ARROW_ASSIGN_OR_RAISE(input.buffers, TakeBuffers<uint16_t>(&reader));
  return input;
}

struct PageInput {
  LeafType type;
  uint64_t rows = 0;
  Bytes descriptor;
  Bytes file;
  std::vector<ByteRange> buffers;
};

Result<PageInput> ReadPageInput(Bytes bytes) {
  bytes::ByteReader reader(bytes);
  PageInput input;
  ARROW_ASSIGN_OR_RAISE(uint8_t type, reader.Read<uint8_t>("type"));
  input.type = FuzzLeafTypes()[type % FuzzLeafTypes().size()];
  ARROW_ASSIGN_OR_RAISE(input.rows, reader.Read<uint32_t>("rows"));
  ARROW_ASSIGN_OR_RAISE(input.descriptor, TakeSized<uint16_t>(&reader));
  input.file = bytes;
  ARROW_ASSIGN_OR_RAISE(auto buffers, TakeBuffers<uint32_t>(&reader));
  for (Bytes buffer : buffers) {
    input.buffers.push_back({static_cast<uint64_t>(buffer.data() - bytes.data()), buffer.size()});
  }
  return input;
}

// What a fetch does with ranges.
Result<std::vector<Bytes>> FetchRanges(Bytes file, std::span<const ByteRange> ranges) {
  std::vector<Bytes> fetched;
  for (const ByteRange& range : ranges) {
    if (range.offset > file.size() || range.length > file.size() - range.offset) {
      return bytes::Corrupt("range outside the file");
    }
    fetched.push_back(file.subspan(range.offset, range.length));
  }
  return fetched;
}

LevelScheme SchemeOf(const google::protobuf::RepeatedField<int>& wire) {
  using namespace lance::encodings21;
  std::vector<Layer> layers;
  for (int layer : wire) {
    const bool item = layer == REPDEF_ALL_VALID_ITEM || layer == REPDEF_NULLABLE_ITEM;
    if (layers.size() < 16) layers.push_back(item ? Layer::kItem : Layer::kList);
  }
  if (layers.empty()) layers.push_back(Layer::kItem);
  return LevelScheme(std::move(layers));
}

Status DecodeRuns(const PageLayout& layout, const PageIndex& index, Bytes file,
                  LeafBuilder* builder, const std::vector<Run>& runs) {
  std::vector<PlannedRead> reads;
  ARROW_RETURN_NOT_OK(layout.Plan(index, runs, &reads));
  std::vector<ByteRange> ranges;
  for (const PlannedRead& read : reads) ranges.push_back(read.range);
  ARROW_ASSIGN_OR_RAISE(auto fetched, FetchRanges(file, ranges));
  Arena arena;
  ARROW_RETURN_NOT_OK(layout.Decode(index, runs, reads, fetched, &arena, builder));
  ARROW_ASSIGN_OR_RAISE(LeafData leaf, builder->Finish());
  TouchLeaf(leaf);
  return Status::OK();
}

// Every third row twice over, last slot first.
std::vector<Run> ScatteredRuns(uint64_t rows, int64_t* slots) {
  std::vector<Run> runs;
  for (uint64_t row = 0; row < rows; row += 3) {
    runs.push_back({row, 1, 0});
    runs.push_back({row, 1, 0});
  }
  *slots = static_cast<int64_t>(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) runs[i].slot = *slots - 1 - static_cast<int64_t>(i);
  return runs;
}

std::vector<Run> EveryFifth(uint64_t rows) {
  std::vector<Run> runs;
  for (uint64_t row = 1; row + 1 < rows; row += 5)
    runs.push_back({row, 2, static_cast<int64_t>(runs.size()) * 2});
  return runs;
}

Status RunPageLayout(Bytes bytes) {
  ARROW_ASSIGN_OR_RAISE(PageInput input, ReadPageInput(bytes));
  lance::encodings21::PageLayout wire;
  ARROW_RETURN_NOT_OK(ParseMessage(input.descriptor, &wire));
  const LevelScheme scheme = FuzzLevelScheme(wire);
  ARROW_ASSIGN_OR_RAISE(auto layout,
                        MakePageLayout(wire, {input.buffers, input.rows}, scheme, input.type));
  std::vector<ByteRange> ranges;
  layout->IndexRanges(&ranges);
  ARROW_ASSIGN_OR_RAISE(auto fetched, FetchRanges(input.file, ranges));
  ARROW_ASSIGN_OR_RAISE(auto index, layout->ParseIndex(fetched));
  if (input.rows == 0) return Status::OK();
  const uint32_t rows = static_cast<uint32_t>(std::min(input.rows, kMaxRows));
  const auto decode = [&](const std::vector<Run>& runs, int64_t slots, bool in_order) {
    auto builder = scheme.flat() ? LeafBuilder::MakeFlat(input.type, slots, in_order, Pool())
                                 : LeafBuilder::MakeNested(input.type, scheme, Pool());
    if (builder.ok()) (void)DecodeRuns(*layout, *index, input.file, builder->get(), runs);
  };
  decode({{0, rows, 0}}, rows, true);
  // After the second time a compressed chunk is kept, and what follows gets its rows from there.
  for (int turn = 0; turn < 3; ++turn) decode({{input.rows - 1, 1, 0}}, 1, true);
  const auto some = EveryFifth(rows);
  decode(some, static_cast<int64_t>(some.size()) * 2, true);
  if (!scheme.flat()) return Status::OK();
  int64_t slots = 0;
  const auto scattered = ScatteredRuns(rows, &slots);
  decode(scattered, slots, false);
  return Status::OK();
}

Status DecodeSlots(const v2_0::LeafPage& page, const PageInput& input,
                   const std::vector<v2_0::SlotRange>& slots) {
  auto read = v2_0::LeafRead::Make(page, slots);
  Arena arena;
  std::vector<ByteRange> ranges;
  ARROW_RETURN_NOT_OK(read->RequestFirst(&ranges));
  ARROW_ASSIGN_OR_RAISE(auto fetched, FetchRanges(input.file, ranges));
  ranges.clear();
  ARROW_RETURN_NOT_OK(read->RequestSecond(fetched, &ranges, &arena));
  ARROW_ASSIGN_OR_RAISE(auto second, FetchRanges(input.file, ranges));
  int64_t rows = 0;
  for (const v2_0::SlotRange& range : slots) rows += static_cast<int64_t>(range.count);
  ARROW_ASSIGN_OR_RAISE(auto builder, LeafBuilder::MakeFlat(input.type, rows, true, Pool()));
  ARROW_RETURN_NOT_OK(read->Decode(fetched, second, 0, &arena, builder.get()));
  ARROW_ASSIGN_OR_RAISE(LeafData leaf, builder->Finish());
  TouchLeaf(leaf);
  return Status::OK();
}

Status RunLeafPage(Bytes bytes) {
  ARROW_ASSIGN_OR_RAISE(PageInput input, ReadPageInput(bytes));
  v2_0::WireArray wire;
  ARROW_RETURN_NOT_OK(ParseMessage(input.descriptor, &wire));
  ARROW_ASSIGN_OR_RAISE(auto page, v2_0::LeafPage::Make(wire, input.buffers, input.type));
  const uint64_t rows = std::min(input.rows, kMaxRows);
  const auto decode = [&](const std::vector<v2_0::SlotRange>& slots) {
    (void)DecodeSlots(page, input, slots);
  };
  if (rows == 0) return Status::OK();
  decode({{0, rows}});
  decode({{rows / 3, rows - rows / 3}});
  decode({{input.rows - 1, 1}});
  std::vector<v2_0::SlotRange> some;
  for (const Run& run : EveryFifth(rows)) some.push_back({run.row, run.count});
  decode(some);
  return Status::OK();
}

}  // namespace

const std::vector<LeafType>& FuzzLeafTypes() {
  static const std::vector<LeafType> types = [] {
    std::vector<LeafType> all;
    for (uint64_t bits : {0, 1, 8, 16, 32, 64, 96, 128, 256})
      all.push_back({.shape = {.bits = bits}});
    all.push_back({.shape = {.variable = true}});
    all.push_back({.shape = {.variable = true}, .wide_offsets = true});
    for (uint64_t bits : {1, 8, 32, 64}) {
      all.push_back({.shape = {.bits = 2 * bits, .list_sizes = {2}}});
      all.push_back({.shape = {.bits = 3 * bits, .list_sizes = {3}}});
      all.push_back({.shape = {.bits = 6 * bits, .list_sizes = {2, 3}}});
    }
    for (uint64_t bits : {8, 16, 32, 64}) {
      all.push_back(
          {.shape = {.bits = bits}, .dictionary = true, .dictionary_type = arrow::utf8()});
      all.push_back(
          {.shape = {.bits = bits}, .dictionary = true, .dictionary_type = arrow::int32()});
    }
    return all;
  }();
  return types;
}

LevelScheme FuzzLevelScheme(const lance::encodings21::PageLayout& wire) {
  if (wire.has_mini_block_layout()) return SchemeOf(wire.mini_block_layout().layers());
  if (wire.has_full_zip_layout()) return SchemeOf(wire.full_zip_layout().layers());
  return SchemeOf(wire.constant_layout().layers());
}

void FuzzMiniBlockCodec(std::span<const std::byte> bytes) {
  auto input = ReadCodecInput(bytes);
  if (!input.ok()) return;
  auto decoder = MakeMiniBlockDecoder(input->wire);
  if (!decoder.ok() || (*decoder)->num_buffers() > kMaxBuffers) return;
  input->buffers.resize((*decoder)->num_buffers());
  Arena arena;
  auto values = (*decoder)->Decode(input->buffers, input->n, nullptr, &arena);
  if (values.ok()) TouchValues((*decoder)->shape(), *values, input->n);
}

void FuzzBlockCodec(std::span<const std::byte> bytes) {
  auto input = ReadCodecInput(bytes);
  if (!input.ok() || input->buffers.empty()) return;
  auto decoder = MakeBlockDecoder(input->wire);
  if (!decoder.ok()) return;
  Arena arena;
  auto values = (*decoder)->Decode(input->buffers[0], input->n, &arena);
  if (values.ok()) TouchValues((*decoder)->shape(), *values, input->n);
}

void FuzzPerValueCodec(std::span<const std::byte> bytes) {
  auto input = ReadCodecInput(bytes);
  if (!input.ok()) return;
  auto decoder = MakePerValueDecoder(input->wire);
  if (!decoder.ok()) return;
  Arena arena;
  for (Bytes encoded : input->buffers) {
    auto value = (*decoder)->Decode(encoded, &arena);
    if (value.ok()) Touch(*value);
  }
}

void FuzzPageLayout(std::span<const std::byte> bytes) { (void)RunPageLayout(bytes); }

void FuzzLeafPageV2_0(std::span<const std::byte> bytes) { (void)RunLeafPage(bytes); }

void FuzzFsstTable(std::span<const std::byte> bytes) {
  bytes::ByteReader reader(bytes);
  auto symbols = TakeSized<uint16_t>(&reader);
  if (!symbols.ok()) return;
  auto table = FsstTable::Parse(*symbols);
  if (!table.ok()) return;
  const Bytes encoded = bytes.subspan(reader.position());
  std::vector<std::byte> out(FsstTable::MaxDecoded(encoded.size()));
  auto length = table->Decode(encoded, out.data());
  if (length.ok()) Touch(Bytes(out).first(*length));
}

}  // namespace pilum::encoding

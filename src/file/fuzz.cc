#include "file/fuzz.h"

#include <cstdlib>
#include <string>

#include <arrow/memory_pool.h>
#include <arrow/util/utf8.h>

#include "encoding/leaf_builder.h"
#include "file/file_reader.h"
#include "file/jsonb.h"
#include "file/jsonb_write.h"
#include "file/layer_array.h"
#include "file/page_summary.h"

namespace pilum::file {
namespace {

using encoding::Layer;

encoding::LevelScheme ReadScheme(std::span<const std::byte>* bytes) {
  std::vector<Layer> layers;
  const size_t n = bytes->empty() ? 0 : static_cast<size_t>((*bytes)[0]) % 6;
  if (!bytes->empty()) *bytes = bytes->subspan(1);
  for (size_t i = 0; i < n && !bytes->empty(); ++i) {
    // The innermost layer is the leaf, never a list.
    const bool list = i > 0 && (static_cast<uint8_t>((*bytes)[0]) & 1) != 0;
    layers.push_back(list ? Layer::kList : Layer::kItem);
    *bytes = bytes->subspan(1);
  }
  if (layers.empty()) layers.push_back(Layer::kItem);
  return encoding::LevelScheme(std::move(layers));
}

encoding::LeafData ReadEntries(const encoding::LevelScheme& scheme,
                               std::span<const std::byte> bytes) {
  encoding::LeafData leaf;
  const uint16_t max_def = scheme.max_level(scheme.layers().size() - 1);
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const uint16_t rep = static_cast<uint8_t>(bytes[i]);
    const uint16_t def = static_cast<uint8_t>(bytes[i + 1]);
    if (rep > scheme.num_lists() || def > max_def) continue;
    if (leaf.def.empty() && rep != scheme.num_lists()) continue;
    if (scheme.num_lists() > 0) leaf.rep.push_back(rep);
    leaf.def.push_back(def);
    leaf.slots += def <= scheme.max_visible();
  }
  return leaf;
}

}  // namespace

void FuzzDataFile(std::span<const std::byte> bytes) {
  auto store = MakeMemoryStore();
  if (!store->Put("f.lance", bytes).ok()) return;
  auto object = store->Open("f.lance");
  if (!object.ok()) return;
  auto file = FileReader::Open(*object);
  if (!file.ok()) return;
  for (uint32_t column = 0; column <= (*file)->num_columns(); ++column)
    (void)SummarizePages(**file, column);
}

void FuzzJsonb(std::span<const std::byte> bytes) {
  std::string text;
  if (!AppendJsonText(bytes, &text).ok()) return;
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(text)) std::abort();
  // Keys of a damaged document may repeat; what can be written again comes back the same.
  std::string again, text_again;
  if (!AppendJsonb(text, &again).ok()) return;
  if (!AppendJsonText(std::as_bytes(std::span(again)), &text_again).ok()) std::abort();
  std::string third;
  if (!AppendJsonb(text_again, &third).ok() || third != again) std::abort();
}

void FuzzLevels(std::span<const std::byte> bytes) {
  const encoding::LevelScheme scheme = ReadScheme(&bytes);
  const encoding::LeafData leaf = ReadEntries(scheme, bytes);
  int64_t inner_slots = leaf.slots;
  for (size_t layer = 0; layer < scheme.layers().size(); ++layer) {
    auto arrays = ReadLayer(scheme, layer, leaf, 1, arrow::system_memory_pool());
    if (!arrays.ok()) std::abort();
    const bool list = scheme.layers()[layer] == Layer::kList;
    // A list points at all slots of the layer inside it; an item has as many as it.
    if ((list ? arrays->offsets.back() : arrays->slots) != inner_slots) std::abort();
    if (list && static_cast<int64_t>(arrays->offsets.size()) != arrays->slots + 1) std::abort();
    inner_slots = arrays->slots;
  }
}

}  // namespace pilum::file

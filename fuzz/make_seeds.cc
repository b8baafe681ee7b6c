// Makes the seeds of the fuzz targets from tables: whole files, and their pages and chunks in the
// framing of encoding/fuzz.h.
//
//   make_fuzz_seeds OUT FOLDER...     OUT gets a folder per target; FOLDERs are searched for
//   *.lance tables
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataset/manifest.h"
#include "encoding/fuzz.h"
#include "encoding/page_layout/page_layout.h"
#include "encoding/v2_0/leaf_page.h"
#include "file/column_reader.h"
#include "file/file_reader.h"
#include "lance/encodings21.pb.h"
#include "pilum/storage.h"

namespace fs = std::filesystem;
using namespace pilum;  // NOLINT: a program of its own

namespace {

constexpr size_t kMaxSeed = 48 << 10;
constexpr size_t kMaxPages = 2;  // of a column

std::string Little(uint64_t value, size_t size) {
  return {reinterpret_cast<const char*>(&value), size};
}

std::string Sized(std::string_view bytes, size_t size_bytes) {
  return Little(bytes.size(), size_bytes).append(bytes);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Seeds {
 public:
  explicit Seeds(fs::path out) : out_(std::move(out)) {}

  /// Named after the content: the same seed is written once.
  void Add(const std::string& target, std::string_view seed) {
    if (seed.size() > kMaxSeed) return;
    const fs::path folder = out_ / ("fuzz_" + target);
    fs::create_directories(folder);
    std::ofstream(folder / std::to_string(std::hash<std::string_view>()(seed)), std::ios::binary)
        << seed;
  }

 private:
  fs::path out_;
};

/// A page's descriptor and the contents of its buffers.
struct PageParts {
  std::string descriptor;
  uint64_t rows = 0;
  std::vector<std::string> buffers;
};

std::string CodecSeed(uint64_t n, const std::string& descriptor,
                      const std::vector<std::string>& buffers) {
  std::string seed = Little(n, 2) + Sized(descriptor, 2);
  for (const std::string& buffer : buffers) seed += Sized(buffer, 2);
  return seed;
}

std::string PageSeed(size_t type, const PageParts& page) {
  std::string seed = Little(type, 1) + Little(page.rows, 4) + Sized(page.descriptor, 2);
  for (const std::string& buffer : page.buffers) seed += Sized(buffer, 4);
  return seed;
}

std::vector<bytes::ByteRange> RangesOf(const PageParts& page) {
  std::vector<bytes::ByteRange> ranges;
  uint64_t at = 0;
  for (const std::string& buffer : page.buffers) {
    ranges.push_back({at, buffer.size()});
    at += buffer.size();
  }
  return ranges;
}

// The buffers of the first chunk of a mini-block page that has no levels.
void AddFirstChunk(const lance::encodings21::MiniBlockLayout& layout, const PageParts& page,
                   Seeds* seeds) {
  if (layout.has_rep_compression() || layout.has_def_compression() || page.buffers.size() < 2)
    return;
  const size_t word_size = layout.has_large_chunk() ? 4 : 2;
  if (page.buffers[0].size() < word_size) return;
  const auto* words = reinterpret_cast<const std::byte*>(page.buffers[0].data());
  const uint32_t word =
      word_size == 4 ? bytes::Load<uint32_t>(words) : bytes::Load<uint16_t>(words);
  const uint64_t n =
      page.buffers[0].size() > word_size ? uint64_t{1} << (word & 15) : layout.num_items();
  bytes::ByteReader reader(std::as_bytes(std::span(page.buffers[1])));
  std::vector<size_t> sizes;
  if (!reader.Read<uint16_t>("levels").ok()) return;
  for (uint64_t i = 0; i < std::min<uint64_t>(layout.num_buffers(), 8); ++i) {
    auto size = word_size == 4 ? reader.Read<uint32_t>("size").ValueOr(0)
                               : reader.Read<uint16_t>("size").ValueOr(0);
    sizes.push_back(size);
  }
  std::vector<std::string> buffers;
  for (size_t size : sizes) {
    if (!reader.Align(8, "padding").ok()) return;
    auto buffer = reader.Take(size, "buffer");
    if (!buffer.ok()) return;
    buffers.emplace_back(reinterpret_cast<const char*>(buffer->data()), buffer->size());
  }
  seeds->Add("mini_block_codec",
             CodecSeed(n, layout.value_compression().SerializeAsString(), buffers));
}

void AddCodecs(const lance::encodings21::PageLayout& layout, const PageParts& page, Seeds* seeds) {
  if (layout.has_full_zip_layout()) {
    const auto& wire = layout.full_zip_layout().value_compression();
    std::string value = page.buffers.empty() ? "" : page.buffers[0].substr(0, 256);
    seeds->Add("per_value_codec",
               CodecSeed(1, wire.SerializeAsString(),
                         {value, value.substr(std::min<size_t>(5, value.size()))}));
  }
  if (!layout.has_mini_block_layout()) return;
  const auto& mini = layout.mini_block_layout();
  AddFirstChunk(mini, page, seeds);
  if (mini.has_dictionary() && page.buffers.size() > 2) {
    seeds->Add("block_codec", CodecSeed(mini.num_dictionary_items(),
                                        mini.dictionary().SerializeAsString(), {page.buffers[2]}));
  }
  for (const auto* levels : {&mini.rep_compression(), &mini.def_compression()}) {
    if (page.buffers.size() > 1) {
      seeds->Add("block_codec",
                 CodecSeed(64, levels->SerializeAsString(), {page.buffers[1].substr(0, 512)}));
    }
  }
  const std::string& table = mini.value_compression().fsst().symbol_table();
  if (!table.empty()) seeds->Add("fsst_table", Sized(table, 2) + page.buffers[1].substr(0, 256));
}

void AddStructuralPage(const PageParts& page, Seeds* seeds) {
  lance::encodings21::PageLayout layout;
  if (!layout.ParseFromString(page.descriptor)) return;
  AddCodecs(layout, page, seeds);
  const auto scheme = encoding::FuzzLevelScheme(layout);
  for (size_t type = 0; type < encoding::FuzzLeafTypes().size(); ++type) {
    const auto& leaf = encoding::FuzzLeafTypes()[type];
    if (!encoding::MakePageLayout(layout, {RangesOf(page), page.rows}, scheme, leaf).ok()) continue;
    seeds->Add("page_layout", PageSeed(type, page));
  }
}

void AddV2_0Page(const PageParts& page, Seeds* seeds) {
  encoding::v2_0::WireArray wire;
  if (!wire.ParseFromString(page.descriptor)) return;
  const auto ranges = RangesOf(page);
  for (size_t type = 0; type < encoding::FuzzLeafTypes().size(); ++type) {
    if (!encoding::v2_0::LeafPage::Make(wire, ranges, encoding::FuzzLeafTypes()[type]).ok())
      continue;
    seeds->Add("leaf_page_v2_0", PageSeed(type, page));
  }
}

void AddPages(const std::string& content, Seeds* seeds) {
  auto store = MakeMemoryStore();
  if (!store->Put("f", std::as_bytes(std::span(content))).ok()) return;
  auto file = file::FileReader::Open(*store->Open("f"));
  if (!file.ok()) return;
  const bool old = (*file)->version() == file::FormatVersion::kV2_0;
  for (uint32_t column = 0; column < (*file)->num_columns(); ++column) {
    auto metadata = (*file)->ReadColumnMetadata(column);
    if (!metadata.ok()) continue;
    for (int i = 0; i < std::min<int>(metadata->pages_size(), kMaxPages); ++i) {
      const auto& wire = metadata->pages(i);
      auto ranges = file::PageBuffers(wire, content.size());
      auto descriptor =
          file::UnwrapEncoding(wire.encoding(), old ? "/lance.encodings.ArrayEncoding"
                                                    : "/lance.encodings21.PageLayout");
      if (!ranges.ok() || !descriptor.ok()) continue;
      PageParts page{*descriptor, wire.length(), {}};
      for (const auto& range : *ranges)
        page.buffers.push_back(content.substr(range.offset, range.length));
      old ? AddV2_0Page(page, seeds) : AddStructuralPage(page, seeds);
    }
  }
}

void AddRowIds(const dataset::Manifest& manifest, Seeds* seeds) {
  for (const dataset::Fragment& fragment : manifest.fragments) {
    if (fragment.inline_row_ids.empty() || fragment.physical_rows > UINT16_MAX) continue;
    seeds->Add("row_ids", Little(fragment.physical_rows, 2) + fragment.inline_row_ids);
  }
}

/// The newest of a dataset's versions, as bytes and as what they mean.
struct NewestManifest {
  std::string bytes;
  dataset::Manifest parsed;
};

void AddManifest(const std::string& content, Seeds* seeds, std::optional<NewestManifest>* newest) {
  seeds->Add("manifest", content);
  auto parsed = dataset::ParseManifest(std::as_bytes(std::span(content)), "seed");
  if (!parsed.ok()) return;
  AddRowIds(*parsed, seeds);
  if (!*newest || (*newest)->parsed.version < parsed->version)
    *newest = NewestManifest{content, *std::move(parsed)};
}

/// Some data files of the newest version, with its manifest.
void AddTables(const fs::path& folder, const NewestManifest& newest, Seeds* seeds) {
  size_t files = 0;
  for (const dataset::Fragment& fragment : newest.parsed.fragments) {
    for (const dataset::DataFile& file : fragment.files) {
      if (file.base_id || files++ == 2) return;
      seeds->Add("table", Sized(newest.bytes, 4) + ReadFile(folder / "data" / file.path));
    }
  }
}

void AddDataset(const fs::path& folder, Seeds* seeds) {
  std::optional<NewestManifest> newest;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const fs::path& path = entry.path();
    const std::string extension = path.extension();
    if (extension == ".bin") seeds->Add("deletion_bitmap", ReadFile(path));
    if (extension == ".arrow") seeds->Add("deletion_arrow", ReadFile(path));
    if (extension == ".manifest") AddManifest(ReadFile(path), seeds, &newest);
    if (extension == ".json" && path.parent_path().parent_path().filename() == "_refs")
      seeds->Add("refs", Sized(path.stem().string(), 1) + ReadFile(path));
  }
  if (!fs::exists(folder / "data")) return;
  for (const auto& entry : fs::directory_iterator(folder / "data")) {
    if (!entry.is_regular_file() || entry.path().extension() != ".lance") continue;
    const std::string content = ReadFile(entry.path());
    AddPages(content, seeds);
    seeds->Add("data_file", content);
  }
  if (newest) AddTables(folder, *newest, seeds);
}

void AddFixedSeeds(Seeds* seeds) {
  // [{a: null}, {a: []}, null] and a list of two lists, in the framing of FuzzLevels.
  seeds->Add("levels", std::string("\x04\0\1\0\1\2\2\1\3\1\4\2\0\1\0\0\0", 17));
  seeds->Add("levels", std::string("\x01\0\0\0\0\1", 6));
  // {"ab":1,"b":[1,2.5,null]}
  seeds->Add("jsonb", std::string("\x40\0\0\2\x10\0\0\2\x10\0\0\1\x20\0\0\2\x50\0\0\x1b"
                                  "abb\x50\1\x80\0\0\3\x20\0\0\2\x20\0\0\x09\0\0\0\0"
                                  "\x50\1\x60\x40\4\0\0\0\0\0\0",
                                  52));
  // A branch, which the tables here have none of.
  seeds->Add("refs",
             Sized("team%2Fone", 1) +
                 R"({"parentBranch":null,"parentVersion":1,"createAt":1,"manifestSize":9})");
  // Row id sequences: 100 rows as a range; 3 rows as an array.
  seeds->Add("row_ids", std::string("\x64\0\x0a\x04\x0a\x02\x10\x64", 8));
  seeds->Add("deletion_bitmap",
             std::string("\x3a\x30\0\0\1\0\0\0\0\0\2\0\x10\0\0\0\0\0\1\0\2\0", 22));
  for (const char* sql :
       {"i > 1 AND s LIKE 'c%' OR b IS NOT NULL", "f BETWEEN -1.5 AND 1e3", "st.a IN (1, 2, NULL)",
        "t >= timestamp '2020-01-01 00:00:00'", "CAST(i AS double) / 2 <> f", "length(s) % 2 = 0",
        "round(p / 3, 1) > CAST(n AS decimal(38, 10))", "u * i8 + p38 < f16",
        "d IN (date '2020-01-31', NULL) OR x = X'61'", "coalesce(i, 10 / i8)",
        "array_has(l, i8) AND k || s LIKE '%\\\\_'", "st['a'] = floor(f32)"}) {
    seeds->Add("filter", sql);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: make_fuzz_seeds OUT FOLDER...\n");
    return 2;
  }
  Seeds seeds(argv[1]);
  AddFixedSeeds(&seeds);
  for (int i = 2; i < argc; ++i) {
    for (auto it = fs::recursive_directory_iterator(argv[i]);
         it != fs::recursive_directory_iterator(); ++it) {
      if (!it->is_directory() || it->path().extension() != ".lance") continue;
      AddDataset(it->path(), &seeds);
      it.disable_recursion_pending();
    }
  }
  return 0;
}

// Support of this folder's tests: the corpus of tables that the reference library wrote, and
// messages in the framing of a manifest file.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <gtest/gtest.h>

#include "bytes/byte_reader.h"
#include "lance/table.pb.h"
#include "pilum/error.h"
#include "pilum/storage.h"

namespace pilum::dataset {

/// Stops a test that needs the corpus where there is none.
#define PILUM_SKIP_WITHOUT_CORPUS() \
  if (CorpusFolder().empty()) GTEST_SKIP() << "set PILUM_CORPUS to the folder of the corpus"

inline std::filesystem::path CorpusFolder() {
  const char* folder = std::getenv("PILUM_CORPUS");
  return folder == nullptr ? "" : folder;
}

/// What a table of the corpus holds in one version.
struct ExpectedVersion {
  std::string name;                 // "t-tags" or "t-tags, version 3"
  std::filesystem::path table;      // the folder of the table
  std::filesystem::path expected;   // the Arrow file with its rows
  std::optional<uint64_t> version;  // none = the latest
};

/// All versions with expected rows, those of files that cannot be read left out.
inline std::vector<ExpectedVersion> ExpectedVersions() {
  std::vector<ExpectedVersion> all;
  for (const auto& folder : std::filesystem::directory_iterator(CorpusFolder())) {
    const std::string name = folder.path().filename();
    if (!folder.is_directory() || name == "v01-legacy" || name.starts_with("v23-")) continue;
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      const std::string file_name = file.path().filename();
      ExpectedVersion entry{name, folder.path() / "dataset.lance", file.path(), {}};
      unsigned long long version = 0;
      if (std::sscanf(file_name.c_str(), "expected.v%llu.arrow", &version) == 1) {
        entry.version = version;
        entry.name += ", version " + std::to_string(version);
      } else if (file_name != "expected.arrow") {
        continue;
      }
      all.push_back(std::move(entry));
    }
  }
  return all;
}

inline std::shared_ptr<arrow::ipc::RecordBatchFileReader> OpenArrowFile(
    const std::filesystem::path& path,
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults()) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  return arrow::ipc::RecordBatchFileReader::Open(file, options).ValueOrDie();
}

inline std::string ReadWholeFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline bytes::Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Bytes written as hexadecimal digits; anything else separates.
inline std::string FromHex(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](unsigned char c) { return std::isxdigit(c) != 0; });
  std::string result;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    result.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return result;
}

/// A manifest file with nothing but the manifest message.
inline std::string FrameManifest(const lance::table::Manifest& manifest) {
  std::string message = manifest.SerializeAsString();
  std::string file(4, '\0');
  bytes::Store(reinterpret_cast<std::byte*>(file.data()), static_cast<uint32_t>(message.size()));
  return file + message + FromHex("0000000000000000 0000 0200") + "LANC";
}

/// A manifest that can be read, to be changed by tests: version 3, one column, one fragment of 10
/// rows.
inline lance::table::Manifest SmallManifest() {
  lance::table::Manifest manifest;
  manifest.set_version(3);
  manifest.mutable_data_format()->set_file_format("lance");
  manifest.mutable_data_format()->set_version("2.2");
  auto* field = manifest.add_fields();
  field->set_name("a");
  field->set_parent_id(-1);
  field->set_logical_type("int32");
  field->set_nullable(true);
  auto* fragment = manifest.add_fragments();
  fragment->set_physical_rows(10);
  auto* file = fragment->add_files();
  file->set_path("x.lance");
  file->add_fields(0);
  file->add_column_indices(0);
  file->set_file_major_version(2);
  file->set_file_minor_version(2);
  return manifest;
}

inline void PutText(ObjectStore& store, std::string_view path, std::string_view text) {
  ASSERT_TRUE(store.Put(path, AsBytes(text)).ok());
}

/// Expects an error of this kind whose message holds `text`.
inline void ExpectError(const arrow::Status& status, ErrorKind kind, std::string_view text) {
  EXPECT_FALSE(status.ok()) << "expected an error with: " << text;
  EXPECT_EQ(GetErrorKind(status), kind) << status.ToString();
  EXPECT_NE(status.message().find(text), std::string::npos) << status.ToString();
}

}  // namespace pilum::dataset

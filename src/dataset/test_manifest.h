// Support of this folder's tests: bytes, and messages in the framing of a manifest file.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <arrow/status.h>
#include <gtest/gtest.h>

#include "bytes/byte_reader.h"
#include "lance/table.pb.h"
#include "pilum/error.h"
#include "pilum/storage.h"

namespace pilum::dataset {

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

/// A manifest file with nothing but an encoded manifest message.
inline std::string FrameMessage(const std::string& message) {
  std::string file(4, '\0');
  bytes::Store(reinterpret_cast<std::byte*>(file.data()), static_cast<uint32_t>(message.size()));
  return file + message + FromHex("0000000000000000 0000 0200") + "LANC";
}

inline std::string FrameManifest(const lance::table::Manifest& manifest) {
  return FrameMessage(manifest.SerializeAsString());
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

#include "dataset/to_message.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace pilum::dataset {
namespace {

std::pair<uint32_t, uint32_t> NumbersOf(FileVersion version) {
  switch (version) {
    case FileVersion::kV2_0:
      return {2, 0};
    case FileVersion::kV2_1:
      return {2, 1};
    case FileVersion::kV2_2:
      break;
  }
  return {2, 2};
}

void SetFile(const DataFile& file, lance::table::DataFile* message) {
  message->set_path(file.path);
  message->mutable_fields()->Assign(file.fields.begin(), file.fields.end());
  message->mutable_column_indices()->Assign(file.column_indices.begin(), file.column_indices.end());
  auto [major, minor] = NumbersOf(file.version);
  message->set_file_major_version(major);
  message->set_file_minor_version(minor);
  message->set_file_size_bytes(file.size);
  if (file.base_id) message->set_base_id(*file.base_id);
}

void SetDeletionFile(const DeletionFile& file, lance::table::DeletionFile* message) {
  message->set_file_type(file.type == DeletionFile::Type::kBitmap
                             ? lance::table::DeletionFile::BITMAP
                             : lance::table::DeletionFile::ARROW_ARRAY);
  message->set_read_version(file.read_version);
  message->set_id(file.id);
  message->set_num_deleted_rows(file.num_deleted_rows);
  if (file.base_id) message->set_base_id(*file.base_id);
}

/// The obsolete encoding of a field, which the reference library still writes.
lance::file::Encoding EncodingOf(std::string_view type) {
  if (type == "struct" || type == "null") return lance::file::NONE;
  if (type.starts_with("dict:")) return lance::file::DICTIONARY;
  for (std::string_view variable : {"string", "large_string", "binary", "large_binary", "json"}) {
    if (type == variable) return lance::file::VAR_BINARY;
  }
  return lance::file::PLAIN;
}

/// The position of a field in the primary or clustering key that its metadata states; 0 = none.
uint32_t KeyPosition(const Field& field, const std::string& key) {
  auto stated = field.metadata.find(key + ":position");
  if (stated == field.metadata.end()) return 0;
  uint32_t position = 0;
  const std::string& text = stated->second;
  std::from_chars(text.data(), text.data() + text.size(), position);
  return position;
}

void AddFields(const std::vector<Field>& fields, int32_t parent,
               std::vector<lance::file::Field>* messages) {
  for (const Field& field : fields) {
    messages->push_back(FieldMessage(field, parent));
    AddFields(field.children, field.id, messages);
  }
}

/// Whether the two describe the same file; then the message says it with more that we do not know.
bool Same(const DataFile& file, const lance::table::DataFile& message) {
  auto equal = [](const auto& a, const auto& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  return file.path == message.path() && equal(file.fields, message.fields()) &&
         equal(file.column_indices, message.column_indices());
}

void SetFiles(const std::vector<DataFile>& files, lance::table::DataFragment* message) {
  lance::table::DataFragment before;
  before.mutable_files()->Swap(message->mutable_files());
  for (const DataFile& file : files) {
    lance::table::DataFile* target = message->add_files();
    for (const lance::table::DataFile& known : before.files()) {
      if (Same(file, known)) *target = known;
    }
    SetFile(file, target);
  }
}

}  // namespace

lance::file::Field FieldMessage(const Field& field, int32_t parent) {
  constexpr char kPrimaryKey[] = "lance-schema:unenforced-primary-key";
  constexpr char kClusteringKey[] = "lance-schema:unenforced-clustering-key";
  lance::file::Field message;
  message.set_id(field.id);
  message.set_parent_id(parent);
  message.set_name(field.name);
  message.set_logical_type(field.logical_type);
  message.set_nullable(field.nullable);
  message.set_encoding(EncodingOf(field.logical_type));
  if (message.encoding() == lance::file::DICTIONARY) message.mutable_dictionary();
  for (const auto& [key, value] : field.metadata) (*message.mutable_metadata())[key] = value;
  auto extension = field.metadata.find("ARROW:extension:name");
  if (extension != field.metadata.end()) message.set_extension_name(extension->second);
  auto primary = field.metadata.find(kPrimaryKey);
  message.set_unenforced_primary_key(primary != field.metadata.end() && primary->second == "true");
  message.set_unenforced_primary_key_position(KeyPosition(field, kPrimaryKey));
  message.set_unenforced_clustering_key_position(KeyPosition(field, kClusteringKey));
  return message;
}

void SetFragment(const Fragment& fragment, lance::table::DataFragment* message) {
  message->set_id(fragment.id);
  message->set_physical_rows(fragment.physical_rows);
  SetFiles(fragment.files, message);
  message->clear_deletion_file();
  if (fragment.deletion_file) {
    SetDeletionFile(*fragment.deletion_file, message->mutable_deletion_file());
  }
  if (!fragment.inline_row_ids.empty()) message->set_inline_row_ids(fragment.inline_row_ids);
  if (!fragment.created_at_versions.empty()) {
    message->set_inline_created_at_versions(fragment.created_at_versions);
  }
  if (!fragment.last_updated_at_versions.empty()) {
    message->set_inline_last_updated_at_versions(fragment.last_updated_at_versions);
  }
}

lance::table::DataFragment ToMessage(const Fragment& fragment) {
  lance::table::DataFragment message;
  SetFragment(fragment, &message);
  return message;
}

std::vector<lance::file::Field> ToMessages(const Schema& schema) {
  std::vector<lance::file::Field> messages;
  AddFields(schema.fields, kNoParent, &messages);
  return messages;
}

}  // namespace pilum::dataset

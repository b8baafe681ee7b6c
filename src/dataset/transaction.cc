#include "dataset/transaction.h"

#include <algorithm>
#include <random>
#include <utility>

#include "bytes/byte_reader.h"
#include "dataset/roaring_reader.h"
#include "dataset/to_message.h"
#include "lance/parse_message.h"
#include "lance/table.pb.h"

namespace pilum::dataset {
namespace {

using Message = lance::table::Transaction;

template <typename Messages>
void AddFragments(const std::vector<Fragment>& fragments, Messages* messages) {
  for (const Fragment& fragment : fragments) *messages->Add() = ToMessage(fragment);
}

/// Fills in the message's operation.
struct SetOperation {
  Message* message;

  void operator()(const Append& append) const {
    AddFragments(append.fragments, message->mutable_append()->mutable_fragments());
  }
  void operator()(const Overwrite& overwrite) const {
    auto* target = message->mutable_overwrite();
    AddFragments(overwrite.fragments, target->mutable_fragments());
    for (auto& field : ToMessages(overwrite.schema)) *target->add_schema() = std::move(field);
    for (const auto& [key, value] : overwrite.config) {
      (*target->mutable_config_upsert_values())[key] = value;
    }
  }
  void operator()(const Delete& deletion) const {
    auto* target = message->mutable_delete_();
    AddFragments(deletion.updated, target->mutable_updated_fragments());
    for (uint64_t id : deletion.removed) target->add_deleted_fragment_ids(id);
    target->set_predicate(deletion.predicate);
  }
  void operator()(const Update& update) const {
    auto* target = message->mutable_update();
    for (uint64_t id : update.removed) target->add_removed_fragment_ids(id);
    AddFragments(update.updated, target->mutable_updated_fragments());
    AddFragments(update.added, target->mutable_new_fragments());
    for (uint32_t field : update.fields_modified) target->add_fields_modified(field);
    target->set_update_mode(update.fields_modified.empty() ? Message::REWRITE_ROWS
                                                           : Message::REWRITE_COLUMNS);
  }
  void operator()(const Rewrite& rewrite) const {
    auto* groups = message->mutable_rewrite()->mutable_groups();
    for (const Rewrite::Group& group : rewrite.groups) {
      auto* target = groups->Add();
      AddFragments(group.before, target->mutable_old_fragments());
      AddFragments(group.after, target->mutable_new_fragments());
    }
  }
  void operator()(const ReserveFragments& reserve) const {
    message->mutable_reserve_fragments()->set_num_fragments(reserve.count);
  }
  void operator()(const Restore& restore) const {
    message->mutable_restore()->set_version(restore.version);
  }
};

template <typename Fragments>
void TouchAll(const Fragments& fragments, TransactionSummary* summary) {
  for (const auto& fragment : fragments) summary->fragments.push_back(fragment.id());
}

template <typename Ids>
void RemoveAll(const Ids& ids, TransactionSummary* summary) {
  summary->removed.insert(summary->removed.end(), ids.begin(), ids.end());
}

template <typename Map>
void TouchKeys(const Map& map, TransactionSummary* summary) {
  for (const auto& [key, value] : map) summary->config_keys.push_back(key);
}

arrow::Status TouchIndexed(const Message::CreateIndex& index, TransactionSummary* summary) {
  constexpr uint64_t kMaxFragments = uint64_t{1}
                                     << 24;  // bounds the memory that damage may ask for
  for (const auto& made : index.new_indices()) {
    if (made.fragment_bitmap().empty()) continue;
    auto bitmap = std::as_bytes(std::span(std::string_view(made.fragment_bitmap())));
    ARROW_ASSIGN_OR_RAISE(auto ids, ReadRoaring(bitmap, kMaxFragments));
    summary->fragments.insert(summary->fragments.end(), ids.begin(), ids.end());
  }
  return arrow::Status::OK();
}

void TouchConfig(const Message::UpdateConfig& update, TransactionSummary* summary) {
  TouchKeys(update.upsert_values(), summary);
  for (const auto& key : update.delete_keys()) summary->config_keys.push_back(key);
  for (const auto& entry : update.config_updates().update_entries()) {
    summary->config_keys.push_back(entry.key());
  }
  summary->replaces_config = update.config_updates().replace();
}

/// Fills in what the operation touches, and its kind and name.
arrow::Status Summarize(const Message& message, TransactionSummary* summary) {
  auto is = [&](OperationKind kind, const char* name) {
    summary->kind = kind;
    summary->operation = name;
  };
  switch (message.operation_case()) {
    case Message::kAppend:
      is(OperationKind::kAppend, "Append");
      break;
    case Message::kDelete:
      is(OperationKind::kDelete, "Delete");
      TouchAll(message.delete_().updated_fragments(), summary);
      RemoveAll(message.delete_().deleted_fragment_ids(), summary);
      break;
    case Message::kUpdate:
      is(OperationKind::kUpdate, "Update");
      TouchAll(message.update().updated_fragments(), summary);
      RemoveAll(message.update().removed_fragment_ids(), summary);
      break;
    case Message::kOverwrite:
      is(OperationKind::kOverwrite, "Overwrite");
      TouchKeys(message.overwrite().config_upsert_values(), summary);
      break;
    case Message::kRewrite:
      is(OperationKind::kRewrite, "Rewrite");
      for (const auto& group : message.rewrite().groups()) {
        for (const auto& old : group.old_fragments()) summary->removed.push_back(old.id());
      }
      for (const auto& old : message.rewrite().old_fragments()) {
        summary->removed.push_back(old.id());
      }
      break;
    case Message::kReserveFragments:
      is(OperationKind::kReserveFragments, "ReserveFragments");
      break;
    case Message::kRestore:
      is(OperationKind::kRestore, "Restore");
      break;
    case Message::kMerge:
      is(OperationKind::kMerge, "Merge");
      TouchAll(message.merge().fragments(), summary);
      break;
    case Message::kProject:
      is(OperationKind::kProject, "Project");
      break;
    case Message::kCreateIndex:
      is(OperationKind::kCreateIndex, "CreateIndex");
      return TouchIndexed(message.create_index(), summary);
    case Message::kUpdateConfig:
      is(OperationKind::kUpdateConfig, "UpdateConfig");
      TouchConfig(message.update_config(), summary);
      break;
    case Message::kDataReplacement:
      is(OperationKind::kDataReplacement, "DataReplacement");
      for (const auto& replaced : message.data_replacement().replacements()) {
        summary->fragments.push_back(replaced.fragment_id());
      }
      break;
    case Message::kUpdateBases:
      is(OperationKind::kUpdateBases, "UpdateBases");
      break;
    case Message::kUpdateMemWalState:
      is(OperationKind::kOther, "UpdateMemWalState");
      break;
    case Message::kClone:
      is(OperationKind::kOther, "Clone");
      break;
    case Message::kDataOverlay:
      is(OperationKind::kOther, "DataOverlay");
      break;
    case Message::OPERATION_NOT_SET:
      is(OperationKind::kOther, "unknown operation");
      break;
  }
  return arrow::Status::OK();
}

template <typename T>
void SortOnce(std::vector<T>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

}  // namespace

std::string MakeUuid() {
  // Its constructor asks the processor what it can do, which takes 20 us on a virtual machine.
  thread_local std::random_device random;
  std::string uuid;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) uuid += '-';
    unsigned digit = random() & 15;
    if (i == 12) digit = 4;                // version: random
    if (i == 16) digit = 8 | (digit & 3);  // variant
    uuid += "0123456789abcdef"[digit];
  }
  return uuid;
}

std::string SerializeTransaction(const Transaction& transaction) {
  Message message;
  message.set_read_version(transaction.read_version);
  message.set_uuid(transaction.uuid);
  std::visit(SetOperation{&message}, transaction.operation);
  return message.SerializeAsString();
}

arrow::Result<TransactionSummary> ParseTransaction(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(auto message, lance::ParseMessage<Message>(bytes, "transaction"));
  TransactionSummary summary;
  summary.read_version = message.read_version();
  summary.uuid = message.uuid();
  ARROW_RETURN_NOT_OK(Summarize(message, &summary));
  summary.fragments.insert(summary.fragments.end(), summary.removed.begin(), summary.removed.end());
  SortOnce(&summary.fragments);
  SortOnce(&summary.removed);
  SortOnce(&summary.config_keys);
  return summary;
}

}  // namespace pilum::dataset

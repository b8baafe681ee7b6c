#include "dataset/transaction.h"

#include <gtest/gtest.h>

#include <set>

#include "dataset/deletion_write.h"
#include "dataset/test_commit.h"

namespace pilum::dataset {
namespace {

using Message = lance::table::Transaction;
using Ids = std::vector<uint64_t>;

TransactionSummary SummaryOf(Operation operation) {
  return ParseTransaction(SerializeTransaction({7, "some-uuid", std::move(operation)}))
      .ValueOrDie();
}

TransactionSummary SummaryOf(const Message& message) {
  return ParseTransaction(message.SerializeAsString()).ValueOrDie();
}

Fragment WithId(uint64_t id) {
  Fragment fragment = NewFragment("f.lance", 10);
  fragment.id = id;
  return fragment;
}

TEST(Transaction, SaysWhatItIs) {
  TransactionSummary append = SummaryOf(Append{{WithId(0)}});
  EXPECT_EQ(append.kind, OperationKind::kAppend);
  EXPECT_EQ(append.operation, "Append");
  EXPECT_EQ(append.read_version, 7u);
  EXPECT_EQ(append.uuid, "some-uuid");
  EXPECT_TRUE(append.fragments.empty());  // new ones have no ids
  EXPECT_EQ(SummaryOf(Append{}).kind, OperationKind::kAppend);
  EXPECT_EQ(SummaryOf(ReserveFragments{3}).kind, OperationKind::kReserveFragments);
  EXPECT_EQ(SummaryOf(Restore{3}).kind, OperationKind::kRestore);
  EXPECT_EQ(SummaryOf(Rewrite{}).kind, OperationKind::kRewrite);
}

TEST(Transaction, SaysWhichFragmentsItTouches) {
  TransactionSummary deletion =
      SummaryOf(Delete{.updated = {WithId(5), WithId(2)}, .removed = {9, 1}, .predicate = "p"});
  EXPECT_EQ(deletion.kind, OperationKind::kDelete);
  EXPECT_EQ(deletion.fragments, (Ids{1, 2, 5, 9}));
  EXPECT_EQ(deletion.removed, (Ids{1, 9}));
  TransactionSummary update =
      SummaryOf(Update{.removed = {4}, .updated = {WithId(3)}, .added = {WithId(0)}});
  EXPECT_EQ(update.kind, OperationKind::kUpdate);
  EXPECT_EQ(update.fragments, (Ids{3, 4}));
  TransactionSummary rewrite =
      SummaryOf(Rewrite{{{{WithId(1), WithId(2)}, {WithId(8)}}, {{WithId(0)}, {}}}});
  EXPECT_EQ(rewrite.fragments, (Ids{0, 1, 2}));
  EXPECT_EQ(rewrite.removed, (Ids{0, 1, 2}));
}

TEST(Transaction, SaysWhichKeysItSets) {
  Overwrite overwrite{.schema = TestSchema(), .config = {{"k", "v"}, {"j", ""}}};
  EXPECT_EQ(SummaryOf(overwrite).config_keys, (std::vector<std::string>{"j", "k"}));
  Message config;
  auto* updates = config.mutable_update_config()->mutable_config_updates();
  updates->add_update_entries()->set_key("z");
  updates->set_replace(true);
  config.mutable_update_config()->add_delete_keys("a");
  EXPECT_EQ(SummaryOf(config).config_keys, (std::vector<std::string>{"a", "z"}));
  EXPECT_TRUE(SummaryOf(config).replaces_config);
}

TEST(Transaction, OthersOperationsAreRecognised) {
  Message message;
  message.mutable_merge()->add_fragments()->set_id(6);
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kMerge);
  EXPECT_EQ(SummaryOf(message).fragments, Ids{6});
  message.mutable_project();
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kProject);
  message.mutable_data_replacement()->add_replacements()->set_fragment_id(8);
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kDataReplacement);
  EXPECT_EQ(SummaryOf(message).fragments, Ids{8});
  message.mutable_update_bases();
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kUpdateBases);
  const std::vector<uint32_t> covered = {1, 4};
  message.mutable_create_index()->add_new_indices()->set_fragment_bitmap(EncodeRoaring(covered));
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kCreateIndex);
  EXPECT_EQ(SummaryOf(message).fragments, (Ids{1, 4}));
  message.mutable_clone();
  EXPECT_EQ(SummaryOf(message).kind, OperationKind::kOther);
  EXPECT_EQ(SummaryOf(message).operation, "Clone");
}

TEST(Transaction, OperationThatIsNotKnownIsToldFromOthers) {
  // Field 116, a message.
  TransactionSummary summary = ParseTransaction(FromHex("a207020a00")).ValueOrDie();
  EXPECT_EQ(summary.kind, OperationKind::kOther);
  EXPECT_EQ(summary.operation, "unknown operation");
}

TEST(Transaction, DamagedBytesAreRefused) {
  ExpectError(ParseTransaction("\xff\xff").status(), ErrorKind::kCorruptData, "transaction");
}

TEST(Transaction, UuidsAreRandomVersionFour) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    std::string uuid = MakeUuid();
    ASSERT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace pilum::dataset

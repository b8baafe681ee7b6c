#include "dataset/commit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "dataset/manifest_file.h"
#include "dataset/test_commit.h"
#include "io/fault_store.h"

namespace pilum::dataset {
namespace {

using Call = io::FaultStore::Call;
using Ids = std::vector<uint64_t>;
using Offsets = std::vector<uint32_t>;

class CommitTest : public ::testing::Test {
 protected:
  arrow::Result<std::shared_ptr<const Manifest>> Append(uint64_t read_version, uint64_t rows = 10) {
    return CommitTo(*store_, read_version,
                    dataset::Append{{NewFragment(MakeUuid() + ".lance", rows)}});
  }
  /// Commits what the reference library might have, as the next version.
  void CommitOther(const std::function<void(lance::table::Manifest*)>& change,
                   const lance::table::Transaction& transaction) {
    auto latest = ListVersions(*store_).ValueOrDie().back();
    auto object = ReadText(latest.path);
    auto file = ParseManifestFile(AsBytes(object)).ValueOrDie();
    change(&file.message);
    file.message.set_version(latest.version + 1);
    file.transaction = transaction.SerializeAsString();
    PutText(*store_, ManifestPath(latest.version + 1, latest.path), SerializeManifestFile(&file));
  }
  std::string ReadText(const std::string& path) {
    auto object = store_->Open(path).ValueOrDie();
    std::string text(object->size(), 0);
    EXPECT_TRUE(object->ReadAt(0, std::as_writable_bytes(std::span(text))).ok());
    return text;
  }
  std::shared_ptr<const Manifest> Latest() { return ReadManifest(*store_, {}).ValueOrDie(); }
  size_t CountVersions() { return ListVersions(*store_).ValueOrDie().size(); }

  std::shared_ptr<io::FaultStore> store_ = std::make_shared<io::FaultStore>(MakeMemoryStore());
};

TEST_F(CommitTest, FirstOneCreatesTheTable) {
  auto manifest = CreateTable(*store_);
  EXPECT_EQ(manifest->version, 1u);
  EXPECT_EQ(manifest->live_rows(), 10u);
  EXPECT_EQ(manifest->path, "memory://_versions/18446744073709551614.manifest");
  EXPECT_EQ(Latest()->schema.arrow->ToString(), TestSchema().arrow->ToString());
  EXPECT_EQ(Latest()->fragments[0].id, 0u);
  EXPECT_EQ(store_->List("_transactions").ValueOrDie().size(), 1u);
}

TEST_F(CommitTest, TableIsCreatedOnce) {
  CreateTable(*store_);
  ExpectError(CommitTo(*store_, 0, Overwrite{.schema = TestSchema()}).status(),
              ErrorKind::kAlreadyExists, "there is a table");
  EXPECT_EQ(CountVersions(), 1u);
}

TEST_F(CommitTest, WhatHasNoTableIsNotFound) {
  ExpectError(Append(0).status(), ErrorKind::kNotFound, "no table");
  ExpectError(Append(3).status(), ErrorKind::kNotFound, "no table");
  CreateTable(*store_);
  ExpectError(Append(3).status(), ErrorKind::kNotFound, "version 3");
  ExpectError(Append(0).status(), ErrorKind::kNotFound, "version 0");
}

TEST_F(CommitTest, TransactionNeedsAName) {
  ExpectError(Commit(*store_, {0, "", Overwrite{.schema = TestSchema()}}).status(),
              ErrorKind::kInvalidArgument, "uuid");
}

TEST_F(CommitTest, AppendToAnOldVersionLandsOnTheLatest) {
  CreateTable(*store_);
  EXPECT_EQ(Append(1).ValueOrDie()->version, 2u);
  auto manifest = Append(1).ValueOrDie();
  EXPECT_EQ(manifest->version, 3u);
  EXPECT_EQ(manifest->live_rows(), 30u);
  EXPECT_EQ(manifest->fragments.back().id, 2u);
}

TEST_F(CommitTest, KnownVersionIsNotReadAgain) {
  const auto append = [&](std::optional<CommittedVersion> known) {
    const uint64_t read_version = known ? known->manifest->version : 1;
    return Commit(*store_,
                  {read_version, MakeUuid(), dataset::Append{{NewFragment(MakeUuid(), 10)}}},
                  std::move(known))
        .ValueOrDie();
  };
  CreateTable(*store_);
  auto committed = append(std::nullopt);
  const int64_t reads = store_->calls(io::FaultStore::Call::kRead);
  committed = append(std::move(committed));
  EXPECT_EQ(store_->calls(io::FaultStore::Call::kRead), reads);
  EXPECT_EQ(committed.manifest->live_rows(), 30u);
  // Another writer's version is, and so is one in its place of the same number.
  ASSERT_TRUE(Append(3).ok());
  committed = append(std::move(committed));
  EXPECT_EQ(committed.manifest->live_rows(), 50u);
  PutText(*store_, committed.info.path, ReadText(committed.info.path));
  const int64_t before = store_->calls(io::FaultStore::Call::kRead);
  committed = append(std::move(committed));
  EXPECT_GT(store_->calls(io::FaultStore::Call::kRead), before);
  EXPECT_EQ(committed.manifest->live_rows(), 60u);
  EXPECT_EQ(Latest()->live_rows(), 60u);
}

TEST_F(CommitTest, VersionsShareTheFragmentsThatTheyHaveInCommon) {
  CreateTable(*store_);
  ASSERT_TRUE(Append(1).ok());
  auto before = Append(2).ValueOrDie();
  Transaction deletion{3, MakeUuid(), DeleteRows(*store_, *before, 1, {4})};
  auto after = Commit(*store_, deletion).ValueOrDie().manifest;
  ASSERT_EQ(after->fragments.size(), 3u);
  EXPECT_EQ(after->fragments[1].live_rows(), 9u);
  auto appended =
      Commit(*store_, {4, MakeUuid(), dataset::Append{{NewFragment("n.lance", 3)}}}).ValueOrDie();
  ASSERT_EQ(appended.manifest->fragments.size(), 4u);
  auto removed =
      Commit(*store_, {5, MakeUuid(), dataset::Delete{.removed = {0}}}, CommittedVersion(appended))
          .ValueOrDie();
  ASSERT_EQ(removed.manifest->fragments.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(removed.manifest->fragments.shared(i), appended.manifest->fragments.shared(i + 1));
    EXPECT_EQ(removed.manifest->fragments[i].id, i + 1);
  }
  auto changed = Commit(*store_, {6, MakeUuid(), DeleteRows(*store_, *removed.manifest, 0, {1, 4})},
                        CommittedVersion(removed))
                     .ValueOrDie();
  EXPECT_EQ(changed.manifest->fragments[0].live_rows(), 8u);
  EXPECT_EQ(changed.manifest->fragments.shared(1), removed.manifest->fragments.shared(1));
}

TEST_F(CommitTest, TableKeepsItsNamingScheme) {
  lance::table::Manifest manifest = SmallManifest();
  PutText(*store_, "_versions/3.manifest", FrameManifest(manifest));
  EXPECT_TRUE(Append(3).ok());
  EXPECT_EQ(Latest()->path, "memory://_versions/4.manifest");
}

TEST_F(CommitTest, TransactionFileCanBeLeftOut) {
  ASSERT_TRUE(Commit(*store_, {0, MakeUuid(), Overwrite{.schema = TestSchema()}}, std::nullopt,
                     {.write_transaction_file = false})
                  .ok());
  EXPECT_TRUE(store_->List("_transactions").ValueOrDie().empty());
  ASSERT_TRUE(Append(1).ok());
  EXPECT_TRUE(Append(1).ok());  // finds the other's in the manifest
}

TEST_F(CommitTest, TransactionIsFoundInItsFile) {
  CreateTable(*store_);
  CommitOther([](auto* manifest) { manifest->set_transaction_file("1-theirs.txn"); }, {});
  auto path = ListVersions(*store_).ValueOrDie().back().path;
  auto file = ParseManifestFile(AsBytes(ReadText(path))).ValueOrDie();
  file.transaction.reset();
  PutText(*store_, path, SerializeManifestFile(&file));
  lance::table::Transaction overwrite;
  overwrite.set_uuid("theirs");
  overwrite.mutable_overwrite();
  PutText(*store_, "_transactions/1-theirs.txn", overwrite.SerializeAsString());
  ExpectError(Append(1).status(), ErrorKind::kCommitConflict, "Overwrite, transaction theirs");
  EXPECT_TRUE(Append(2).ok());
}

TEST_F(CommitTest, VersionWithoutATransactionConflictsWithAll) {
  CreateTable(*store_);
  CommitOther([](auto*) {}, {});
  ExpectError(Append(1).status(), ErrorKind::kCommitConflict, "unknown operation");
}

TEST_F(CommitTest, AppendersAllSucceed) {
  CreateTable(*store_);
  constexpr int kThreads = 8;
  constexpr int kEach = 10;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        Transaction append{1, MakeUuid(), dataset::Append{{NewFragment(MakeUuid(), 10)}}};
        failed += Commit(*store_, append, std::nullopt, {.max_retries = 0}).ok() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  auto latest = Latest();
  EXPECT_EQ(latest->version, 1u + kThreads * kEach);
  std::set<std::string> files;
  std::set<uint64_t> ids;
  for (const Fragment& fragment : latest->fragments) {
    files.insert(fragment.files[0].path);
    ids.insert(fragment.id);
  }
  EXPECT_EQ(files.size(), 1u + kThreads * kEach);
  EXPECT_EQ(ids.size(), 1u + kThreads * kEach);
}

TEST_F(CommitTest, RowIdsAreGivenOnce) {
  CreateTable(*store_, /*stable=*/true);
  ASSERT_TRUE(Append(1).ok());
  auto manifest = Append(1).ValueOrDie();
  ASSERT_EQ(manifest->fragments.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    auto ids = RowIds::Parse(manifest->fragments[i].inline_row_ids, 10).ValueOrDie();
    EXPECT_EQ(ids->at(0), 10 * i);
  }
  EXPECT_EQ(manifest->next_row_id, 30u);
}

TEST_F(CommitTest, DeletionsOfOtherRowsAreMerged) {
  auto first = CreateTable(*store_);
  auto a = DeleteRows(*store_, *first, 0, {1, 2});
  auto b = DeleteRows(*store_, *first, 0, {5});
  auto c = DeleteRows(*store_, *first, 0, {0, 9});
  for (const Delete& deletion : {a, b, c}) {
    auto manifest = CommitTo(*store_, 1, deletion);
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  }
  EXPECT_EQ(Latest()->version, 4u);
  EXPECT_EQ(DeletedOf(*store_, Latest()->fragments[0]), (Offsets{0, 1, 2, 5, 9}));
}

TEST_F(CommitTest, DeletionsOnTopOfOlderOnesAreMerged) {
  auto second = CommitTo(*store_, 1, DeleteRows(*store_, *CreateTable(*store_), 0, {3}));
  auto a = DeleteRows(*store_, **second, 0, {1, 3});
  auto b = DeleteRows(*store_, **second, 0, {3, 8});
  ASSERT_TRUE(CommitTo(*store_, 2, a).ok());
  ASSERT_TRUE(CommitTo(*store_, 2, b).ok());
  EXPECT_EQ(DeletedOf(*store_, Latest()->fragments[0]), (Offsets{1, 3, 8}));
}

TEST_F(CommitTest, DeletersThatOvertakeEachOtherAllSucceed) {
  auto first = CreateTable(*store_);
  std::vector<Delete> deletions;
  for (uint32_t row = 0; row < 8; ++row) deletions.push_back(DeleteRows(*store_, *first, 0, {row}));
  store_->Delay(Call::kPut, std::chrono::milliseconds(2), {.path_contains = "_versions/"});
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (const Delete& deletion : deletions) {
    threads.emplace_back([&] { failed += CommitTo(*store_, 1, deletion).ok() ? 0 : 1; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(DeletedOf(*store_, Latest()->fragments[0]), (Offsets{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(CommitTest, DeletionsOfTheSameRowConflict) {
  auto first = CreateTable(*store_);
  auto a = DeleteRows(*store_, *first, 0, {1, 2});
  auto b = DeleteRows(*store_, *first, 0, {2, 3});
  ASSERT_TRUE(CommitTo(*store_, 1, a).ok());
  ExpectError(CommitTo(*store_, 1, b).status(), ErrorKind::kCommitConflict, "version 2");
  EXPECT_EQ(DeletedOf(*store_, Latest()->fragments[0]), (Offsets{1, 2}));
}

TEST_F(CommitTest, DeletionsThatLeaveNoRowRemoveTheFragment) {
  auto first = CreateTable(*store_);
  auto a = DeleteRows(*store_, *first, 0, {0, 1, 2, 3, 4});
  auto b = DeleteRows(*store_, *first, 0, {5, 6, 7, 8, 9});
  ASSERT_TRUE(CommitTo(*store_, 1, a).ok());
  EXPECT_TRUE(CommitTo(*store_, 1, b).ValueOrDie()->fragments.empty());
  EXPECT_EQ(Append(2).ValueOrDie()->fragments[0].id, 1u);
}

TEST_F(CommitTest, DeleteAndCompactionOfAFragmentConflict) {
  auto first = CreateTable(*store_);
  ASSERT_TRUE(Append(1).ok());
  auto reserved = CommitTo(*store_, 2, ReserveFragments{1}).ValueOrDie();
  EXPECT_EQ(reserved->max_fragment_id, 2u);
  Fragment all = NewFragment("all.lance", 20);
  all.id = 2;
  ASSERT_TRUE(CommitTo(*store_, 2,
                       Rewrite{{{{reserved->fragments.begin(), reserved->fragments.end()}, {all}}}})
                  .ok());
  ExpectError(CommitTo(*store_, 1, DeleteRows(*store_, *first, 0, {1})).status(),
              ErrorKind::kCommitConflict, "Rewrite");
  EXPECT_TRUE(Append(1).ok());
}

TEST_F(CommitTest, AppendConflictsWithAColumnOfAnotherType) {
  CreateTable(*store_);
  lance::table::Transaction merge;
  merge.mutable_merge();
  CommitOther(
      [](auto* manifest) {
        manifest->mutable_fields(1)->set_id(2);
        manifest->mutable_fields(1)->set_logical_type("int64");
      },
      merge);
  ExpectError(Append(1).status(), ErrorKind::kCommitConflict, "Merge");
  EXPECT_TRUE(Append(2).ok());
}

TEST_F(CommitTest, AppendGoesWithANewColumnThatMayBeNull) {
  CreateTable(*store_);
  lance::table::Transaction merge;
  merge.mutable_merge();
  CommitOther(
      [](auto* manifest) {
        auto* field = manifest->add_fields();
        *field = manifest->fields(0);
        field->set_id(2);
        field->set_name("c");
      },
      merge);
  EXPECT_TRUE(Append(1).ok());
  CommitOther([](auto* manifest) { manifest->mutable_fields(2)->set_nullable(false); }, merge);
  ExpectError(Append(1).status(), ErrorKind::kCommitConflict, "Merge");
}

TEST_F(CommitTest, RestoreMakesAnOldVersionTheLatest) {
  CreateTable(*store_);
  ASSERT_TRUE(Append(1).ok());
  auto restored = CommitTo(*store_, 2, Restore{1}).ValueOrDie();
  EXPECT_EQ(restored->version, 3u);
  EXPECT_EQ(restored->live_rows(), 10u);
  EXPECT_EQ(Append(3).ValueOrDie()->fragments.back().id, 2u);
  ExpectError(CommitTo(*store_, 3, Restore{9}).status(), ErrorKind::kNotFound, "version 9");
}

TEST_F(CommitTest, VersionThatCouldNotBeReadIsNotWritten) {
  CreateTable(*store_);
  Fragment broken = NewFragment("../x.lance", 10);
  ExpectError(CommitTo(*store_, 1, dataset::Append{{broken}}).status(), ErrorKind::kInvalidArgument,
              "cannot be read");
  EXPECT_EQ(CountVersions(), 1u);
}

TEST_F(CommitTest, LosersStopWhenTheirRetriesAreUsedUp) {
  auto first = CreateTable(*store_);
  store_->Fail(Call::kPut, ErrorKind::kAlreadyExists, {.path_contains = "_versions/"});
  ExpectError(
      Commit(*store_, {1, MakeUuid(), ReserveFragments{1}}, std::nullopt, {.max_retries = 3})
          .status(),
      ErrorKind::kCommitConflict, "faster 4 times");
}

TEST_F(CommitTest, CommittingTwiceIsCommittingOnce) {
  CreateTable(*store_);
  Transaction transaction{1, MakeUuid(), dataset::Append{{NewFragment("y.lance", 5)}}};
  EXPECT_EQ(Commit(*store_, transaction).ValueOrDie().manifest->version, 2u);
  ASSERT_TRUE(Append(1).ok());
  EXPECT_EQ(Commit(*store_, transaction).ValueOrDie().manifest->version, 2u);
  EXPECT_EQ(Latest()->live_rows(), 25u);
}

TEST_F(CommitTest, LostAnswerOfTheStoreIsFoundOut) {
  for (Transaction transaction :
       {Transaction{0, MakeUuid(), Overwrite{.schema = TestSchema()}},
        Transaction{1, MakeUuid(), dataset::Append{{NewFragment("y.lance", 5)}}}}) {
    const size_t before = CountVersions();
    store_->FailAfterwards(Call::kPut, ErrorKind::kUnavailable,
                           {.path_contains = "_versions/", .times = 1});
    ExpectError(Commit(*store_, transaction).status(), ErrorKind::kUnavailable,
                "whether version " + std::to_string(before + 1) + " was committed is not known");
    EXPECT_EQ(Commit(*store_, transaction).ValueOrDie().manifest->version, before + 1);
    EXPECT_EQ(CountVersions(), before + 1);
  }
}

// A writer that dies after any of its writes: the table is at the old version or at the new one.
TEST_F(CommitTest, DeathAtAnyWriteLeavesTheOldVersionOrTheNewOne) {
  auto first = CreateTable(*store_);
  auto theirs = DeleteRows(*store_, *first, 0, {1});
  auto ours = DeleteRows(*store_, *first, 0, {2});
  ASSERT_TRUE(CommitTo(*store_, 1, theirs).ok());
  for (bool afterwards : {false, true}) {
    for (const char* path : {"_deletions/", "_transactions/", "_versions/"}) {
      io::WhichCalls which{.path_contains = path, .times = 1};
      if (afterwards) {
        store_->FailAfterwards(Call::kPut, ErrorKind::kUnavailable, which);
      } else {
        store_->Fail(Call::kPut, ErrorKind::kUnavailable, which);
      }
      EXPECT_EQ(GetErrorKind(CommitTo(*store_, 1, ours).status()), ErrorKind::kUnavailable);
      const bool committed = afterwards && std::string_view(path) == "_versions/";
      EXPECT_EQ(Latest()->version, committed ? 3u : 2u) << path;
      EXPECT_EQ(DeletedOf(*store_, Latest()->fragments[0]),
                (committed ? Offsets{1, 2} : Offsets{1}));
    }
  }
}

TEST_F(CommitTest, ReadsThatFailEndTheCommit) {
  CreateTable(*store_);
  ASSERT_TRUE(Append(1).ok());
  for (Call call : {Call::kList, Call::kOpen, Call::kRead}) {
    for (int skip = 0; skip < 2; ++skip) {
      store_->Fail(call, ErrorKind::kUnavailable, {.skip = skip, .times = 1});
      arrow::Status status = Append(1).status();
      EXPECT_TRUE(status.ok() || GetErrorKind(status) == ErrorKind::kUnavailable)
          << status.ToString();
      store_->Clear();
    }
  }
}

}  // namespace
}  // namespace pilum::dataset

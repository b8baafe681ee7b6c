#include "dataset/conflict.h"

#include <gtest/gtest.h>

#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

using Kind = OperationKind;

TransactionSummary Made(Kind kind, std::vector<uint64_t> fragments = {},
                        std::vector<uint64_t> removed = {}) {
  return {.kind = kind,
          .operation = "Operation",
          .read_version = 3,
          .uuid = "their-uuid",
          .fragments = std::move(fragments),
          .removed = std::move(removed)};
}

Verdict Check(const TransactionSummary& ours, const TransactionSummary& theirs) {
  return CheckConflict(ours, theirs, /*stable_row_ids=*/false);
}

TEST(Conflicts, AppendsGoWithAllButAReplacedTable) {
  for (int kind = 0; kind <= static_cast<int>(Kind::kOther); ++kind) {
    const auto theirs = static_cast<Kind>(kind);
    const bool fails =
        theirs == Kind::kOverwrite || theirs == Kind::kRestore || theirs == Kind::kOther;
    EXPECT_EQ(Check(Made(Kind::kAppend), Made(theirs, {1})), fails ? Verdict::kFail : Verdict::kOk)
        << kind;
    EXPECT_EQ(Check(Made(Kind::kRestore), Made(theirs, {1})), Verdict::kOk) << kind;
  }
}

TEST(Conflicts, DeletionsInOneFragmentAreMerged) {
  for (Kind ours : {Kind::kDelete, Kind::kUpdate}) {
    for (Kind theirs : {Kind::kDelete, Kind::kUpdate}) {
      EXPECT_EQ(Check(Made(ours, {1, 2}), Made(theirs, {2, 3})), Verdict::kMerge);
      EXPECT_EQ(Check(Made(ours, {1, 2}), Made(theirs, {3})), Verdict::kOk);
      EXPECT_EQ(Check(Made(ours, {1, 2}), Made(theirs, {2}, {2})), Verdict::kRetry);
      EXPECT_EQ(Check(Made(ours, {1, 2}, {2}), Made(theirs, {2})), Verdict::kRetry);
    }
  }
}

TEST(Conflicts, CompactionGoesWithChangesOfOtherFragments) {
  for (Kind other : {Kind::kDelete, Kind::kUpdate, Kind::kDataReplacement, Kind::kRewrite}) {
    EXPECT_EQ(Check(Made(Kind::kRewrite, {1, 2}, {1, 2}), Made(other, {2})), Verdict::kRetry);
    EXPECT_EQ(Check(Made(Kind::kRewrite, {1, 2}, {1, 2}), Made(other, {3})), Verdict::kOk);
  }
  EXPECT_EQ(Check(Made(Kind::kDelete, {1}), Made(Kind::kRewrite, {1}, {1})), Verdict::kRetry);
  EXPECT_EQ(Check(Made(Kind::kDelete, {1}), Made(Kind::kRewrite, {2}, {2})), Verdict::kOk);
}

TEST(Conflicts, StableRowIdsLetCompactionGoWithANewIndex) {
  auto ours = Made(Kind::kRewrite, {1}, {1});
  auto index = Made(Kind::kCreateIndex, {1});
  EXPECT_EQ(CheckConflict(ours, index, false), Verdict::kRetry);
  EXPECT_EQ(CheckConflict(ours, index, true), Verdict::kOk);
}

TEST(Conflicts, OverwritesMindConfigKeysAndEachOther) {
  auto ours = Made(Kind::kOverwrite);
  ours.config_keys = {"a", "b"};
  auto theirs = Made(Kind::kUpdateConfig);
  theirs.config_keys = {"b"};
  EXPECT_EQ(Check(ours, theirs), Verdict::kRetry);
  theirs.config_keys = {"c"};
  EXPECT_EQ(Check(ours, theirs), Verdict::kOk);
  theirs.replaces_config = true;
  EXPECT_EQ(Check(ours, theirs), Verdict::kRetry);
  EXPECT_EQ(Check(ours, Made(Kind::kOverwrite)), Verdict::kRetry);
  EXPECT_EQ(Check(ours, Made(Kind::kAppend)), Verdict::kOk);
}

TEST(Conflicts, ErrorsNameTheOtherTransaction) {
  auto status = ConflictError(Made(Kind::kDelete), Made(Kind::kRewrite), 4, Verdict::kRetry);
  ExpectError(status, ErrorKind::kCommitConflict, "version 4");
  ExpectError(status, ErrorKind::kCommitConflict, "Operation, transaction their-uuid");
  EXPECT_EQ(GetErrorDetail(status)->where().version, 4u);
}

}  // namespace
}  // namespace pilum::dataset

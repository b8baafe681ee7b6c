#include "pilum/error.h"

#include <gtest/gtest.h>

namespace pilum {
namespace {

TEST(Error, CarriesKindAndPlace) {
  arrow::Status status =
      MakeError(ErrorKind::kCorruptData, "the footer is damaged",
                {.path = "a.lance", .offset = 40, .column = "x.y", .version = 3});
  auto detail = GetErrorDetail(status);
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->kind(), ErrorKind::kCorruptData);
  EXPECT_EQ(detail->where().path, "a.lance");
  EXPECT_EQ(detail->ToString(), "corrupt data, file a.lance, version 3, column x.y, byte 40");
  EXPECT_EQ(status.message(), "the footer is damaged");
}

TEST(Error, KindSurvivesInEveryStatus) {
  for (int k = 0; k <= static_cast<int>(ErrorKind::kInternal); ++k) {
    auto kind = static_cast<ErrorKind>(k);
    EXPECT_FALSE(MakeError(kind, "m").ok());
    EXPECT_EQ(GetErrorKind(MakeError(kind, "m")), kind);
  }
}

TEST(Error, StatusOfArrowIsClassifiedByItsCode) {
  EXPECT_EQ(GetErrorDetail(arrow::Status::Invalid("m")), nullptr);
  EXPECT_EQ(GetErrorKind(arrow::Status::Invalid("m")), ErrorKind::kInvalidArgument);
  EXPECT_EQ(GetErrorKind(arrow::Status::NotImplemented("m")), ErrorKind::kUnsupported);
  EXPECT_EQ(GetErrorKind(arrow::Status::IOError("m")), ErrorKind::kUnavailable);
  EXPECT_EQ(GetErrorKind(arrow::Status::OutOfMemory("m")), ErrorKind::kUnavailable);
  EXPECT_EQ(GetErrorKind(arrow::Status::KeyError("m")), ErrorKind::kNotFound);
  EXPECT_EQ(GetErrorKind(arrow::Status::AlreadyExists("m")), ErrorKind::kAlreadyExists);
  EXPECT_EQ(GetErrorKind(arrow::Status::SerializationError("m")), ErrorKind::kCorruptData);
}

TEST(Error, ContextFillsOnlyWhatIsUnknown) {
  arrow::Status inner = MakeError(ErrorKind::kCorruptData, "m", {.offset = 8});
  auto detail = GetErrorDetail(WithContext(inner, {.path = "f", .offset = 99}));
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->kind(), ErrorKind::kCorruptData);
  EXPECT_EQ(detail->where().path, "f");
  EXPECT_EQ(detail->where().offset, 8u);
  EXPECT_TRUE(WithContext(arrow::Status::OK(), {.path = "f"}).ok());
}

}  // namespace
}  // namespace pilum

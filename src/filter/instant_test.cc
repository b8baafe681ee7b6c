#include "filter/instant.h"

#include <gtest/gtest.h>

namespace pilum::filter {
namespace {

TEST(Instant, ReadsDatesTimesAndZones) {
  EXPECT_EQ(ParseInstant("1970-01-02")->seconds, 86400);
  EXPECT_FALSE(ParseInstant("1970-01-02")->has_time);
  EXPECT_EQ(ParseInstant("1969-12-31 23:59:59.25")->seconds, -1);
  EXPECT_EQ(ParseInstant("1969-12-31 23:59:59.25")->nanoseconds, 250'000'000);
  EXPECT_EQ(ParseInstant("1970-01-01T00:00:00.000000001")->nanoseconds, 1);
  EXPECT_EQ(ParseInstant("1970-01-01T01:00+01:00")->seconds, 0);
  EXPECT_EQ(ParseInstant("1970-01-01T01:00+0130")->seconds, -1800);
  EXPECT_EQ(ParseInstant("1970-01-01 00:00:00 -02")->seconds, 7200);
  EXPECT_TRUE(ParseInstant("1970-01-01T00:00:00Z")->has_zone);
  EXPECT_TRUE(ParseInstant("1970-01-01 00:00:00 UTC")->has_zone);
  EXPECT_EQ(ParseInstant("12:30")->seconds, 45000);
  EXPECT_FALSE(ParseInstant("12:30")->has_date);
  EXPECT_EQ(ParseInstant("0001-01-01")->seconds, -62135596800);
  EXPECT_EQ(ParseInstant("9999-12-31")->seconds, 253402214400);
}

TEST(Instant, RefusesWhatIsNoInstant) {
  for (const char* text : {"",
                           "2020",
                           "2020-01",
                           "2020-1-1",
                           "2020-02-30",
                           "2021-02-29",
                           "2020-13-01",
                           "2020-01-01 ",
                           "2020-01-01 24:00:00",
                           "2020-01-01 12:60",
                           "2020-01-01 12:00:60",
                           "2020-01-01 12:00:00.",
                           "2020-01-01 12:00:00.1234567890",
                           "2020-01-01 12:00:00+",
                           "2020-01-01 12:00:00+25",
                           "2020-01-01 12:00:00Zulu",
                           "2020-01-01x12:00",
                           "2020-01-01Z",
                           "12:00Z",
                           "12",
                           "garbage"}) {
    EXPECT_FALSE(ParseInstant(text)) << text;
  }
}

}  // namespace
}  // namespace pilum::filter

#include "error/nearest_name.h"

#include <gtest/gtest.h>

namespace pilum {
namespace {

TEST(NearestName, FindsSmallMistakes) {
  EXPECT_EQ(NearestName("lable", {"image", "label"}), "label");
  EXPECT_EQ(NearestName("LABEL_", {"image", "label"}), "label");
  EXPECT_EQ(NearestName("embeding", {"embedding", "emb"}), "embedding");
  EXPECT_EQ(NearestName("a", {"b"}), "b");
}

TEST(NearestName, StaysSilentWhenNothingIsClose) {
  EXPECT_EQ(NearestName("user", {"lstr", "label"}), "");
  EXPECT_EQ(NearestName("label", {}), "");
  EXPECT_EQ(NearestName(std::string(100000, 'x'), {"x"}), "");
}

TEST(NearestName, IgnoresTheCaseOfAsciiLettersOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("Label", "lABEL"));
  EXPECT_FALSE(EqualsIgnoreCase("é", "É"));
  EXPECT_EQ(ToLower("ABC_É"), "abc_É");
}

}  // namespace
}  // namespace pilum

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum {
namespace {

TEST(CancelScope, WithoutOneEverythingGoesOn) {
  EXPECT_TRUE(CancelScope::Check().ok());
  EXPECT_TRUE(CancelScope::CheckNow().ok());
}

TEST(CancelScope, AsksNowAndThen) {
  int asked = 0;
  CancelScope scope([&] {
    ++asked;
    return true;
  });
  for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(CancelScope::Check().ok());
  EXPECT_LT(asked, 1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const int before = asked;
  EXPECT_TRUE(CancelScope::Check().ok());
  EXPECT_TRUE(CancelScope::CheckNow().ok());
  EXPECT_EQ(asked, before + 2);
}

TEST(CancelScope, StaysCancelled) {
  bool wanted = false;
  CancelScope scope([&] { return wanted; });
  EXPECT_EQ(GetErrorKind(CancelScope::CheckNow()), ErrorKind::kCancelled);
  wanted = true;
  EXPECT_EQ(GetErrorKind(CancelScope::CheckNow()), ErrorKind::kCancelled);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(GetErrorKind(CancelScope::Check()), ErrorKind::kCancelled);
}

TEST(CancelScope, TheInnermostOfTheThreadIsAsked) {
  CancelScope outer([] { return false; });
  {
    CancelScope inner([] { return true; });
    EXPECT_TRUE(CancelScope::CheckNow().ok());
  }
  std::thread([] { EXPECT_TRUE(CancelScope::CheckNow().ok()); }).join();
  EXPECT_FALSE(CancelScope::CheckNow().ok());
}

}  // namespace
}  // namespace pilum

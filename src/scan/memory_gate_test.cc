#include "scan/memory_gate.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace pilum::scan {
namespace {

class MemoryGateTest : public testing::Test {
 protected:
  void Begin(int64_t reads) {
    for (int64_t read = 0; read < reads; ++read) gate_.Begin(read);
  }
  void Enter(int64_t read, uint64_t bytes) {
    const auto start = [this, read] { started_ += std::to_string(read); };
    if (gate_.Enter(read, bytes, start)) start();
  }

  MemoryGate gate_{100};
  std::string started_;
};

TEST_F(MemoryGateTest, WhatFitsStartsAtOnce) {
  Begin(3);
  Enter(2, 30);
  Enter(0, 30);
  Enter(1, 40);
  EXPECT_EQ(started_, "201");
}

TEST_F(MemoryGateTest, WhatDoesNotFitWaits) {
  Begin(3);
  Enter(0, 60);
  Enter(1, 60);
  EXPECT_EQ(started_, "0");
  gate_.End(0);
  EXPECT_EQ(started_, "01");
}

TEST_F(MemoryGateTest, WhoeverHasRoomIsToldSoAndNotStarted) {
  Begin(3);
  EXPECT_TRUE(gate_.Enter(0, 60, [] { FAIL(); }));
  EXPECT_FALSE(gate_.Enter(1, 60, [this] { started_ += '1'; }));
  EXPECT_FALSE(gate_.Enter(2, 10, [this] { started_ += '2'; })) << "before the one that waits";
  gate_.End(0);
  EXPECT_EQ(started_, "12");
}

TEST_F(MemoryGateTest, TheFirstNeverWaits) {
  Begin(3);
  Enter(1, 100);
  Enter(0, 1000);
  EXPECT_EQ(started_, "10");
  Enter(0, 1000);  // its next requests
  EXPECT_EQ(started_, "100");
  Enter(2, 1);
  gate_.End(0);
  EXPECT_EQ(started_, "100");
  Enter(1, 500);  // which is the first now
  EXPECT_EQ(started_, "1001");
  gate_.End(1);
  EXPECT_EQ(started_, "10012");
}

TEST_F(MemoryGateTest, WhatIsNotHeldAnyMoreMakesRoom) {
  Begin(2);
  Enter(0, 80);
  Enter(1, 80);
  gate_.Hold(0, 30);
  EXPECT_EQ(started_, "0");
  gate_.Hold(0, 20);
  EXPECT_EQ(started_, "01");
  Enter(0, 80);  // it is the first still
  EXPECT_EQ(started_, "010");
}

TEST_F(MemoryGateTest, SmallOnesDoNotOvertakeLargeOnes) {
  Begin(4);
  Enter(0, 60);
  Enter(1, 60);
  Enter(2, 10);
  EXPECT_EQ(started_, "0");
  gate_.End(0);
  EXPECT_EQ(started_, "012");
}

TEST_F(MemoryGateTest, WhatIsHeldMayBeMoreThanThereIsRoomFor) {
  Begin(3);
  Enter(1, 10);
  gate_.Hold(1, 200);
  Enter(2, 1);
  Enter(0, 10);
  EXPECT_EQ(started_, "10");
  gate_.Hold(1, 80);
  EXPECT_EQ(started_, "102");
}

TEST_F(MemoryGateTest, ReadsMayEndWithoutHavingEntered) {
  Begin(2);
  Enter(1, 500);
  gate_.End(0);
  EXPECT_EQ(started_, "1");
}

TEST_F(MemoryGateTest, WhatIsCancelledNeverStarts) {
  Begin(2);
  Enter(0, 100);
  const auto owned = std::make_shared<int>();
  EXPECT_FALSE(gate_.Enter(1, 100, [owned] { FAIL(); }));
  EXPECT_EQ(owned.use_count(), 2);
  gate_.Cancel();
  EXPECT_EQ(owned.use_count(), 1);
  gate_.End(0);
  gate_.End(1);
  Enter(1, 1);
  EXPECT_EQ(started_, "0");
}

}  // namespace
}  // namespace pilum::scan

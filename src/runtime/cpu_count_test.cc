#include "runtime/cpu_count.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pilum::runtime {
namespace {

class CgroupQuota : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "pilum_cgroup_" + std::to_string(getpid());
    std::filesystem::remove_all(root_);
    Write("membership", "0::/outer/inner\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::path file = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::optional<double> Quota() { return CgroupCpuQuota(root_ + "/membership", root_); }

  std::string root_;
};

TEST_F(CgroupQuota, IsNothingWithoutFiles) { EXPECT_EQ(Quota(), std::nullopt); }

TEST_F(CgroupQuota, IsNothingWhenUnlimited) {
  Write("outer/inner/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST_F(CgroupQuota, IsQuotaDividedByPeriod) {
  Write("outer/inner/cpu.max", "250000 100000\n");
  EXPECT_EQ(Quota(), 2.5);
}

TEST_F(CgroupQuota, TightestParentWins) {
  Write("outer/inner/cpu.max", "400000 100000\n");
  Write("outer/cpu.max", "150000 100000\n");
  Write("cpu.max", "800000 100000\n");
  EXPECT_EQ(Quota(), 1.5);
}

TEST_F(CgroupQuota, GroupInTheRootHasTheRootsQuota) {
  Write("membership", "1:name=systemd:/x\n0::/\n");
  Write("cpu.max", "300000 100000\n");
  EXPECT_EQ(Quota(), 3.0);
}

TEST_F(CgroupQuota, DamagedFileIsNoQuota) {
  Write("outer/inner/cpu.max", "100000 0\n");
  Write("outer/cpu.max", "many");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST(UsableCpus, IsAtLeastOne) { EXPECT_GE(UsableCpus(), 1); }

}  // namespace
}  // namespace pilum::runtime

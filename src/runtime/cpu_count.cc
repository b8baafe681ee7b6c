#include "runtime/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>
#include <vector>

namespace pilum::runtime {
namespace {

/// The CPUs this thread may run on. The kernel refuses masks smaller than its own.
int AffinityCpus() {
  for (size_t cpus = CPU_SETSIZE; cpus <= (1u << 20); cpus *= 2) {
    std::vector<cpu_set_t> mask(cpus / CPU_SETSIZE);
    size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// The path of the version 2 group: the line "0::/path".
std::string GroupPath(const std::string& membership) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return "";
}

}  // namespace

std::optional<double> CgroupCpuQuota(const std::string& membership, const std::string& root) {
  std::optional<double> tightest;
  std::filesystem::path group = GroupPath(membership);
  for (;;) {
    std::ifstream file(std::filesystem::path(root) / group / "cpu.max");
    double quota = 0;
    double period = 0;
    // An unlimited group says "max" for the quota, which fails to parse.
    if (file >> quota >> period && quota > 0 && period > 0) {
      tightest = std::min(tightest.value_or(quota / period), quota / period);
    }
    if (group.empty()) return tightest;
    group = group.parent_path();
  }
}

int UsableCpus() {
  int cpus = AffinityCpus();
  if (auto quota = CgroupCpuQuota("/proc/self/cgroup", "/sys/fs/cgroup")) {
    cpus = std::min(cpus, static_cast<int>(std::ceil(std::min(*quota, 1e6))));
  }
  return std::max(cpus, 1);
}

}  // namespace pilum::runtime

// How many CPUs this process may keep busy.
#pragma once

#include <optional>
#include <string>

namespace pilum::runtime {

/// The CPUs of the affinity mask, or fewer when a control group grants less time. At least 1.
int UsableCpus();

/// The tightest CPU quota, in CPUs, over the control group (version 2) that `membership` names and
/// its parents: the file has the layout of /proc/self/cgroup, `root` that of /sys/fs/cgroup.
/// Nothing when no quota is set.
std::optional<double> CgroupCpuQuota(const std::string& membership, const std::string& root);

}  // namespace pilum::runtime

// A file of the local file system, opened for positional reads.
#pragma once

#include <memory>
#include <string>

#include <arrow/result.h>

#include "pilum/storage.h"

namespace pilum::io {

/// How local files like to be read. A read from the page cache costs about as much as copying 4
/// KiB.
inline constexpr ReadPolicy kLocalReadPolicy{
    .max_gap = 4096, .max_request = 8u << 20, .concurrency = 16};

/// How many objects of this process may hold a descriptor at a time: half of what the system
/// allows, at most 4096, so that an application keeps the rest.
int MaxHeldDescriptors();

/// Opens a regular file. The first `max_held` objects of the process hold a descriptor as long as
/// they live; those beyond open the file for each read, and fail with kCorruptData when it is not
/// the same file any more.
arrow::Result<std::shared_ptr<ReadableObject>> OpenLocalObject(std::string path,
                                                               int max_held = MaxHeldDescriptors());

}  // namespace pilum::io

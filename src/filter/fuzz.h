// Fuzz entry point of the module.
#pragma once

#include <cstddef>
#include <span>

namespace pilum::filter {

/// Parses, binds and evaluates the bytes as SQL on a small fixed batch of every type, and ends the
/// process when a result is unsound; only the first 4 KiB are read.
void FuzzFilter(std::span<const std::byte> data);

}  // namespace pilum::filter

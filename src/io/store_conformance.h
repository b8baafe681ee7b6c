// What every ObjectStore must do, as one suite of tests.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, ::testing::Values(&MakeMemoryStore));
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pilum/storage.h"

namespace pilum::io {

/// Makes an empty store. Called once for each test.
using StoreFactory = std::function<std::shared_ptr<ObjectStore>()>;

class StoreConformance : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override { store_ = GetParam()(); }

  void Put(std::string_view path, std::string_view text);
  std::unique_ptr<ObjectWriter> Create(std::string_view path);
  /// All of an object.
  arrow::Result<std::string> Read(std::string_view path);

  std::shared_ptr<ObjectStore> store_;
};

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Bytes that differ from place to place: reading at the wrong offset does not go unnoticed.
std::string PatternText(size_t size);

}  // namespace pilum::io

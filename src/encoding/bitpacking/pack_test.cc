#include "encoding/bitpacking/pack.h"

#include <gtest/gtest.h>

#include "encoding/bitpacking/unpack.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

constexpr bytes::SimdLevel kLevels[] = {bytes::SimdLevel::kScalar, bytes::SimdLevel::kV3,
                                        bytes::SimdLevel::kV4};

/// Packs from and to odd addresses, into exactly as much room as needed.
template <typename T>
std::string Packed(bytes::SimdLevel level, const std::vector<T>& values, uint32_t width) {
  const std::string from = RawUnaligned(values);
  const auto packed = std::make_unique<std::byte[]>(1 + PackedBytes(width));
  Pack1024At(level, sizeof(T) * 8, width, AsBytes(from).data() + 1, packed.get() + 1);
  return std::string(AsText(Bytes(packed.get() + 1, PackedBytes(width))));
}

template <typename T>
void ExpectKernelsPackAsDefined() {
  constexpr uint32_t kBits = sizeof(T) * 8;
  for (uint32_t width = 0; width <= kBits; ++width) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto values = RandomValues<T>(1024, width, seed);
      const std::string expected = PackBlock(values, width);
      for (auto level : kLevels) {
        if (level > bytes::ActiveSimdLevel()) continue;
        ASSERT_EQ(Packed(level, values, width), expected)
            << "width " << width << ", level " << static_cast<int>(level);
      }
      std::vector<T> unpacked(1024);
      Unpack1024(kBits, width, AsBytes(expected).data(),
                 reinterpret_cast<std::byte*>(unpacked.data()));
      ASSERT_EQ(unpacked, values);
    }
  }
}

TEST(Pack, KernelsPackAsDefinedAtEveryWidth) {
  ExpectKernelsPackAsDefined<uint8_t>();
  ExpectKernelsPackAsDefined<uint16_t>();
  ExpectKernelsPackAsDefined<uint32_t>();
  ExpectKernelsPackAsDefined<uint64_t>();
}

TEST(Pack, TakesTheLowBitsOfWiderValues) {
  const auto values = RandomValues<uint32_t>(1024, 32);
  std::vector<uint32_t> low = values;
  for (uint32_t& value : low) value &= 0x1ff;
  for (auto level : kLevels) {
    if (level > bytes::ActiveSimdLevel()) continue;
    EXPECT_EQ(Packed(level, values, 9), PackBlock(low, 9));
  }
}

template <typename T>
void ExpectBitsOfTheLargest() {
  constexpr uint32_t kBits = sizeof(T) * 8;
  for (size_t n : {1, 2, 3, 7, 8, 9, 100, 1023}) {
    for (uint32_t width = 1; width <= kBits; ++width) {
      for (size_t at : {size_t{0}, n / 2, n - 1}) {
        std::vector<T> values(n);
        values[at] = static_cast<T>(uint64_t{1} << (width - 1));
        const std::string bytes = RawUnaligned(values);
        ASSERT_EQ(BitsNeeded(kBits, AsBytes(bytes).data() + 1, n), width) << n << " at " << at;
      }
    }
    EXPECT_EQ(BitsNeeded(kBits, AsBytes(Raw(std::vector<T>(n))).data(), n), 0u);
  }
  EXPECT_EQ(BitsNeeded(kBits, nullptr, 0), 0u);
}

TEST(BitsNeeded, AreThoseOfTheLargestValue) {
  ExpectBitsOfTheLargest<uint8_t>();
  ExpectBitsOfTheLargest<uint16_t>();
  ExpectBitsOfTheLargest<uint32_t>();
  ExpectBitsOfTheLargest<uint64_t>();
}

}  // namespace
}  // namespace pilum::encoding

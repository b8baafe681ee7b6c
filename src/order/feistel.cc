#include "order/feistel.h"

namespace pilum::order {
namespace {

/// The least a with a * a >= n, exactly: floating point would be off for large n.
uint64_t CeilSqrt(uint64_t n) {
  uint64_t low = 1;
  uint64_t high = uint64_t{1} << 32;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (middle * middle < n) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// Both below `modulus`, which is at most 2^32.
uint64_t AddModulo(uint64_t x, uint64_t y, uint64_t modulus) {
  const uint64_t sum = x + y;
  return sum < modulus ? sum : sum - modulus;
}

uint64_t SubtractModulo(uint64_t x, uint64_t y, uint64_t modulus) {
  return x >= y ? x - y : x + modulus - y;
}

}  // namespace

Feistel::Feistel(uint64_t size, uint64_t key)
    : size_(size), columns_(CeilSqrt(size)), rows_((size - 1) / columns_.value() + 1) {
  SplitMix64 numbers(key);
  for (uint64_t& round_key : keys_) round_key = numbers.Next();
}

uint64_t Feistel::Encrypt(uint64_t number) const {
  auto [row, column] = columns_.Divide(number);
  for (int round = 0; round < kRounds; round += 2) {
    column = AddModulo(column, ToColumn(row, round), columns_.value());
    row = AddModulo(row, ToRow(column, round + 1), rows_);
  }
  return row * columns_.value() + column;
}

uint64_t Feistel::Decrypt(uint64_t number) const {
  auto [row, column] = columns_.Divide(number);
  for (int round = kRounds - 2; round >= 0; round -= 2) {
    row = SubtractModulo(row, ToRow(column, round + 1), rows_);
    column = SubtractModulo(column, ToColumn(row, round), columns_.value());
  }
  return row * columns_.value() + column;
}

uint64_t Feistel::At(uint64_t position) const {
  uint64_t number = position;
  do number = Encrypt(number);
  while (number >= size_);
  return number;
}

uint64_t Feistel::PositionOf(uint64_t number) const {
  uint64_t position = number;
  do position = Decrypt(position);
  while (position >= size_);
  return position;
}

// Each round waits for the one before it. Several numbers in step keep the processor busy
// meanwhile.
void Feistel::Fill(uint64_t first, std::span<uint64_t> numbers) const {
  constexpr size_t kLanes = 8;
  Division cells[kLanes];
  size_t done = 0;
  for (; numbers.size() - done >= kLanes; done += kLanes) {
    for (size_t i = 0; i < kLanes; ++i) cells[i] = columns_.Divide(first + done + i);
    for (int round = 0; round < kRounds; round += 2) {
      for (auto& [row, column] : cells) {
        column = AddModulo(column, ToColumn(row, round), columns_.value());
      }
      for (auto& [row, column] : cells) {
        row = AddModulo(row, ToRow(column, round + 1), rows_);
      }
    }
    for (size_t i = 0; i < kLanes; ++i) {
      const uint64_t number = cells[i].quotient * columns_.value() + cells[i].remainder;
      numbers[done + i] = number < size_ ? number : At(number);
    }
  }
  for (; done < numbers.size(); ++done) numbers[done] = At(first + done);
}

}  // namespace pilum::order

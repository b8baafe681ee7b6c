#include "encoding/fsst/fsst_encode.h"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>
#include <vector>

namespace pilum::encoding {
namespace {

constexpr uint64_t kHeader = uint64_t{0x46535354} << 32 | 1 << 24;
constexpr size_t kTableBytes = 8 + 256 * 8 + 256;
constexpr uint32_t kMaxSymbols = 255;
constexpr uint32_t kMaxLength = 8;
constexpr uint64_t kSampleBytes = 16 << 10;
constexpr uint64_t kMaxPiece = 512;

/// The first `length` bytes of `value`; the others are 0.
struct Symbol {
  uint64_t value;
  uint32_t length;

  auto operator<=>(const Symbol&) const = default;
};

/// The first eight bytes of two symbols that follow each other; `a` has less than eight.
Symbol Concat(Symbol a, Symbol b) {
  return {a.value | b.value << (8 * a.length), std::min(a.length + b.length, kMaxLength)};
}

/// What a symbol is encoded to: the byte to write, whether a literal byte follows it, and how many
/// bytes it stands for.
class Code {
 public:
  Code() = default;
  Code(uint32_t code, uint32_t length) : bits_(static_cast<uint16_t>(code | length << 12)) {}
  static Code Escape() { return Code(kEscapeBit | 255, 1); }

  uint32_t byte() const { return bits_ & 0xff; }
  uint32_t escape() const { return bits_ >> 8 & 1; }
  uint32_t length() const { return bits_ >> 12; }

 private:
  static constexpr uint32_t kEscapeBit = 256;
  uint16_t bits_;
};

}  // namespace

/// Finds the longest symbol.
class FsstEncoder::Matcher {
 public:
  Matcher() {
    bytes_.fill(Code::Escape());
    shorts_.fill(Code::Escape());
  }

  const std::vector<Symbol>& symbols() const { return symbols_; }

  /// Does nothing if a better symbol has its slot; there are less than kMaxSymbols.
  void Add(Symbol symbol) {
    const Code code(static_cast<uint32_t>(symbols_.size()), symbol.length);
    if (symbol.length > 2) {
      Slot& slot = slots_[Hash(symbol.value)];
      if (!slot.free()) return;
      slot = {symbol.value, 64 - 8 * symbol.length, code};
    } else if (symbol.length == 2) {
      shorts_[symbol.value] = code;
    } else {
      bytes_[symbol.value] = code;
      for (size_t next = 0; next < 256; ++next) {
        Code& both = shorts_[next << 8 | symbol.value];
        if (both.length() == 1) both = code;
      }
    }
    symbols_.push_back(symbol);
  }

  /// The code of the longest symbol that the eight bytes of `word` begin with.
  Code Match(uint64_t word) const {
    const Slot& slot = slots_[Hash(word)];
    return slot.matches(word) ? slot.code : shorts_[word & 0xffff];
  }

  /// The same where `word` has `left` < 8 bytes.
  Code MatchShort(uint64_t word, size_t left) const {
    const Code code = Match(word);
    if (code.length() <= left) return code;
    const Code both = shorts_[word & 0xffff];
    return both.length() <= left ? both : bytes_[word & 0xff];
  }

  /// Calls visit(word, code) for what a value is encoded to, one symbol after the other.
  template <typename Visit>
  void ForEach(Bytes value, Visit&& visit) const {
    const std::byte* at = value.data();
    const std::byte* const end = at + value.size();
    while (end - at >= 8) {
      const auto word = bytes::Load<uint64_t>(at);
      const Code code = Match(word);
      visit(word, code);
      at += code.length();
    }
    auto left = static_cast<size_t>(end - at);
    for (uint64_t word = bytes::LoadShort(at, left); left > 0;) {
      const Code code = MatchShort(word, left);
      visit(word, code);
      word >>= 8 * code.length();
      left -= code.length();
    }
  }

 private:
  struct Slot {
    uint64_t value = 2;  // an unused slot compares the lowest bit alone, and to no bit
    uint32_t ignored_bits = 63;
    Code code = Code::Escape();

    bool free() const { return ignored_bits == 63; }
    bool matches(uint64_t word) const { return (word & ~uint64_t{0} >> ignored_bits) == value; }
  };
  static constexpr uint32_t kLogSlots = 10;

  /// Of the first three bytes.
  static uint32_t Hash(uint64_t word) {
    return static_cast<uint32_t>(word << 8) * 2971215073u >> (32 - kLogSlots);
  }

  std::vector<Symbol> symbols_;
  std::array<Code, 256> bytes_;
  std::array<Code, 65536> shorts_;  // symbols of one byte and of two
  std::array<Slot, 1 << kLogSlots> slots_;
};

/// One training: a sample, and how often its symbols occur.
class FsstEncoder::Trainer {
 public:
  Trainer(std::span<const uint32_t> offsets, Bytes bytes) : pairs_(kIds * kIds) {
    TakeSample(offsets, bytes);
  }

  std::unique_ptr<const Matcher> Train() {
    auto best = std::make_unique<Matcher>();
    auto matcher = std::make_unique<Matcher>();
    uint64_t best_size = Count(*matcher);
    for (uint32_t generation = 0; generation < kGenerations; ++generation) {
      matcher = NextGeneration(*matcher, /*min_count=*/generation);
      const uint64_t size = Count(*matcher);
      if (size > best_size) continue;
      best_size = size;
      *best = *matcher;
    }
    return best;
  }

 private:
  static constexpr uint32_t kGenerations = 5;
  // What is counted: symbols by their codes, and single bytes behind them.
  static constexpr uint32_t kIds = 512;
  static constexpr uint32_t kFirstByte = 256;

  struct Candidate {
    Symbol symbol;
    uint64_t gain;
  };

  /// Everything, or pieces of values at random bytes, so that long values have their share.
  void TakeSample(std::span<const uint32_t> offsets, Bytes bytes) {
    const uint64_t size = offsets.back() - offsets.front();
    if (size <= kSampleBytes) {
      for (size_t i = 0; i + 1 < offsets.size(); ++i) {
        sample_.push_back(bytes.subspan(offsets[i], offsets[i + 1] - offsets[i]));
      }
      return;
    }
    uint64_t random = 1;
    for (uint64_t taken = 0; taken < kSampleBytes; taken += sample_.back().size()) {
      random = random * 6364136223846793005 + 1442695040888963407;  // Knuth's
      const uint64_t at = offsets.front() + ((random >> 32) * size >> 32);
      const auto end = std::upper_bound(offsets.begin(), offsets.end(), at);
      const uint64_t start = end[-1] + (at - end[-1]) / kMaxPiece * kMaxPiece;
      sample_.push_back(bytes.subspan(start, std::min<uint64_t>(*end - start, kMaxPiece)));
    }
  }

  /// Encodes the sample, counts symbols and pairs of them, and returns the size.
  uint64_t Count(const Matcher& matcher) {
    singles_.fill(0);
    for (uint32_t pair : found_pairs_) pairs_[pair] = 0;
    found_pairs_.clear();
    uint64_t size = 0;
    for (Bytes piece : sample_) {
      uint32_t previous = kIds;
      matcher.ForEach(piece, [&](uint64_t word, Code code) {
        const uint32_t byte = kFirstByte + (word & 0xff);
        const uint32_t id = code.escape() ? byte : code.byte();
        size += 1 + code.escape();
        ++singles_[id];
        if (previous < kIds) CountPair(previous, id);
        if (code.length() > 1) {  // it might have been its first byte alone
          ++singles_[byte];
          if (previous < kIds) CountPair(previous, byte);
        }
        previous = id;
      });
    }
    return size;
  }

  void CountPair(uint32_t a, uint32_t b) {
    const uint32_t pair = a * kIds + b;
    if (pairs_[pair]++ == 0) found_pairs_.push_back(pair);
  }

  std::unique_ptr<Matcher> NextGeneration(const Matcher& matcher, uint32_t min_count) const {
    std::vector<Candidate> candidates = Candidates(matcher, min_count);
    const auto worse = [](const Candidate& a, const Candidate& b) {
      return a.gain != b.gain ? a.gain < b.gain : b.symbol < a.symbol;
    };
    std::make_heap(candidates.begin(), candidates.end(), worse);
    auto next = std::make_unique<Matcher>();
    while (!candidates.empty() && next->symbols().size() < kMaxSymbols) {
      std::pop_heap(candidates.begin(), candidates.end(), worse);
      next->Add(candidates.back().symbol);
      candidates.pop_back();
    }
    return next;
  }

  /// What occurs at least `min_count` times, and how many bytes of the sample it would cover.
  std::vector<Candidate> Candidates(const Matcher& matcher, uint32_t min_count) const {
    const auto symbol = [&](uint32_t id) {
      return id < kFirstByte ? matcher.symbols()[id] : Symbol{id - kFirstByte, 1};
    };
    std::vector<Candidate> candidates;
    const auto add = [&](Symbol what, uint64_t count) {
      if (count >= min_count) candidates.push_back({what, count * what.length});
    };
    for (uint32_t id = 0; id < kIds; ++id) {
      // Bytes without a symbol cost most, so single bytes count more than they cover.
      if (singles_[id] > 0) add(symbol(id), singles_[id] * (symbol(id).length == 1 ? 8 : 1));
    }
    for (uint32_t pair : found_pairs_) {
      const Symbol a = symbol(pair / kIds);
      if (a.length < kMaxLength) add(Concat(a, symbol(pair % kIds)), pairs_[pair]);
    }
    return Merged(std::move(candidates));
  }

  /// One candidate for each symbol.
  static std::vector<Candidate> Merged(std::vector<Candidate> candidates) {
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.symbol < b.symbol; });
    std::vector<Candidate> merged;
    for (const Candidate& candidate : candidates) {
      if (!merged.empty() && merged.back().symbol == candidate.symbol) {
        merged.back().gain += candidate.gain;
      } else {
        merged.push_back(candidate);
      }
    }
    return merged;
  }

  std::vector<Bytes> sample_;
  std::array<uint32_t, kIds> singles_;
  std::vector<uint16_t> pairs_;
  std::vector<uint32_t> found_pairs_;  // those that are not 0
};

FsstEncoder::FsstEncoder(std::unique_ptr<const Matcher> matcher) : matcher_(std::move(matcher)) {
  const auto append = [&](uint64_t number, size_t size) {
    symbol_table_.append(reinterpret_cast<const char*>(&number), size);
  };
  append(kHeader | num_symbols(), 8);
  for (const Symbol& symbol : matcher_->symbols()) append(symbol.value, 8);
  for (const Symbol& symbol : matcher_->symbols()) append(symbol.length, 1);
  symbol_table_.resize(kTableBytes);
}

FsstEncoder::FsstEncoder(FsstEncoder&&) noexcept = default;
FsstEncoder& FsstEncoder::operator=(FsstEncoder&&) noexcept = default;
FsstEncoder::~FsstEncoder() = default;

FsstEncoder FsstEncoder::Train(std::span<const uint32_t> offsets, Bytes bytes) {
  return FsstEncoder(Trainer(offsets, bytes).Train());
}

uint32_t FsstEncoder::num_symbols() const {
  return static_cast<uint32_t>(matcher_->symbols().size());
}

uint64_t FsstEncoder::EncodeValue(Bytes value, std::byte* out) const {
  std::byte* to = out;
  matcher_->ForEach(value, [&](uint64_t word, Code code) {
    // Two bytes; a literal that no escape asked for is overwritten next.
    bytes::Store(to, static_cast<uint16_t>(code.byte() | (word & 0xff) << 8));
    to += 1 + code.escape();
  });
  return static_cast<uint64_t>(to - out);
}

uint64_t FsstEncoder::Encode(std::span<const uint32_t> offsets, Bytes bytes, uint32_t* out_offsets,
                             std::byte* out) const {
  uint64_t length = 0;
  out_offsets[0] = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    length += EncodeValue(bytes.subspan(offsets[i], offsets[i + 1] - offsets[i]), out + length);
    out_offsets[i + 1] = static_cast<uint32_t>(length);
  }
  return length;
}

}  // namespace pilum::encoding

#include "encoding/fsst/fsst_encode.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstring>
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
  /// Without a branch, which text would often send the wrong way.
  static Code Choose(bool first, Code a, Code b) {
    Code chosen;
    chosen.bits_ = static_cast<uint16_t>(b.bits_ ^ ((a.bits_ ^ b.bits_) & -int{first}));
    return chosen;
  }

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
  /// No symbol of two and more bytes may contain `terminator`.
  explicit Matcher(uint8_t terminator) : terminators_(terminator * uint64_t{0x0101010101010101}) {
    codes_.fill(Code::Escape());
  }

  uint8_t terminator() const { return terminators_ & 0xff; }
  const std::vector<Symbol>& symbols() const { return symbols_; }

  /// Does nothing if a better symbol has its slot; there are less than kMaxSymbols.
  void Add(Symbol symbol) {
    const Code code(static_cast<uint32_t>(symbols_.size()), symbol.length);
    if (symbol.length > 2) {
      Slot& slot = slots_[Hash(symbol.value)];
      if (!slot.free()) return;
      slot = {symbol.value, 64 - 8 * symbol.length, code};
    } else if (symbol.length == 2) {
      codes_[symbol.value] = code;
    } else {
      for (size_t next = 0; next < 256; ++next) {
        Code& both = codes_[next << 8 | symbol.value];
        if (both.length() == 1) both = code;
      }
    }
    symbols_.push_back(symbol);
  }

  /// What `left` > 0 bytes of a value look like as a word: no symbol is found across their end.
  uint64_t Word(uint64_t bytes, size_t left) const {
    const uint64_t mask = ~uint64_t{0} >> (64 - 8 * std::min<size_t>(left, 8));
    return (bytes & mask) | (terminators_ & ~mask);
  }

  /// The code of the longest symbol that a word begins with.
  Code Match(uint64_t word) const {
    const Slot& slot = slots_[Hash(word)];
    return Code::Choose(slot.matches(word), slot.code, codes_[word & 0xffff]);
  }

  /// Calls visit(word, code) for what a value is encoded to, one symbol after the other.
  template <typename Visit>
  void ForEach(Bytes value, Visit&& visit) const {
    for (size_t at = 0; at < value.size();) {
      const std::byte* p = value.data() + at;
      const size_t left = value.size() - at;
      const uint64_t word =
          left >= 8 ? bytes::Load<uint64_t>(p) : Word(bytes::LoadShort(p, left), left);
      const Code code = Match(word);
      visit(word, code);
      at += code.length();
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

  uint64_t terminators_;
  std::vector<Symbol> symbols_;
  std::array<Code, 65536> codes_;  // of symbols of one byte and of two, by two bytes
  std::array<Slot, 1 << kLogSlots> slots_;
};

/// One training: a sample, and how often its symbols occur.
class FsstEncoder::Trainer {
 public:
  Trainer(std::span<const uint32_t> offsets, Bytes bytes) : pairs_(kIds * kIds) {
    TakeSample(offsets, bytes);
  }

  std::unique_ptr<const Matcher> Train() {
    auto matcher = std::make_unique<Matcher>(RarestByte());
    auto best = std::make_unique<Matcher>(*matcher);
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

  uint8_t RarestByte() const {
    std::array<uint32_t, 256> counts = {};
    for (Bytes piece : sample_) {
      for (std::byte byte : piece) ++counts[static_cast<uint8_t>(byte)];
    }
    return static_cast<uint8_t>(std::min_element(counts.begin(), counts.end()) - counts.begin());
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
    auto next = std::make_unique<Matcher>(matcher.terminator());
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
    const Symbol terminator = {matcher.terminator(), 1};
    for (uint32_t pair : found_pairs_) {
      const Symbol a = symbol(pair / kIds), b = symbol(pair % kIds);
      if (a.length == kMaxLength || a == terminator || b == terminator) continue;
      add(Concat(a, b), pairs_[pair]);
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
  append(kHeader | matcher_->terminator() << 8 | num_symbols(), 8);
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

namespace {

/// Writes what a symbol is encoded to, and returns the end. Two bytes are written; a literal that no
/// escape asked for is overwritten next.
std::byte* Put(uint64_t word, Code code, std::byte* to) {
  bytes::Store(to, static_cast<uint16_t>(code.byte() | (word & 0xff) << 8));
  return to + 1 + code.escape();
}

/// Values [first, last); `next` is the one after that which is being encoded.
struct Stream {
  size_t first, last, next;
  std::byte *out, *to;
  const std::byte *at = nullptr, *end = nullptr;
};
using Streams = std::array<Stream, 4>;

/// Streams of about as many bytes each, which have room for twice as many.
Streams StreamsOf(std::span<const uint32_t> offsets, std::byte* out) {
  Streams streams;
  const uint64_t begin = offsets.front(), size = offsets.back() - begin;
  size_t first = 0;
  for (size_t k = 0; k < streams.size(); ++k) {
    const uint64_t end = begin + size * (k + 1) / streams.size();
    const auto last = std::upper_bound(offsets.begin() + first, offsets.end() - 1, end);
    std::byte* to = out + FsstEncoder::MaxEncoded(offsets[first] - begin);
    streams[k] = {first, static_cast<size_t>(last - offsets.begin()), first, to, to};
    first = streams[k].last;
  }
  return streams;
}

/// Moves what the streams made together; returns its length.
uint64_t Join(const Streams& streams, uint32_t* out_offsets, std::byte* out) {
  uint64_t length = 0;
  for (const Stream& stream : streams) {
    const auto size = static_cast<size_t>(stream.to - stream.out);
    std::memmove(out + length, stream.out, size);
    for (size_t i = stream.first; i < stream.last; ++i) {
      out_offsets[i] += static_cast<uint32_t>(length);
    }
    length += size;
  }
  return length;
}

}  // namespace

uint64_t FsstEncoder::EncodeValue(Bytes value, std::byte* out) const {
  std::byte* to = out;
  matcher_->ForEach(value, [&](uint64_t word, Code code) { to = Put(word, code, to); });
  return static_cast<uint64_t>(to - out);
}

uint64_t FsstEncoder::Encode(std::span<const uint32_t> offsets, Bytes bytes, uint32_t* out_offsets,
                             std::byte* out) const {
  const size_t n = offsets.size() - 1;
  size_t streamed = n;  // streams read eight bytes everywhere
  while (streamed > 0 && uint64_t{offsets[streamed]} + 8 > bytes.size()) --streamed;
  uint64_t length = EncodeStreams(offsets.first(streamed + 1), bytes, out_offsets, out);
  for (size_t i = streamed; i < n; ++i) {
    out_offsets[i] = static_cast<uint32_t>(length);
    length += EncodeValue(bytes.subspan(offsets[i], offsets[i + 1] - offsets[i]), out + length);
  }
  out_offsets[n] = static_cast<uint32_t>(length);
  return length;
}

// Where a symbol begins is known only when the one before it has been found, and waiting for that
// takes much longer than the work does: so several streams take turns.
uint64_t FsstEncoder::EncodeStreams(std::span<const uint32_t> offsets, Bytes bytes,
                                    uint32_t* out_offsets, std::byte* out) const {
  const Matcher& matcher = *matcher_;
  Streams streams = StreamsOf(offsets, out);
  // False when no value is left.
  const auto step = [&](Stream& s) {
    while (s.at == s.end) {
      if (s.next == s.last) return false;
      out_offsets[s.next] = static_cast<uint32_t>(s.to - s.out);
      s.at = bytes.data() + offsets[s.next];
      s.end = bytes.data() + offsets[++s.next];
    }
    const auto left = static_cast<size_t>(s.end - s.at);
    const uint64_t word = matcher.Word(bytes::Load<uint64_t>(s.at), left);
    const Code code = matcher.Match(word);
    s.to = Put(word, code, s.to);
    s.at += code.length();
    return true;
  };
  while (step(streams[0]) && step(streams[1]) && step(streams[2]) && step(streams[3])) {
  }
  for (Stream& stream : streams) {
    while (step(stream)) {
    }
  }
  return Join(streams, out_offsets, out);
}

}  // namespace pilum::encoding

// Decoding and encoding speed per encoding, as bytes of decoded values per second, beside copying as
// many bytes. One chunk after the other, warm: what a page costs once it is in memory.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <memory>

#include <arrow/util/compression.h>

#include "encoding/bitpacking/pack.h"
#include "encoding/bitpacking/unpack.h"
#include "encoding/byte_stream_split/split.h"
#include "encoding/choose/statistics.h"
#include "encoding/codec.h"
#include "encoding/fsst/fsst_encode.h"
#include "encoding/general/general_encode.h"
#include "encoding/rle/rle_encode.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

constexpr uint32_t kValues = 1024;

/// A chunk, and how many bytes it decodes to.
struct Chunk {
  Wire wire;
  std::vector<std::string> buffers;
  uint32_t n = kValues;
};

void Run(benchmark::State& state, const Chunk& chunk) {
  auto decoder = MakeMiniBlockDecoder(chunk.wire).ValueOrDie();
  std::vector<Bytes> buffers;
  for (const std::string& buffer : chunk.buffers) buffers.push_back(AsBytes(buffer));
  Arena arena;
  const bool variable = decoder->shape().variable;
  auto into =
      std::make_unique<std::byte[]>(variable ? 1 : chunk.n * decoder->shape().bits / 8 + 64);
  int64_t size = 0;
  for (auto _ : state) {
    arena.Reset();
    auto values = decoder->Decode(buffers, chunk.n, into.get(), &arena);
    if (!values.ok()) return state.SkipWithError(values.status().ToString().c_str());
    benchmark::DoNotOptimize(values->fixed.data());
    benchmark::DoNotOptimize(values->bytes.data());
    size = variable ? values->offsets[chunk.n] : static_cast<int64_t>(values->fixed.size());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * size);
}

void Memcpy(benchmark::State& state) {
  const std::string from(static_cast<size_t>(state.range(0)), 'x');
  std::string to(from.size(), '\0');
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(Memcpy)->Arg(1 << 10)->Arg(4 << 10)->Arg(8 << 10)->Arg(32 << 10);

template <typename T>
void BitPacked(benchmark::State& state) {
  const auto width = static_cast<uint32_t>(state.range(0));
  Run(state, {InlineBitpackingWire(sizeof(T) * 8),
              {Number(static_cast<T>(width)) + PackBlock(RandomValues<T>(kValues, width), width)}});
}
BENCHMARK(BitPacked<uint8_t>)->Arg(1)->Arg(5);
BENCHMARK(BitPacked<uint16_t>)->Arg(1)->Arg(5)->Arg(11);
BENCHMARK(BitPacked<uint32_t>)->Arg(1)->Arg(7)->Arg(20);
BENCHMARK(BitPacked<uint64_t>)->Arg(1)->Arg(7)->Arg(20)->Arg(50);

template <typename T>
void RunLength(benchmark::State& state) {
  std::string values, lengths;
  const auto length = static_cast<uint32_t>(state.range(0));
  for (uint32_t n = 0; n < kValues; n += length) {
    values += Number(static_cast<T>(n));
    lengths.push_back(static_cast<char>(length));
  }
  Run(state, {RleWire(sizeof(T) * 8), {values, lengths}});
}
BENCHMARK(RunLength<uint16_t>)->Arg(4)->Arg(128);
BENCHMARK(RunLength<uint32_t>)->Arg(4)->Arg(128);
BENCHMARK(RunLength<uint64_t>)->Arg(4)->Arg(128);

void ByteStreamSplit(benchmark::State& state) {
  const auto bits = static_cast<uint64_t>(state.range(0));
  Run(state, {ByteStreamSplitWire(bits), {Raw(RandomValues<uint8_t>(kValues * bits / 8, 8))}});
}
BENCHMARK(ByteStreamSplit)->Arg(32)->Arg(64);

std::vector<std::string> Words(size_t length) {
  std::vector<std::string> words;
  for (uint32_t i = 0; i < kValues; ++i) {
    std::string word;
    while (word.size() < length) word += std::to_string(i) + " the quick brown fox ";
    word.resize(length);
    words.push_back(word);
  }
  return words;
}

void Variable(benchmark::State& state) {
  Run(state,
      {VariableWire(32), {VariableChunk<uint32_t>(Words(static_cast<size_t>(state.range(0))))}});
}
BENCHMARK(Variable)->Arg(8)->Arg(64);

void Fsst(benchmark::State& state) {
  const std::vector<std::string> symbols = {"the quic", "k brown ", "fox ", " ", "1", "2", "3",
                                            "4",        "5",        "6",    "7", "8", "9", "0"};
  auto words = Words(static_cast<size_t>(state.range(0)));
  for (std::string& word : words) word = FsstEncode(symbols, word);
  Run(state, {FsstWire(SymbolTable(symbols), VariableWire(32)), {VariableChunk<uint32_t>(words)}});
}
BENCHMARK(Fsst)->Arg(8)->Arg(64);

void Compressed(benchmark::State& state, arrow::Compression::type type) {
  auto codec = arrow::util::Codec::Create(type).ValueOrDie();
  const std::string plain = Raw(RandomValues<uint32_t>(kValues, 12));
  const auto* input = reinterpret_cast<const uint8_t*>(plain.data());
  std::string out(
      static_cast<size_t>(codec->MaxCompressedLen(static_cast<int64_t>(plain.size()), input)),
      '\0');
  out.resize(static_cast<size_t>(codec
                                     ->Compress(static_cast<int64_t>(plain.size()), input,
                                                static_cast<int64_t>(out.size()),
                                                reinterpret_cast<uint8_t*>(out.data()))
                                     .ValueOrDie()));
  const bool lz4 = type == arrow::Compression::LZ4;
  const std::string size =
      lz4 ? Number(static_cast<uint32_t>(plain.size())) : Number(uint64_t{plain.size()});
  Run(state, {GeneralWire(lz4 ? lance::encodings21::COMPRESSION_ALGORITHM_LZ4
                              : lance::encodings21::COMPRESSION_ALGORITHM_ZSTD,
                          FlatWire(32)),
              {size + out}});
}
BENCHMARK_CAPTURE(Compressed, lz4, arrow::Compression::LZ4);
BENCHMARK_CAPTURE(Compressed, zstd, arrow::Compression::ZSTD);

// Encoding.

void SetBytes(benchmark::State& state, size_t size) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * size));
}

template <typename T>
void Pack(benchmark::State& state) {
  const auto width = static_cast<uint32_t>(state.range(0));
  const std::string values = Raw(RandomValues<T>(kValues, width));
  std::vector<std::byte> packed(PackedBytes(width) + 1);
  for (auto _ : state) {
    Pack1024(sizeof(T) * 8, width, AsBytes(values).data(), packed.data());
    benchmark::DoNotOptimize(packed.data());
    benchmark::ClobberMemory();
  }
  SetBytes(state, values.size());
}
BENCHMARK(Pack<uint8_t>)->Arg(1)->Arg(5);
BENCHMARK(Pack<uint16_t>)->Arg(1)->Arg(5)->Arg(11);
BENCHMARK(Pack<uint32_t>)->Arg(1)->Arg(7)->Arg(20);
BENCHMARK(Pack<uint64_t>)->Arg(1)->Arg(7)->Arg(20)->Arg(50);

template <typename T>
void NeededBits(benchmark::State& state) {
  const std::string values = Raw(RandomValues<T>(kValues, 7));
  for (auto _ : state) {
    benchmark::DoNotOptimize(BitsNeeded(sizeof(T) * 8, AsBytes(values).data(), kValues));
  }
  SetBytes(state, values.size());
}
BENCHMARK(NeededBits<uint8_t>);
BENCHMARK(NeededBits<uint64_t>);

template <typename T>
std::string Runs(uint32_t length) {
  std::vector<T> values;
  for (uint32_t i = 0; i < 4 * kValues; ++i) values.push_back(static_cast<T>(i / length));
  return Raw(values);
}

template <typename T>
void RunCount(benchmark::State& state) {
  const std::string values = Runs<T>(4);
  for (auto _ : state) {
    benchmark::DoNotOptimize(CountRuns(sizeof(T) * 8, AsBytes(values).data(), 4 * kValues));
  }
  SetBytes(state, values.size());
}
BENCHMARK(RunCount<uint8_t>);
BENCHMARK(RunCount<uint16_t>);
BENCHMARK(RunCount<uint32_t>);
BENCHMARK(RunCount<uint64_t>);

template <typename T>
void RunEncoding(benchmark::State& state) {
  const std::string values = Runs<T>(static_cast<uint32_t>(state.range(0)));
  std::vector<std::byte> run_values, run_lengths;
  for (auto _ : state) {
    EncodeRuns(sizeof(T) * 8, AsBytes(values).data(), 4 * kValues, &run_values, &run_lengths);
    benchmark::DoNotOptimize(run_values.data());
  }
  SetBytes(state, values.size());
}
BENCHMARK(RunEncoding<uint16_t>)->Arg(4)->Arg(128);
BENCHMARK(RunEncoding<uint64_t>)->Arg(4)->Arg(128);

void Split(benchmark::State& state) {
  const auto bits = static_cast<uint32_t>(state.range(0));
  const std::string values = Raw(RandomValues<uint8_t>(kValues * bits / 8, 8));
  std::vector<std::byte> out(values.size());
  for (auto _ : state) {
    SplitBytes(bits, AsBytes(values).data(), kValues, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  SetBytes(state, values.size());
}
BENCHMARK(Split)->Arg(32)->Arg(64);

void Compressing(benchmark::State& state, CompressionScheme scheme) {
  const std::string plain = Raw(RandomValues<uint32_t>(kValues, 12));
  auto encoder = GeneralEncoder::Make(scheme).ValueOrDie();
  std::vector<std::byte> out;
  for (auto _ : state) {
    if (!encoder.Compress(AsBytes(plain), &out).ok()) return state.SkipWithError("compression");
    benchmark::DoNotOptimize(out.data());
  }
  SetBytes(state, plain.size());
}
BENCHMARK_CAPTURE(Compressing, lz4, CompressionScheme::kLz4);
BENCHMARK_CAPTURE(Compressing, zstd, CompressionScheme::kZstd);

/// Sentences of words that are as often as in a language: the k-th 1 / k of the time.
struct Text {
  std::vector<uint32_t> offsets = {0};
  std::string bytes;

  Text(size_t size, size_t value_size) {
    const auto random = RandomValues<uint32_t>(size, 32);
    std::vector<std::string> words;
    for (size_t i = 0; i < 2000; ++i) {
      words.emplace_back();
      for (size_t k = 0; k < 2 + random[i] % 9; ++k) {
        words.back().push_back(
            "etaoinshrdlucmwfgypbvkjx"[random[3 * i + k] % 24 * (random[5 * i + k] % 24) / 24]);
      }
    }
    for (size_t i = 0; bytes.size() < size; ++i) {
      const double uniform = random[i] / 4294967296.0;
      bytes += words[static_cast<size_t>(std::pow(2000.0, uniform)) - 1] + " ";
      if (bytes.size() - offsets.back() >= value_size)
        offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
};

void FsstTraining(benchmark::State& state) {
  const Text text(1 << 20, 50);
  for (auto _ : state) {
    benchmark::DoNotOptimize(FsstEncoder::Train(text.offsets, AsBytes(text.bytes)).num_symbols());
  }
}
BENCHMARK(FsstTraining)->Unit(benchmark::kMicrosecond);

void FsstEncoding(benchmark::State& state) {
  const Text text(1 << 20, static_cast<size_t>(state.range(0)));
  const FsstEncoder encoder = FsstEncoder::Train(text.offsets, AsBytes(text.bytes));
  std::vector<uint32_t> offsets(text.offsets.size());
  std::vector<std::byte> out(FsstEncoder::MaxEncoded(text.bytes.size()));
  uint64_t size = 0;
  for (auto _ : state) {
    size = encoder.Encode(text.offsets, AsBytes(text.bytes), offsets.data(), out.data());
    benchmark::DoNotOptimize(out.data());
  }
  SetBytes(state, text.bytes.size());
  state.counters["ratio"] = static_cast<double>(text.bytes.size()) / static_cast<double>(size);
}
BENCHMARK(FsstEncoding)->Arg(8)->Arg(64)->Arg(2000);

void DistinctWords(benchmark::State& state) {
  const Text text(1 << 20, 1);
  DistinctValues found;
  for (auto _ : state) {
    benchmark::DoNotOptimize(CountDistinct(text.offsets, AsBytes(text.bytes), 100000, &found));
  }
  SetBytes(state, text.bytes.size());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * (text.offsets.size() - 1)));
}
BENCHMARK(DistinctWords);

void DistinctNumbers(benchmark::State& state) {
  const std::string values =
      Raw(RandomValues<uint64_t>(100000, static_cast<uint32_t>(state.range(0))));
  DistinctValues found;
  for (auto _ : state) {
    benchmark::DoNotOptimize(CountDistinct(AsBytes(values).data(), 8, 100000, 100000, &found));
  }
  SetBytes(state, values.size());
  state.SetItemsProcessed(state.iterations() * 100000);
}
BENCHMARK(DistinctNumbers)->Arg(8)->Arg(14)->Arg(40);

}  // namespace
}  // namespace pilum::encoding

// Decoding speed per encoding, as bytes of decoded values per second, beside copying as many bytes.
// One chunk after the other, warm: what a page costs once it is in memory.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>

#include <arrow/util/compression.h>

#include "encoding/codec.h"
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

}  // namespace
}  // namespace pilum::encoding

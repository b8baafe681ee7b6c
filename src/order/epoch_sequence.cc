#include "order/epoch_sequence.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pilum/error.h"

namespace pilum {

EpochProgress EpochProgress::After(uint64_t samples, uint64_t num_splits) {
  EpochProgress progress;
  for (uint64_t split = 0; split < num_splits; ++split)
    progress.samples.push_back(samples / num_splits + (split < samples % num_splits));
  progress.places = progress.samples;
  return progress;
}

EpochProgress EpochProgress::KnownTo(const EpochReader& reader) const {
  uint64_t least = UINT64_MAX;
  for (size_t split = reader.rank; split < samples.size(); split += reader.world_size)
    least = std::min(least, samples[split]);
  EpochProgress known{std::vector<uint64_t>(samples.size(), least),
                      std::vector<uint64_t>(samples.size(), least)};
  for (size_t split = reader.rank; split < samples.size(); split += reader.world_size) {
    known.samples[split] = samples[split];
    known.places[split] = places[split];
  }
  return known;
}

void EpochProgress::Merge(const EpochProgress& other) {
  for (size_t split = 0; split < samples.size(); ++split) {
    samples[split] = std::max(samples[split], other.samples[split]);
    places[split] = std::max(places[split], other.places[split]);
  }
}

namespace order {
namespace {

arrow::Status Invalid(std::string message) {
  return MakeError(ErrorKind::kInvalidArgument, std::move(message));
}

}  // namespace

arrow::Status CheckReader(const EpochReader& reader, uint64_t num_splits) {
  if (reader.world_size < 1) return Invalid("world_size must be at least 1");
  const std::string world_size = "world_size (" + std::to_string(reader.world_size) + ")";
  if (reader.rank >= reader.world_size)
    return Invalid("rank (" + std::to_string(reader.rank) + ") must be less than " + world_size);
  if (num_splits % reader.world_size != 0) {
    return Invalid("num_splits (" + std::to_string(num_splits) + ") must be divisible by " +
                   world_size);
  }
  return arrow::Status::OK();
}

arrow::Result<EpochSequence> EpochSequence::Make(RowOrder order, uint64_t num_splits) {
  if (num_splits < 1) return Invalid("num_splits must be at least 1");
  if (order.size() < num_splits) {
    return Invalid(std::to_string(order.size()) + " rows cannot make " +
                   std::to_string(num_splits) + " splits: there must be at least 1 row per split");
  }
  return EpochSequence(std::move(order), num_splits);
}

uint64_t EpochSequence::RowAt(uint64_t sample) const {
  return order_.RowAt(sample % num_splits_ * rows_per_split_ + sample / num_splits_);
}

std::optional<uint64_t> EpochSequence::SampleOf(uint64_t row) const {
  const uint64_t position = order_.PositionOf(row);
  if (position >= size()) return std::nullopt;
  return position % rows_per_split_ * num_splits_ + position / rows_per_split_;
}

void EpochSequence::FillSplit(uint64_t split, uint64_t place, std::span<uint64_t> rows) const {
  order_.Fill(split * rows_per_split_ + place, rows);
}

Turns::Turns(const EpochReader& reader, std::span<const uint64_t> samples) : reader_(reader) {
  for (size_t split = reader.rank; split < samples.size(); split += reader.world_size)
    samples_.push_back(samples[split]);
  round_ = *std::min_element(samples_.begin(), samples_.end());
}

uint64_t Turns::Next() {
  while (samples_[next_] > round_) {
    if (++next_ < samples_.size()) continue;
    next_ = 0;
    ++round_;
  }
  ++samples_[next_];
  return split(next_);
}

bool Turns::AtRound() const {
  const auto [least, most] = std::minmax_element(samples_.begin(), samples_.end());
  return *least == *most;
}

void Turns::SkipRounds(uint64_t count) {
  for (uint64_t& samples : samples_) samples += count;
  round_ = samples_[0];
  next_ = 0;
}

}  // namespace order
}  // namespace pilum

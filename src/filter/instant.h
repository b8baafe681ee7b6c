// Dates and times as text: ISO 8601 as SQL writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pilum::filter {

/// A point in time or a time of day, exact to the nanosecond.
struct Instant {
  int64_t seconds =
      0;  ///< since 1970-01-01 (or midnight), of the clock on the wall or, with a zone, UTC
  int32_t nanoseconds = 0;
  bool has_date = false;
  bool has_time = false;
  bool has_zone = false;
};

/// "2020-01-31", "2020-01-31 12:30:00.5", "2020-01-31T12:30Z", "2020-01-31 12:30:00+02:00",
/// "12:30:00"; nothing for any other text, days that do not exist included.
std::optional<Instant> ParseInstant(std::string_view text);

}  // namespace pilum::filter

#include "filter/instant.h"

#include <chrono>

namespace pilum::filter {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `count` digits.
  std::optional<int32_t> Digits(size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int32_t value = 0;
    for (char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  // A fraction of a second of one to nine digits, in nanoseconds.
  std::optional<int32_t> Fraction() {
    int32_t value = 0;
    int digits = 0;
    for (; digits < 9; ++digits) {
      auto digit = Digits(1);
      if (!digit) break;
      value = value * 10 + *digit;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 9; ++digits) value *= 10;
    return value;
  }

  bool LooksLikeDate() const { return rest_.size() >= 10 && rest_[4] == '-'; }

 private:
  std::string_view rest_;
};

bool ReadDate(Reader& reader, Instant* out) {
  auto year = reader.Digits(4);
  if (!year || !reader.Take('-')) return false;
  auto month = reader.Digits(2);
  if (!month || !reader.Take('-')) return false;
  auto day = reader.Digits(2);
  if (!day) return false;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return false;
  out->seconds = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86400};
  out->has_date = true;
  return true;
}

bool ReadTime(Reader& reader, Instant* out) {
  auto hour = reader.Digits(2);
  if (!hour || *hour > 23 || !reader.Take(':')) return false;
  auto minute = reader.Digits(2);
  if (!minute || *minute > 59) return false;
  int32_t second = 0;
  if (reader.Take(':')) {
    auto digits = reader.Digits(2);
    if (!digits || *digits > 59) return false;
    second = *digits;
    if (reader.Take('.')) {
      auto fraction = reader.Fraction();
      if (!fraction) return false;
      out->nanoseconds = *fraction;
    }
  }
  out->seconds += *hour * 3600 + *minute * 60 + second;
  out->has_time = true;
  return true;
}

bool ReadZone(Reader& reader, Instant* out) {
  reader.Take(' ');
  out->has_zone = true;
  if (reader.Take('Z') || reader.Take('z')) return true;
  if (reader.Take('U')) return reader.Take('T') && reader.Take('C');
  const bool west = reader.Take('-');
  if (!west && !reader.Take('+')) return false;
  auto hours = reader.Digits(2);
  if (!hours || *hours > 23) return false;
  int32_t minutes = 0;
  if (reader.Take(':') || !reader.AtEnd()) {
    auto digits = reader.Digits(2);
    if (!digits || *digits > 59) return false;
    minutes = *digits;
  }
  const int32_t east = *hours * 3600 + minutes * 60;
  out->seconds += west ? east : -east;
  return true;
}

}  // namespace

std::optional<Instant> ParseInstant(std::string_view text) {
  Reader reader(text);
  Instant instant;
  if (reader.LooksLikeDate()) {
    if (!ReadDate(reader, &instant)) return std::nullopt;
    if (reader.AtEnd()) return instant;
    if (!reader.Take('T') && !reader.Take('t') && !reader.Take(' ')) return std::nullopt;
  }
  if (!ReadTime(reader, &instant)) return std::nullopt;
  if (!reader.AtEnd() && (!instant.has_date || !ReadZone(reader, &instant))) return std::nullopt;
  if (!reader.AtEnd()) return std::nullopt;
  return instant;
}

}  // namespace pilum::filter

#include "sextant/kube/time.h"

#include <charconv>
#include <format>
#include <optional>

namespace sextant::kube {
namespace {

using std::chrono::microseconds;

// Reads the text from its front; the first thing that does not fit spoils the rest.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // A number of exactly that many digits within the bounds.
  int Number(std::size_t digits, int low, int high) {
    int value = 0;
    if (rest_.size() < digits) return Fail();
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return Fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value < low || value > high ? Fail() : value;
  }

  // One of the characters; which one.
  char OneOf(std::string_view characters) {
    if (rest_.empty() || !characters.contains(rest_.front())) {
      Fail();
      return 0;
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  // ".5" and the like, if there is one.
  microseconds Fraction() {
    if (!rest_.starts_with('.')) return microseconds(0);
    rest_.remove_prefix(1);
    microseconds value(0);
    microseconds unit(100'000);
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      value += (rest_[digits] - '0') * unit;
      unit /= 10;
    }
    if (digits == 0) Fail();
    rest_.remove_prefix(digits);
    return value;
  }

  [[nodiscard]] bool ReadAll() const { return good_ && rest_.empty(); }

 private:
  int Fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string FormatTime(Time time) {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(time));
}

std::string FormatMicroTime(Time time) { return std::format("{:%FT%TZ}", time); }

Result<Time> ParseTime(std::string_view text) {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace): calendar names only
  Scanner scan(text);
  const int y = scan.Number(4, 0, 9999);
  scan.OneOf("-");
  const int m = scan.Number(2, 1, 12);
  scan.OneOf("-");
  const int d = scan.Number(2, 1, 31);
  scan.OneOf("Tt ");
  const int hour = scan.Number(2, 0, 23);
  scan.OneOf(":");
  const int minute = scan.Number(2, 0, 59);
  scan.OneOf(":");
  const int second = scan.Number(2, 0, 60);  // 60: a leap second
  const microseconds fraction = scan.Fraction();
  minutes offset(0);
  if (const char zone = scan.OneOf("Zz+-"); zone == '+' || zone == '-') {
    const int offset_hours = scan.Number(2, 0, 23);
    scan.OneOf(":");
    offset = hours(offset_hours) + minutes(scan.Number(2, 0, 59));
    if (zone == '-') offset = -offset;
  }
  const year_month_day date(year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d)));
  if (!scan.ReadAll() || !date.ok()) {
    return std::unexpected(
        Error{.code = ErrorCode::kMalformed,
              .message = std::format("\"{}\" is no RFC 3339 time", text.substr(0, 40))});
  }
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + fraction - offset;
}

}  // namespace sextant::kube

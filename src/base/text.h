// Small text helpers on string_view. ASCII; no locale.
#ifndef KS_BASE_TEXT_H_
#define KS_BASE_TEXT_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ks {

std::string_view Trim(std::string_view text);
// Splits at every `separator`; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string_view> Split(std::string_view text, char separator);
// Splits at runs of white space; no empty parts.
std::vector<std::string_view> SplitWords(std::string_view text);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string ReplaceAll(std::string text, std::string_view from, std::string_view to);
bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> texts);
std::optional<int64_t> ParseInt(std::string_view text);
// Also "inf" and "nan": callers that want a finite number must ask.
std::optional<double> ParseDouble(std::string_view text);
// At most `max_bytes`, the "..." where it was cut included; cut at a UTF-8 boundary.
std::string Shorten(std::string_view text, size_t max_bytes);
// The nearest of `names` for a "did you mean" hint; empty when none is near.
std::string NearestName(std::string_view name, const std::vector<std::string>& names);
// Text with <, >, &, " and ' made safe inside HTML.
std::string EscapeHtml(std::string_view text);

// "1.23 ms", "45.6 µs": three significant digits.
std::string FormatNs(double ns);
// "12.3 GiB"
std::string FormatBytes(double bytes);

}  // namespace ks

#endif  // KS_BASE_TEXT_H_

#include "report/style.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ks {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// One decoded character: its code point (or -1 when the bytes are not UTF-8) and its length.
struct Decoded {
  int32_t code = -1;
  size_t bytes = 1;
};

Decoded DecodeFirst(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  int32_t code = lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3F);
  }
  constexpr std::array<int32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

struct Range {
  int32_t first, last;
};

// Coarse, by block: enough for tables (Unicode 15, East Asian Width W and F; emoji).
constexpr std::array<Range, 11> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF}}};
constexpr std::array<Range, 7> kZero = {{{0x0300, 0x036F},
                                         {0x0483, 0x0489},
                                         {0x200B, 0x200F},
                                         {0x2060, 0x2064},
                                         {0x20D0, 0x20FF},
                                         {0xFE00, 0xFE0F},
                                         {0xFE20, 0xFE2F}}};

template <size_t N>
bool In(const std::array<Range, N>& ranges, int32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& r) { return code >= r.first && code <= r.last; });
}

int WidthOf(int32_t code) {
  if (In(kZero, code)) return 0;
  return In(kWide, code) ? 2 : 1;
}

// Characters that move, recolour or reorder what a terminal shows.
bool IsControl(int32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string Sanitize(std::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    if (next.code == '\n') {
      out += keep_newlines ? '\n' : ' ';
    } else if (next.code == '\t' || next.code == '\r') {
      out += ' ';
    } else if (IsControl(next.code)) {  // also -1: not UTF-8
      out += kReplacement;
    } else {
      out += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace

std::string Paint(const Style& style, Ink ink, std::string_view text) {
  if (!style.colour || ink == Ink::kPlain || text.empty()) return std::string(text);
  constexpr std::array<const char*, 7> kCodes = {"0", "1", "2", "32", "31", "33", "36"};
  std::string out = "\x1b[";
  out += kCodes[static_cast<size_t>(ink)];
  out += 'm';
  out += text;
  out += "\x1b[0m";
  return out;
}

std::string Printable(std::string_view text) { return Sanitize(text, true); }

std::string PrintableLine(std::string_view text) { return Sanitize(text, false); }

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    width += WidthOf(next.code);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string FitWidth(std::string_view text, int columns, const Style& style) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  const std::string_view mark = style.unicode ? "\u2026" : "..";
  const int room = columns - DisplayWidth(mark);
  std::string out;
  for (int width = 0; !text.empty();) {
    const Decoded next = DecodeFirst(text);
    width += WidthOf(next.code);
    if (width > room) break;
    out += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  return room < 0 ? out : out + std::string(mark);
}

std::string PadRight(std::string_view text, int columns) {
  const int missing = std::max(0, columns - DisplayWidth(text));
  return std::string(text) + std::string(static_cast<size_t>(missing), ' ');
}

std::string PadLeft(std::string_view text, int columns) {
  const int missing = std::max(0, columns - DisplayWidth(text));
  return std::string(static_cast<size_t>(missing), ' ') + std::string(text);
}

}  // namespace ks

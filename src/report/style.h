// How text is drawn on a terminal: colour, width, and what must never reach it.
#ifndef KS_REPORT_STYLE_H_
#define KS_REPORT_STYLE_H_

#include <string>
#include <string_view>

namespace ks {

// Decided once by the caller (NO_COLOR, isatty and the locale are the command line's business).
struct Style {
  bool colour = false;
  bool unicode = true;  // block characters and the like; plain ASCII otherwise
};

enum class Ink { kPlain, kBold, kDim, kGreen, kRed, kYellow, kCyan };

// `text` in that ink; unchanged when the style has no colour.
std::string Paint(const Style& style, Ink ink, std::string_view text);

// Text of a candidate or a model made safe to print: control characters (escape sequences above
// all) and bytes that are not UTF-8 become U+FFFD; tabs become one space. Newlines stay.
std::string Printable(std::string_view text);
// As above, and line breaks become spaces.
std::string PrintableLine(std::string_view text);

// Terminal columns that UTF-8 text takes: wide East Asian characters and emoji count two,
// combining marks none. REQUIRES: no control characters.
int DisplayWidth(std::string_view text);
// At most `columns` wide, with an ellipsis where cut.
std::string FitWidth(std::string_view text, int columns, const Style& style);
// Padded with spaces to `columns`; longer text is unchanged.
std::string PadRight(std::string_view text, int columns);
std::string PadLeft(std::string_view text, int columns);

}  // namespace ks

#endif  // KS_REPORT_STYLE_H_

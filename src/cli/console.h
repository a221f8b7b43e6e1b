// Where a command prints, and how: standard output and error, colours, width.
#ifndef KS_CLI_CONSOLE_H_
#define KS_CLI_CONSOLE_H_

#include <string_view>

#include "base/result.h"
#include "report/style.h"

namespace ks {

// Immutable value; printing is thread-safe as far as stdio is.
struct Console {
  Style style;            // of standard output
  bool terminal = false;  // standard output is one that can be redrawn

  void Out(std::string_view text) const;
  void Err(std::string_view text) const;
  // "ksmith: <message>" on standard error; returns the exit status for the error.
  int Fail(const Error& error) const;
  // Columns of the terminal now; 80 when it does not say.
  int columns() const;
};

// From isatty, NO_COLOR, TERM and the locale's variables.
Console SystemConsole();

}  // namespace ks

#endif  // KS_CLI_CONSOLE_H_

#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "cli/environment.h"
#include "cli/exit_code.h"

namespace ks {
namespace {

bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = ProcessEnvironment(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

void Console::Out(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Console::Err(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stderr); }

int Console::Fail(const Error& error) const {
  Err("ksmith: " + error.message + "\n");
  return ExitCodeOf(error.code);
}

int Console::columns() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

Console SystemConsole() {
  const std::string term = ProcessEnvironment("TERM");
  Console console;
  console.terminal = ::isatty(STDOUT_FILENO) == 1 && !term.empty() && term != "dumb";
  console.style.colour = console.terminal && ProcessEnvironment("NO_COLOR").empty();
  console.style.unicode = LocaleIsUtf8();
  return console;
}

}  // namespace ks

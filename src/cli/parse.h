// The command line as text to a Command. The only file that knows CLI11 is parse.cc.
#ifndef KS_CLI_PARSE_H_
#define KS_CLI_PARSE_H_

#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace ks {

// Either a command, or what to print and how to exit (help and version exit 0, wrong usage 2).
struct ParsedCommandLine {
  std::optional<Command> command;
  int exit_code = 0;
  std::string out;  // for standard output
  std::string err;  // for standard error
};

// `arguments` without the program's name. Pure function.
ParsedCommandLine ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace ks

#endif  // KS_CLI_PARSE_H_

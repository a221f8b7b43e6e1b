#include "cli/token_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMinTokenBytes = 16;
constexpr size_t kMaxTokenBytes = 1024;

}  // namespace

Result<std::string> ReadTokenFile(const FileSystem& files, const std::string& path) {
  KS_ASSIGN_OR_RETURN(const std::string text, files.Read(path, 2 * kMaxTokenBytes));
  std::string token(Trim(text));
  if (token.size() < kMinTokenBytes || token.size() > kMaxTokenBytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: a token has {} to {} characters, this one {}; make one with: "
                             "openssl rand -hex 32",
                             path, kMinTokenBytes, kMaxTokenBytes, token.size())};
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; })) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ": a token is one word of printable ASCII characters"};
  }
  return token;
}

}  // namespace ks

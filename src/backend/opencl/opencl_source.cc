#include "backend/opencl/opencl_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::array<std::string_view, 3> kExactFlags = {
    "-cl-denorms-are-zero", "-cl-strict-aliasing", "-cl-single-precision-constant"};
constexpr std::array<std::string_view, 5> kRelaxedFlags = {
    "-cl-mad-enable", "-cl-no-signed-zeros", "-cl-unsafe-math-optimizations",
    "-cl-finite-math-only", "-cl-fast-relaxed-math"};
constexpr std::array<std::string_view, 4> kNoFlags = {"-O0", "-O1", "-O2", "-O3"};

template <size_t N>
bool Contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// -DNAME or -DNAME=integer.
bool IsIntegerMacro(std::string_view flag) {
  if (!flag.starts_with("-D")) return false;
  flag.remove_prefix(2);
  const size_t equals = flag.find('=');
  const std::string_view name = flag.substr(0, equals);
  const bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
                       std::all_of(name.begin(), name.end(), IsWordByte);
  if (!is_name || equals == std::string_view::npos) return is_name;
  return ParseInt(flag.substr(equals + 1)).has_value();
}

// Takes "12:" from the front.
std::optional<int> TakeNumber(std::string_view& text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const auto number = ParseInt(text.substr(0, colon));
  if (!number || *number < 1 || *number > 1'000'000'000) return std::nullopt;
  text.remove_prefix(colon + 1);
  return static_cast<int>(*number);
}

// "error: what" without the first word; "warning" and "fatal error" likewise.
std::optional<Diagnostic> TakeSeverity(std::string_view text) {
  for (const std::string_view severity : {"error", "warning", "fatal error"}) {
    if (!text.starts_with(severity) || !text.substr(severity.size()).starts_with(":")) continue;
    return Diagnostic{severity == "warning" ? "warning" : "error", 0, 0,
                      std::string(Trim(text.substr(severity.size() + 1)))};
  }
  return std::nullopt;
}

// "file:LINE:COLUMN: severity: message", or "severity: file:LINE:COLUMN: message".
std::optional<Diagnostic> ParseLine(std::string_view line) {
  const std::optional<Diagnostic> whole = TakeSeverity(line);
  for (size_t colon = line.find(':'); colon != std::string_view::npos;
       colon = line.find(':', colon + 1)) {
    std::string_view rest = line.substr(colon + 1);
    const std::optional<int> row = TakeNumber(rest);
    if (!row) continue;
    const std::optional<int> column = TakeNumber(rest);
    if (!column) continue;
    rest = Trim(rest);
    std::optional<Diagnostic> found = TakeSeverity(rest);
    if (!found && whole) found = Diagnostic{whole->severity, 0, 0, std::string(rest)};
    if (!found) return std::nullopt;
    found->line = *row;
    found->column = *column;
    return found;
  }
  return std::nullopt;
}

// Bits of "float4", "uchar16", "vload8" (elements of 32 bits); 0 for other words.
int VectorBits(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, int>, 13> kTypes = {{{"char", 8},
                                                                               {"uchar", 8},
                                                                               {"short", 16},
                                                                               {"ushort", 16},
                                                                               {"half", 16},
                                                                               {"int", 32},
                                                                               {"uint", 32},
                                                                               {"float", 32},
                                                                               {"long", 64},
                                                                               {"ulong", 64},
                                                                               {"double", 64},
                                                                               {"vload", 32},
                                                                               {"vload_half", 16}}};
  for (const auto& [type, bits] : kTypes) {
    if (!word.starts_with(type)) continue;
    const std::string_view lanes = word.substr(type.size());
    for (const int count : {2, 3, 4, 8, 16}) {
      if (lanes == std::to_string(count)) return bits * count;
    }
  }
  return 0;
}

}  // namespace

std::variant<std::string, Rejected> OpenClBuildOptions(const std::vector<std::string>& flags,
                                                       const AxisValues& constants,
                                                       const Task& task) {
  std::vector<std::string> options = {"-cl-std=CL1.2", "-cl-kernel-arg-info"};
  for (const std::string& flag : flags) {
    if (Contains(kNoFlags, flag)) continue;
    const bool relaxed = Contains(kRelaxedFlags, flag);
    if (relaxed && !task.allow_reassociation) {
      return Rejected{"flag", fmt::format("'{}' changes results, and the task's tolerance does not "
                                          "admit that",
                                          flag)};
    }
    if (!relaxed && !Contains(kExactFlags, flag) && !IsIntegerMacro(flag)) {
      return Rejected{
          "flag", fmt::format("'{}' is not among the flags of OpenCL candidates: {}, {}, "
                              "-DNAME=integer",
                              flag, fmt::join(kExactFlags, ", "), fmt::join(kRelaxedFlags, ", "))};
    }
    options.push_back(flag);
  }
  for (const auto& [name, value] : constants)
    options.push_back(fmt::format("-D{}={}", name, value));
  return Join(options, " ");
}

std::vector<Diagnostic> ParseOpenClLog(std::string_view log) {
  std::vector<Diagnostic> diagnostics;
  for (std::string_view line : Split(log, '\n')) {
    if (std::optional<Diagnostic> one = ParseLine(line)) diagnostics.push_back(*std::move(one));
  }
  return diagnostics;
}

void NoteOpenClWords(std::string_view source, DeviceFeatures& features) {
  features.load_bits = std::max(features.load_bits, 32);
  for (size_t at = 0; at < source.size();) {
    if (source.substr(at, 2) == "//") {
      at = std::min(source.find('\n', at), source.size());
    } else if (source.substr(at, 2) == "/*") {
      const size_t end = source.find("*/", at + 2);
      at = end == std::string_view::npos ? source.size() : end + 2;
    } else if (IsWordByte(source[at])) {
      size_t end = at;
      while (end < source.size() && IsWordByte(source[end])) ++end;
      const std::string_view word = source.substr(at, end - at);
      features.uses_shared |= word == "__local" || word == "local";
      features.uses_atomics |= word.starts_with("atomic_") || word.starts_with("atom_");
      features.uses_async_copy |= word == "async_work_group_copy";
      features.load_bits = std::max(features.load_bits, std::min(128, VectorBits(word)));
      at = end;
    } else {
      ++at;
    }
  }
}

}  // namespace ks

#include "propose/llm/answer_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "propose/llm/evolve_block.h"

namespace ks {
namespace {

constexpr size_t kMaxProgramBytes = 1u << 20;
constexpr size_t kMaxRationaleBytes = 300;
constexpr std::array<std::string_view, 4> kReasoningTags = {"think", "thinking", "reasoning",
                                                            "thought"};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

struct FenceMark {
  char c = 0;
  size_t length = 0;
  std::string_view rest;
};

std::optional<FenceMark> FenceMarkOf(std::string_view line) {
  const std::string_view text = Trim(line);
  if (text.empty() || (text[0] != '`' && text[0] != '~')) return std::nullopt;
  const size_t length = std::min(text.find_first_not_of(text[0]), text.size());
  if (length < 3) return std::nullopt;
  const std::string_view rest = Trim(text.substr(length));
  if (text[0] == '`' && rest.find('`') != rest.npos) return std::nullopt;  // inline code
  return FenceMark{text[0], length, rest};
}

bool Fits(const std::string& info, std::string_view backend) {
  static const std::vector<std::string> kCpp = {"cpp", "c++", "cc", "cxx", "c", "h", "hpp"};
  static const std::vector<std::string> kCuda = {"cuda", "cu", "cuda-c++", "cuda-cpp", "cpp",
                                                 "c++",  "cc", "cxx",      "c",        "hip"};
  static const std::vector<std::string> kOpenCl = {"opencl", "cl", "opencl-c", "c", "cpp", "c++"};
  static const std::vector<std::string> kPython = {"python", "py", "python3", "triton"};
  if (info.empty() || info == "text" || info == "plaintext" || info == "code") return true;
  const std::vector<std::string>& known = backend == "triton"   ? kPython
                                          : backend == "opencl" ? kOpenCl
                                          : backend == "cuda"   ? kCuda
                                                                : kCpp;
  return std::find(known.begin(), known.end(), info) != known.end();
}

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool HasWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !IsWordChar(text[at - 1])) && (end == text.size() || !IsWordChar(text[end]))) {
      return true;
    }
  }
  return false;
}

bool IsProgram(std::string_view text, const AnswerRules& rules) {
  if (rules.must_contain.empty() || HasWord(text, rules.must_contain)) return true;
  const Result<EvolveBlocks> blocks = FindEvolveBlocks(text);
  return blocks.ok() && blocks->marked;
}

// Begins as source text does, not as prose.
bool LooksLikeSource(std::string_view text) {
  constexpr std::array<std::string_view, 12> kBeginnings = {
      "//", "/*", "#",        "extern", "import", "from ",
      "@",  "__", "template", "static", "inline", "void"};
  text = Trim(text);
  return std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](std::string_view beginning) {
    return text.substr(0, beginning.size()) == beginning;
  });
}

// Linear in the text, whatever a server sends.
std::string WithoutTag(const std::string& text, std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag), close = fmt::format("</{}>", tag);
  std::string out;
  size_t at = 0, begin = text.find(open), end = text.find(close);
  while (begin != text.npos || end != text.npos) {
    if (end != text.npos && (begin == text.npos || end < begin)) {
      out.clear();
      at = end + close.size();
    } else {
      out.append(text, at, begin - at);
      if (end == text.npos) return out;
      at = end + close.size();
    }
    if (begin != text.npos && begin < at) begin = text.find(open, at);
    end = text.find(close, at);
  }
  return out.append(text, at, text.npos);
}

// What is wrong with the answer as a whole.
std::optional<EditFailure> Unreadable(const ChatAnswer& answer) {
  if (answer.end == ChatEnd::kTooLarge) {
    return EditFailure{kTooLargeAnswer, "your answer was too long to be read"};
  }
  if (Trim(answer.text).empty()) {
    return EditFailure{kNoCode, answer.end == ChatEnd::kLength
                                    ? "your answer reached its limit of tokens before it began"
                                    : "your answer was empty"};
  }
  return std::nullopt;
}

std::variant<std::string, EditFailure> Checked(std::string program, bool closed,
                                               const ChatAnswer& answer) {
  if (!closed && answer.end == ChatEnd::kLength) {
    return EditFailure{kCutOff, "your answer reached its limit of tokens inside the program"};
  }
  if (program.size() > kMaxProgramBytes) {
    return EditFailure{kTooLargeAnswer, fmt::format("the program in your answer has {} bytes, at "
                                                    "most {} are allowed",
                                                    program.size(), kMaxProgramBytes)};
  }
  const bool control = std::any_of(program.begin(), program.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f';
  });
  if (control || (answer.mended_utf8 && program.find("\xEF\xBF\xBD") != std::string::npos)) {
    return EditFailure{kNotText, "the program in your answer has bytes that are not text"};
  }
  return program;
}

std::string OutsideFences(std::string_view text) {
  std::string out;
  std::optional<FenceMark> open;
  for (const std::string_view line : Split(text, '\n')) {
    const std::optional<FenceMark> mark = FenceMarkOf(line);
    if (!open && mark) {
      open = mark;
    } else if (open && mark && mark->c == open->c && mark->length >= open->length &&
               mark->rest.empty()) {
      open.reset();
    } else if (!open) {
      out.append(line).append("\n");
    }
  }
  return out;
}

std::string Sentence(std::string_view text) {
  std::string line(Trim(text));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  while (!line.empty() && std::string_view("*_# ").find(line.front()) != std::string_view::npos) {
    line.erase(0, 1);
  }
  while (!line.empty() && std::string_view("*_ ").find(line.back()) != std::string_view::npos) {
    line.pop_back();
  }
  return Shorten(line, kMaxRationaleBytes);
}

}  // namespace

std::vector<CodeFence> FindFences(std::string_view text) {
  std::vector<CodeFence> fences;
  std::optional<FenceMark> open;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (std::string_view line : Split(text, '\n')) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::optional<FenceMark> mark = FenceMarkOf(line);
    if (!open && mark) {
      const std::string_view word = mark->rest.substr(0, mark->rest.find_first_of(" \t{,:"));
      fences.push_back({LowerCase(word), "", false});
      open = mark;
    } else if (open && mark && mark->c == open->c && mark->length >= open->length &&
               mark->rest.empty()) {
      fences.back().closed = true;
      open.reset();
    } else if (open) {
      fences.back().text.append(line).append("\n");
    }
  }
  return fences;
}

std::string WithoutReasoning(std::string_view text) {
  std::string out(text);
  for (const std::string_view tag : kReasoningTags) out = WithoutTag(out, tag);
  return out;
}

std::string LanguageName(std::string_view backend) {
  if (backend == "cuda") return "CUDA C++";
  if (backend == "opencl") return "OpenCL C";
  if (backend == "triton") return "Triton (Python)";
  return "C++";
}

std::string FenceName(std::string_view backend) {
  if (backend == "cuda") return "cuda";
  if (backend == "opencl") return "c";
  if (backend == "triton") return "python";
  return "cpp";
}

std::variant<std::string, EditFailure> ProgramIn(const ChatAnswer& answer,
                                                 const AnswerRules& rules) {
  if (std::optional<EditFailure> failure = Unreadable(answer)) return *failure;
  const std::string text = WithoutReasoning(answer.text);
  std::vector<CodeFence> fences = FindFences(text);
  if (fences.empty() && LooksLikeSource(text) && IsProgram(text, rules)) {
    return Checked(text, false, answer);
  }
  std::string other;
  for (auto fence = fences.rbegin(); fence != fences.rend(); ++fence) {
    if (!IsProgram(fence->text, rules)) continue;
    if (Fits(fence->info, rules.backend)) {
      return Checked(std::move(fence->text), fence->closed, answer);
    }
    other = fence->info;
  }
  if (!other.empty()) {
    return EditFailure{kWrongLanguage,
                       fmt::format("the program in your answer is in '{}'; it must "
                                   "be {}",
                                   Shorten(other, 40), LanguageName(rules.backend))};
  }
  if (!fences.empty() && !fences.back().closed && answer.end == ChatEnd::kLength) {
    return EditFailure{kCutOff, "your answer reached its limit of tokens inside the program"};
  }
  const std::string want =
      rules.must_contain.empty() ? "" : fmt::format(" that defines '{}'", rules.must_contain);
  return EditFailure{kNoCode, fmt::format("your answer has no fenced {} program{}",
                                          LanguageName(rules.backend), want)};
}

std::variant<std::vector<SearchReplace>, EditFailure> EditsIn(const ChatAnswer& answer) {
  if (std::optional<EditFailure> failure = Unreadable(answer)) return *failure;
  auto parsed = ParseSearchReplace(WithoutReasoning(answer.text));
  if (const auto* failure = std::get_if<EditFailure>(&parsed)) {
    if (answer.end != ChatEnd::kLength) return *failure;
    return EditFailure{kCutOff, "your answer reached its limit of tokens inside an edit"};
  }
  const auto& edits = std::get<std::vector<SearchReplace>>(parsed);
  if (edits.empty()) {
    return EditFailure{kNoCode, "your answer has no SEARCH/REPLACE block"};
  }
  for (const SearchReplace& edit : edits) {
    auto checked = Checked(edit.replace, true, answer);
    if (auto* failure = std::get_if<EditFailure>(&checked)) return *failure;
  }
  return parsed;
}

std::string RationaleIn(const ChatAnswer& answer) {
  const std::string text = OutsideFences(WithoutReasoning(answer.text));
  std::string first;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string sentence = Sentence(line);
    const std::string lower = LowerCase(sentence);
    const size_t at = lower.find("rationale");
    if (at != lower.npos && at <= 2) {
      const size_t colon = sentence.find(':');
      const std::string rest = colon == sentence.npos ? "" : Sentence(sentence.substr(colon + 1));
      if (!rest.empty()) return rest;
    }
    if (first.empty() && !LooksLikeSource(sentence) && sentence.size() > 3) first = sentence;
  }
  return first;
}

std::string JsonIn(const ChatAnswer& answer) {
  const auto parses = [](std::string_view text) {
    return nlohmann::json::accept(text.begin(), text.end());
  };
  constexpr int kMaxTries = 64;
  const std::string text = WithoutReasoning(answer.text);
  std::vector<CodeFence> fences = FindFences(text);
  for (const CodeFence& fence : fences) {
    const std::string_view inside = Trim(fence.text);
    if (!inside.empty() && (inside[0] == '{' || inside[0] == '[') && parses(inside)) {
      return std::string(inside);
    }
  }
  int tries = 0;
  for (size_t at = text.find_first_of("{["); at != text.npos && tries < kMaxTries;
       at = text.find_first_of("{[", at + 1)) {
    const char close = text[at] == '{' ? '}' : ']';
    for (size_t end = text.rfind(close); end != text.npos && end > at && tries < kMaxTries;
         end = text.rfind(close, end - 1)) {
      ++tries;
      const std::string_view piece = std::string_view(text).substr(at, end - at + 1);
      if (parses(piece)) return std::string(piece);
    }
  }
  return "";
}

}  // namespace ks

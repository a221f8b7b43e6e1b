#include "propose/normalize.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/local_names.h"
#include "propose/source_tokens.h"

namespace ks {
namespace {

std::string DirectivePrefix(const std::string& source) {
  const bool has_directives = source.find("ksmith:") != std::string::npos;
  const BuildDirectives directives =
      has_directives ? ParseBuildDirectives(source) : BuildDirectives();
  const std::string prefix = directives.compiler + " " + Join(directives.flags, " ") + "\n";
  return has_directives ? prefix + PlanDirectives(source) : prefix;
}

// Of a word, instead of the number of a local.
constexpr int kKept = -1;
constexpr int kUnnumbered = -2;

// Stands for a literal of Python.
constexpr char kLiteralMark = '\x01';

// Length of the literal of Python that begins at `at` (a quote), its end included.
size_t LiteralLength(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string triple(3, quote);
  if (text.substr(at, 3) == triple) {
    size_t end = at + 3;
    while (end < text.size() && text.substr(end, 3) != triple) end += text[end] == '\\' ? 2 : 1;
    return std::min(end + 3, text.size()) - at;
  }
  size_t end = at + 1;
  while (end < text.size() && text[end] != quote && text[end] != '\n') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size()) - at;
}

// A line of Python as its indentation and its words; empty: it has none.
std::string SqueezedPythonLine(std::string_view line) {
  const std::string_view text = Trim(line);
  if (text.empty()) return "";
  std::string out(line.substr(0, static_cast<size_t>(text.data() - line.data())));
  for (std::string_view word : SplitWords(text)) {
    out += word;
    out += ' ';
  }
  return out + "\n";
}

// The indentation of Python means something; comments, blank lines and blanks between words do not,
// but in literals all characters do.
std::string SqueezedPython(std::string_view text) {
  std::string out, line;
  std::vector<std::string_view> literals;
  const auto end_line = [&] {
    // Literals stand aside while the line is squeezed: a character that no source has marks them.
    for (const char c : SqueezedPythonLine(line)) {
      if (c != kLiteralMark) {
        out += c;
        continue;
      }
      out += literals.front();
      literals.erase(literals.begin());
    }
    line.clear();
    literals.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      literals.push_back(text.substr(at, LiteralLength(text, at)));
      line += kLiteralMark;
      at += literals.back().size();
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else {
      if (c == '\n') {
        end_line();
      } else if (c != kLiteralMark) {
        line += c;
      }
      ++at;
    }
  }
  end_line();
  return out;
}

// "v12" is how a local is written: a word of the source that looks the same gets a mark.
bool LooksRenamed(std::string_view word) {
  return word.size() > 1 && word[0] == 'v' &&
         word.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// Puts texts behind each other in a string of which the final length has a bound.
class TextWriter {
 public:
  explicit TextWriter(size_t most) : out_(most, '\0') {}
  void Add(std::string_view text) {
    std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  void Add(char c) { out_[size_++] = c; }
  void Add(int number) {
    char* const end = out_.data() + out_.size();
    size_ = static_cast<size_t>(std::to_chars(out_.data() + size_, end, number).ptr - out_.data());
  }
  std::string Take() {
    out_.resize(size_);
    return std::move(out_);
  }

 private:
  std::string out_;
  size_t size_ = 0;
};

// Of what CanonicalTokens writes for one of them: its text and two marks, or "v", a number, a
// blank.
size_t MostBytes(const Token& token) { return std::max<size_t>(token.text.size(), 11) + 2; }

// The tokens, one blank behind each; locals have numbers in order of appearance.
std::string CanonicalTokens(const SourceTokens& source) {
  const std::vector<NameRegion> regions = LocalNamesOf(source);
  std::vector<int> numbers(static_cast<size_t>(source.words), kKept);
  size_t most = 0;
  for (const Token& token : source.tokens) most += MostBytes(token);
  TextWriter out(most);
  int locals = 0, depth = 0;
  bool in_pragma = false;
  auto region = regions.begin();
  for (size_t at = 0; at < source.tokens.size(); ++at) {
    const Token& token = source.tokens[at];
    if (region != regions.end() && at == region->begin) {
      for (const int name : region->names) numbers[static_cast<size_t>(name)] = kUnnumbered;
    }
    if (token.kind == TokenKind::kPragma) in_pragma = true, depth = 0;
    if (token.kind == TokenKind::kLineEnd) in_pragma = false;
    if (in_pragma) depth += token.sign == '(' ? 1 : token.sign == ')' ? -1 : 0;
    int* const number = token.word < 0 ? nullptr : &numbers[static_cast<size_t>(token.word)];
    // In a pragma only what stands in parentheses names a variable.
    if (number != nullptr && *number != kKept && MayNameLocal(source.tokens, at) &&
        (!in_pragma || depth > 0)) {
      if (*number == kUnnumbered) *number = locals++;
      out.Add('v');
      out.Add(*number);
      out.Add(' ');
    } else if (token.kind == TokenKind::kLine) {
      out.Add(SqueezedLine(token.text));
      out.Add('\n');
    } else {
      out.Add(token.text);
      if (token.kind == TokenKind::kWord && LooksRenamed(token.text)) out.Add('`');
      if (token.kind != TokenKind::kLineEnd) out.Add(' ');
    }
    if (region != regions.end() && at + 1 == region->end) {
      for (const int name : region->names) numbers[static_cast<size_t>(name)] = kKept;
      ++region;
    }
  }
  return out.Take();
}

}  // namespace

std::string NormalizeSource(const std::string& source) {
  if (CommentMarkerOf(source) == "#") return DirectivePrefix(source) + SqueezedPython(source);
  return DirectivePrefix(source) + CanonicalTokens(TokensOf(source));
}

}  // namespace ks

#include "propose/normalize.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/local_names.h"
#include "propose/source_tokens.h"

namespace ks {
namespace {

std::string DirectivePrefix(const std::string& source) {
  const bool has_directives = MayHaveDirectives(source);
  const BuildDirectives directives =
      has_directives ? ParseBuildDirectives(source) : BuildDirectives();
  const std::string prefix = directives.compiler + " " + Join(directives.flags, " ") + "\n";
  return has_directives ? prefix + PlanDirectives(source) : prefix;
}

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

// Writes the tokens of a source, one blank behind each; locals have numbers in order of appearance.
// Keeps its memory from one source to the next. Single thread.
class CanonicalWriter {
 public:
  std::string Write(const std::string& prefix, std::string_view source) {
    const SourceTokens& read = tokenizer_.Read(source);
    const size_t most = prefix.size() + read.text.size() + kMostForToken * read.tokens.size();
    if (out_.size() < most + kAtOnce) out_.resize(most + kAtOnce);
    end_ = std::copy(prefix.begin(), prefix.end(), out_.data());
    NumberWords(read);
    size_t at = 0;
    for (const NameRegion& region : LocalNamesOf(read)) {
      Put(read, at, region.begin);
      for (const int name : region.names) numbers_[static_cast<size_t>(name)] = kUnnumbered;
      Put(read, region.begin, region.end);
      for (const int name : region.names) Keep(read, static_cast<size_t>(name));
      at = region.end;
    }
    Put(read, at, read.tokens.size());
    return std::string(out_.data(), end_);
  }

 private:
  // Of a word, instead of the number of a local.
  static constexpr int kKept = -1;
  static constexpr int kMarked = -2;  // kept as well, but looks like a local's
  static constexpr int kUnnumbered = -3;
  // Of what is written for one token beside its text: "v", a number, a blank.
  static constexpr size_t kMostForToken = 14;
  // Most texts are shorter, and copying so many bytes every time is quicker than asking how many
  // there are.
  static constexpr size_t kAtOnce = 16;
  static_assert(kAtOnce <= SourceTokens::kZeros);

  void NumberWords(const SourceTokens& read) {
    numbers_.resize(read.words.size());
    for (size_t word = 0; word < numbers_.size(); ++word) Keep(read, word);
    locals_ = depth_ = 0;
    in_pragma_ = false;
  }
  void Keep(const SourceTokens& read, size_t word) {
    numbers_[word] = LooksRenamed(read.TextOf(read.words[word])) ? kMarked : kKept;
  }

  void Put(const SourceTokens& read, size_t begin, size_t end) {
    // What is written could be where members lie, so what is asked for every token stays out of it.
    const Token* const tokens = read.tokens.data();
    const char* const text = read.text.data();
    const int* const numbers = numbers_.data();
    char* out = end_;
    bool whole = !in_pragma_;
    for (size_t at = begin; at < end; ++at) {
      const Token token = tokens[at];
      const bool kept = token.kind == TokenKind::kWord ? numbers[token.link] == kKept
                                                       : token.kind < TokenKind::kPragma;
      if (kept && whole && token.size <= kAtOnce) {
        std::memcpy(out, text + token.begin, kAtOnce);
        out += token.size;
        *out++ = ' ';
      } else {
        end_ = out;
        PutOther(read, at);
        out = end_;
        whole = !in_pragma_;
      }
    }
    end_ = out;
  }

  void PutOther(const SourceTokens& read, size_t at) {
    const Token& token = read.tokens[at];
    if (in_pragma_) depth_ += token.sign == '(' ? 1 : token.sign == ')' ? -1 : 0;
    if (token.kind == TokenKind::kWord) return PutWord(read, at);
    if (token.kind == TokenKind::kPragma) {
      in_pragma_ = true;
      depth_ = 0;
      Add("#pragma ");
    } else if (token.kind == TokenKind::kLineEnd) {
      in_pragma_ = false;
      Add("\n");
    } else if (token.kind == TokenKind::kLine) {
      Add(SqueezedLine(read.TextOf(token)));
      Add("\n");
    } else {
      Add(read.TextOf(token));
      Add(" ");
    }
  }

  void PutWord(const SourceTokens& read, size_t at) {
    const std::string_view text = read.TextOf(read.tokens[at]);
    int& number = numbers_[static_cast<size_t>(read.tokens[at].link)];
    // In a pragma only what stands in parentheses names a variable.
    if (number != kKept && number != kMarked && MayNameLocal(read.tokens, at) &&
        (!in_pragma_ || depth_ > 0)) {
      if (number == kUnnumbered) number = locals_++;
      *end_++ = 'v';
      end_ = std::to_chars(end_, out_.data() + out_.size(), number).ptr;
    } else {
      Add(text);
      if (number != kKept && LooksRenamed(text)) Add("`");
    }
    *end_++ = ' ';
  }

  void Add(std::string_view text) { end_ = std::copy(text.begin(), text.end(), end_); }

  Tokenizer tokenizer_;
  std::string out_;
  char* end_ = nullptr;       // of what was written
  std::vector<int> numbers_;  // of words
  int locals_ = 0, depth_ = 0;
  bool in_pragma_ = false;
};

}  // namespace

std::string NormalizeSource(const std::string& source) {
  if (CommentMarkerOf(source) == "#") return DirectivePrefix(source) + SqueezedPython(source);
  // For its memory; nothing else is left of a source.
  thread_local const auto writer = std::make_unique<CanonicalWriter>();
  return writer->Write(DirectivePrefix(source), source);
}

}  // namespace ks

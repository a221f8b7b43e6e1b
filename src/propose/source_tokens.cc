#include "propose/source_tokens.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace ks {
namespace {

// What a character may begin. Names and numbers go on with kLetter and kDigit.
enum class CharKind : uint8_t {
  kSign,
  kLetter,
  kDigit,
  kBlank,
  kLineEnd,
  kQuote,
  kSlash,
  kHash,
  kDot,
  kSplice
};

// A table, as every character of a source is asked about.
constexpr std::array<CharKind, 256> kCharKinds = [] {
  std::array<CharKind, 256> kinds{};
  for (size_t c = 'a'; c <= 'z'; ++c) kinds[c] = kinds[c - 'a' + 'A'] = CharKind::kLetter;
  for (size_t c = 0x80; c < 256; ++c) kinds[c] = CharKind::kLetter;
  for (size_t c = '0'; c <= '9'; ++c) kinds[c] = CharKind::kDigit;
  for (const char c : {' ', '\t', '\r', '\f', '\v'})
    kinds[static_cast<size_t>(c)] = CharKind::kBlank;
  kinds['_'] = kinds['$'] = CharKind::kLetter;
  kinds['\n'] = CharKind::kLineEnd;
  kinds['"'] = kinds['\''] = CharKind::kQuote;
  kinds['/'] = CharKind::kSlash;
  kinds['#'] = CharKind::kHash;
  kinds['.'] = CharKind::kDot;
  kinds['\\'] = CharKind::kSplice;
  return kinds;
}();
CharKind KindOf(char c) { return kCharKinds[static_cast<unsigned char>(c)]; }
bool IsTokenDigit(char c) { return KindOf(c) == CharKind::kDigit; }
bool IsTokenChar(char c) { return KindOf(c) == CharKind::kLetter || IsTokenDigit(c); }
bool IsTokenBlank(char c) { return KindOf(c) == CharKind::kBlank || c == '\n'; }

constexpr std::array<std::string_view, 24> kLongSigns = {
    "...", "<<=", "->*", "<=>", "::", "->", "++", "--", "<<", "<=", ">=", "==",
    "!=",  "&&",  "||",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##"};

// What stands second in one of them.
constexpr std::array<bool, 256> kSecondSigns = [] {
  std::array<bool, 256> chars{};
  for (const std::string_view sign : kLongSigns) chars[static_cast<unsigned char>(sign[1])] = true;
  return chars;
}();

bool StartsRawString(std::string_view word) {
  return word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R";
}

// Numbers words: an open-addressed table of at most half as many words as places.
class WordNumbers {
 public:
  WordNumbers() : slots_(256) {}
  int NumberOf(std::string_view word) {
    const size_t at = PlaceOf(word);
    if (slots_[at].number >= 0) return slots_[at].number;
    slots_[at] = {word, count_++};
    const int number = slots_[at].number;
    if (static_cast<size_t>(2 * count_) > slots_.size()) Grow();
    return number;
  }
  int count() const { return count_; }

 private:
  struct Slot {
    std::string_view word;
    int number = -1;
  };
  size_t PlaceOf(std::string_view word) const {
    size_t at = Fnv1a64(word) & (slots_.size() - 1);
    while (slots_[at].number >= 0 && slots_[at].word != word) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void Grow() {
    std::vector<Slot> before(2 * slots_.size());
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.number >= 0) slots_[PlaceOf(slot.word)] = slot;
    }
  }

  std::vector<Slot> slots_;
  int count_ = 0;
};

// Walks over the text; at() is where it is.
class Lexer {
 public:
  Lexer(std::string_view text, WordNumbers& numbers, std::vector<Token>& out)
      : text_(text), numbers_(numbers), out_(out) {}

  void Run() {
    while (at_ < text_.size()) Step();
    if (in_pragma_) EndPragma();
  }
  const std::vector<std::string_view>& lines() const { return lines_; }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view Cut(size_t begin) const { return text_.substr(begin, at_ - begin); }

  void Step() {
    const size_t begin = at_;
    TokenKind kind = TokenKind::kSign;
    switch (KindOf(text_[at_])) {
      case CharKind::kBlank:
        ++at_;
        return;
      case CharKind::kLineEnd:
        if (in_pragma_) EndPragma();
        starts_line_ = true;
        ++at_;
        return;
      case CharKind::kSplice:
        if (SpliceBytes() > 0) {
          at_ += SpliceBytes();
          return;
        }
        ++at_;
        break;
      case CharKind::kSlash:
        if (Peek(1) == '/' || Peek(1) == '*') {
          SkipComment();
          return;
        }
        at_ += SignBytes();
        break;
      case CharKind::kHash:
        if (starts_line_ && !in_pragma_) {
          Directive();
          return;
        }
        at_ += SignBytes();
        break;
      case CharKind::kLetter:
        kind = SkipWord();
        break;
      case CharKind::kDot:
        if (!IsTokenDigit(Peek(1))) {
          at_ += SignBytes();
          break;
        }
        [[fallthrough]];
      case CharKind::kDigit:
        SkipNumber();
        kind = TokenKind::kNumber;
        break;
      case CharKind::kQuote:
        SkipLiteral();
        kind = TokenKind::kLiteral;
        break;
      case CharKind::kSign:
        at_ += SignBytes();
        break;
    }
    Add(begin, kind);
  }

  void Add(size_t begin, TokenKind kind) {
    starts_line_ = false;
    Token& token = out_.emplace_back();
    token.text = Cut(begin);
    token.kind = kind;
    if (kind == TokenKind::kWord) token.word = numbers_.NumberOf(token.text);
    if (kind == TokenKind::kSign && token.text.size() == 1) token.sign = token.text[0];
  }

  // A name, or a raw string that begins like one.
  TokenKind SkipWord() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsTokenChar(text_[at_])) ++at_;
    if (Peek(0) != '"' || !StartsRawString(Cut(begin))) return TokenKind::kWord;
    SkipRawString();
    return TokenKind::kLiteral;
  }

  void EndPragma() {
    in_pragma_ = false;
    out_.push_back({"\n", TokenKind::kLineEnd});
  }

  // Bytes of a backslash that ends its line, 0: none.
  size_t SpliceBytes() const {
    if (text_[at_] != '\\') return 0;
    if (Peek(1) == '\n') return 2;
    return Peek(1) == '\r' && Peek(2) == '\n' ? 3 : 0;
  }

  void SkipComment() {
    if (Peek(1) == '*') {
      const size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
      return;
    }
    while (at_ < text_.size() && text_[at_] != '\n') at_ += std::max<size_t>(1, SpliceBytes());
    at_ = std::min(at_, text_.size());
  }

  void SkipNumber() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent = c == 'e' || c == 'E' || c == 'p' || c == 'P';
      if (exponent && (Peek(1) == '+' || Peek(1) == '-')) {
        at_ += 2;
      } else if (IsTokenChar(c) || c == '.' || (c == '\'' && IsTokenChar(Peek(1)))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  void SkipLiteral() {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_, text_.size());
    if (Peek(0) == quote) ++at_;
  }

  // At the quote of R"end(...)end".
  void SkipRawString() {
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      return;
    }
    const std::string closing = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const size_t end = text_.find(closing, open);
    at_ = end == std::string_view::npos ? text_.size() : end + closing.size();
  }

  size_t SignBytes() const {
    if (!kSecondSigns[static_cast<unsigned char>(Peek(1))]) return 1;
    const std::string_view rest = text_.substr(at_, 3);
    for (const std::string_view sign : kLongSigns) {
      if (rest.starts_with(sign)) return sign.size();
    }
    return 1;
  }

  // At a '#' that starts its line.
  void Directive() {
    const size_t begin = at_++;
    while (Peek(0) == ' ' || Peek(0) == '\t') ++at_;
    if (text_.substr(at_).starts_with("pragma") && !IsTokenChar(Peek(6))) {
      at_ += 6;
      in_pragma_ = true;
      out_.push_back({"#pragma", TokenKind::kPragma});
      return;
    }
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (text_[at_] == '/' && (Peek(1) == '*' || Peek(1) == '/')) {
        SkipComment();
      } else if (text_[at_] == '"') {
        SkipLiteral();
      } else {
        at_ += std::max<size_t>(1, SpliceBytes());
      }
    }
    at_ = std::min(at_, text_.size());
    Add(begin, TokenKind::kLine);
    lines_.push_back(out_.back().text);
  }

  const std::string_view text_;
  WordNumbers& numbers_;
  std::vector<Token>& out_;
  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  bool starts_line_ = true;
  bool in_pragma_ = false;
};

}  // namespace

SourceTokens TokensOf(std::string_view source) {
  SourceTokens result;
  result.tokens.reserve(source.size() / 3);
  WordNumbers numbers;
  Lexer lexer(source, numbers, result.tokens);
  lexer.Run();
  std::vector<int> mentioned;
  for (const std::string_view line : lexer.lines()) {
    for (size_t at = 0; at < line.size();) {
      size_t end = at;
      while (end < line.size() && IsTokenChar(line[end])) ++end;
      if (end > at) mentioned.push_back(numbers.NumberOf(line.substr(at, end - at)));
      at = end + 1;
    }
  }
  result.words = numbers.count();
  result.in_preprocessor.resize(static_cast<size_t>(result.words));
  for (const int word : mentioned) result.in_preprocessor[static_cast<size_t>(word)] = true;
  return result;
}

std::string SqueezedLine(std::string_view line) {
  std::string out;
  bool blank = false;
  for (size_t at = 0; at < line.size();) {
    const char c = line[at];
    const std::string_view rest = line.substr(at);
    if (rest.starts_with("/*")) {
      const size_t end = line.find("*/", at + 2);
      at = end == std::string_view::npos ? line.size() : end + 2;
      blank = true;
    } else if (rest.starts_with("//")) {
      break;
    } else if (IsTokenBlank(c) || rest.starts_with("\\\n") || rest.starts_with("\\\r\n")) {
      at += c == '\\' ? 2 : 1;
      blank = true;
    } else {
      size_t end = at + 1;
      if (c == '"') {
        while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
        end = std::min(end + 1, line.size());
      }
      if (blank && !out.empty()) out += ' ';
      blank = false;
      out += line.substr(at, end - at);
      at = end;
    }
  }
  return out;
}

}  // namespace ks

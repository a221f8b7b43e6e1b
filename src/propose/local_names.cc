#include "propose/local_names.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace ks {
namespace {

using Tokens = std::vector<Token>;

bool IsSpecifier(std::string_view word) {
  return IsOneOf(word, {"const", "constexpr", "static", "volatile", "register", "__restrict",
                        "__restrict__", "restrict", "__shared__", "__local", "__private",
                        "__global", "__constant", "local", "private", "thread_local", "mutable"});
}
// Types by themselves, which may come in several words.
bool IsTypeWord(std::string_view word) {
  return IsOneOf(word, {"auto", "int", "unsigned", "signed", "long", "short", "char", "float",
                        "double", "bool", "void"});
}
// Statements and declarations that begin with these are left alone.
bool IsOtherKeyword(std::string_view word) {
  return IsOneOf(word, {"return", "goto",    "else",     "do",        "delete",
                        "new",    "throw",   "case",     "default",   "typedef",
                        "using",  "sizeof",  "struct",   "union",     "class",
                        "enum",   "extern",  "template", "typename",  "operator",
                        "friend", "break",   "continue", "namespace", "static_assert",
                        "asm",    "__asm__", "public",   "co_yield",  "for",
                        "if",     "while",   "switch",   "catch",     "try",
                        "inline", "concept", "requires", "co_await",  "co_return"});
}
bool HasArguments(std::string_view word) {
  return IsOneOf(word, {"alignas", "__attribute__", "__align__", "__declspec", "_Alignas"});
}

// What a word may be where something is declared, by its text alone.
enum WordClass : uint8_t {
  kSpecifierWord = 1,
  kTypeWord = 2,
  kOtherKeyword = 4,
  kWithArguments = 8,
  kClassKeyword = 16,
  kForWord = 32,
  kConditionWord = 64,
  kElseWord = 128,
};
uint8_t ClassesOf(std::string_view word) {
  return static_cast<uint8_t>(
      (IsSpecifier(word) ? kSpecifierWord : 0) | (IsTypeWord(word) ? kTypeWord : 0) |
      (IsOtherKeyword(word) ? kOtherKeyword : 0) | (HasArguments(word) ? kWithArguments : 0) |
      (IsOneOf(word, {"struct", "union", "class", "enum"}) ? kClassKeyword : 0) |
      (word == "for" ? kForWord : 0) | (word == "else" ? kElseWord : 0) |
      (IsOneOf(word, {"if", "while", "switch"}) ? kConditionWord : 0));
}

// The signs that may follow a name that is being declared.
using Enders = std::string_view;
constexpr Enders kInParameters = ",)=[";
constexpr Enders kInStatement = "=;,[{";
constexpr Enders kInFor = "=;,[{:";
constexpr Enders kInCondition = "={";

// Finds the functions of a file and what they declare.
class NameFinder {
 public:
  explicit NameFinder(const SourceTokens& source)
      : tokens_(source.tokens),
        fixed_(source.in_preprocessor),
        classes_(static_cast<size_t>(source.words)) {
    fixed_.resize(static_cast<size_t>(source.words));
    int known = 0;  // words are numbered in order of appearance
    for (const Token& token : tokens_) {
      if (token.word < known) continue;
      classes_[static_cast<size_t>(token.word)] = ClassesOf(token.text);
      known = token.word + 1;
    }
  }

  std::vector<NameRegion> Run() {
    if (!PairBraces()) return {};
    WalkFile(0, tokens_.size());
    for (NameRegion& region : regions_) {
      CollectNames(region);
      KeepOutsideOfScopes(region);
    }
    for (NameRegion& region : regions_) {
      std::erase_if(region.names, [&](int name) { return fixed_[static_cast<size_t>(name)]; });
      std::sort(region.names.begin(), region.names.end());
      region.names.erase(std::unique(region.names.begin(), region.names.end()), region.names.end());
    }
    return std::move(regions_);
  }

 private:
  const Token& At(size_t at) const { return tokens_[at]; }
  bool Is(size_t at, char sign) const { return at < tokens_.size() && tokens_[at].sign == sign; }
  bool IsSign(size_t at, std::string_view text) const {
    return at < tokens_.size() && tokens_[at].kind == TokenKind::kSign && tokens_[at].text == text;
  }
  bool IsWord(size_t at, WordClass one) const {
    return IsName(at) && (classes_[static_cast<size_t>(tokens_[at].word)] & one) != 0;
  }
  bool IsName(size_t at) const {
    return at < tokens_.size() && tokens_[at].kind == TokenKind::kWord;
  }
  void Fix(size_t at) {
    if (At(at).word >= 0) fixed_[static_cast<size_t>(At(at).word)] = true;
  }
  void FixAll(size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) Fix(at);
  }

  // False when they do not pair.
  bool PairBraces() {
    closing_.assign(tokens_.size(), 0);
    opening_.assign(tokens_.size(), 0);
    std::vector<size_t> open;
    for (size_t at = 0; at < tokens_.size(); ++at) {
      const char sign = At(at).sign;
      if (sign == '(' || sign == '[' || sign == '{') open.push_back(at);
      if (sign != ')' && sign != ']' && sign != '}') continue;
      if (open.empty()) return false;
      const char opened = At(open.back()).sign;
      if (sign != (opened == '(' ? ')' : opened == '[' ? ']' : '}')) return false;
      closing_[open.back()] = at;
      opening_[at] = open.back();
      open.pop_back();
    }
    return open.empty();
  }

  // Outside of functions. What a declaration is shows at its first brace.
  void WalkFile(size_t begin, size_t end) {
    size_t first = begin;  // of the declaration
    for (size_t at = begin; at < end; ++at) {
      if (Is(at, ';') || At(at).kind == TokenKind::kLine || At(at).kind == TokenKind::kLineEnd) {
        FixAll(first, at);
        first = at + 1;
      } else if (Is(at, '{')) {
        WalkBraces(first, at);
        at = closing_[at];
        first = at + 1;
      }
    }
    FixAll(first, end);
  }

  void WalkBraces(size_t first, size_t open) {
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = tokens_.begin() + static_cast<std::ptrdiff_t>(open);
    const auto has = [&](std::string_view text) {
      return std::any_of(begin, end, [&](const Token& token) {
        return token.text == text && token.kind != TokenKind::kLiteral;
      });
    };
    const bool space = has("namespace") || (has("extern") && !has("("));
    if (space) {
      FixAll(first, open);
      WalkFile(open + 1, closing_[open]);
    } else if (has("(") && !has("=") && !has("struct") && !has("class") && !has("union")) {
      StartFunction(first, open);
    } else {  // a type, an initialiser: all its words have a meaning elsewhere
      FixAll(first, closing_[open]);
    }
  }

  // The parameters are those of the first parenthesis behind a name that is no attribute.
  void StartFunction(size_t first, size_t open) {
    size_t parameters = first;
    while (parameters < open) {
      if (Is(parameters, '(') && parameters > first && IsName(parameters - 1) &&
          !IsAttribute(At(parameters - 1).text)) {
        break;
      }
      parameters = Is(parameters, '(') ? closing_[parameters] + 1 : parameters + 1;
    }
    FixAll(first, std::min(parameters, open));
    if (parameters >= open) {
      FixAll(open, closing_[open]);
      return;
    }
    regions_.push_back({parameters, closing_[open] + 1, {}});
  }
  static bool IsAttribute(std::string_view word) {
    return HasArguments(word) || word == "__launch_bounds__" || word == "decltype" ||
           word == "noexcept" || word == "explicit" || word == "requires";
  }

  // Where a declared name means what was declared: from there to the end of the block.
  struct Scope {
    int word;
    size_t begin, end;
  };

  void Declare(size_t at) { scopes_.push_back({At(at).word, at, scope_end_}); }

  // Fixes the names that also stand where no declaration of the function reaches: there they mean
  // something of the language or of another file.
  void KeepOutsideOfScopes(NameRegion& region) {
    if (scopes_.empty()) return;
    std::vector<std::vector<const Scope*>> scopes(fixed_.size());
    for (const Scope& scope : scopes_) {
      scopes[static_cast<size_t>(scope.word)].push_back(&scope);
      region.names.push_back(scope.word);
    }
    std::vector<int> outside;
    for (size_t at = region.begin; at < region.end; ++at) {
      if (At(at).word < 0) continue;
      const auto& own = scopes[static_cast<size_t>(At(at).word)];
      if (own.empty() || !MayNameLocal(tokens_, at)) continue;
      const bool reached = std::any_of(own.begin(), own.end(), [&](const Scope* scope) {
        return scope->begin <= at && at < scope->end;
      });
      if (!reached && !InPragma(at)) outside.push_back(At(at).word);
    }
    std::erase_if(region.names, [&](int name) {
      return std::find(outside.begin(), outside.end(), name) != outside.end();
    });
    scopes_.clear();
  }
  // A pragma in front of a loop may name what the loop declares.
  bool InPragma(size_t at) const {
    while (at > 0 && At(at).kind != TokenKind::kPragma && At(at).kind != TokenKind::kLineEnd) --at;
    return At(at).kind == TokenKind::kPragma;
  }

  // Of what is declared in the parenthesis of a for, if, while or switch: the end of its statement.
  size_t EndOfStatement(size_t open) const {
    size_t at = closing_[open] + 1;
    while (at < tokens_.size()) {
      if (Is(at, '{')) {
        at = closing_[at] + 1;
        if (!IsWord(at, kElseWord)) return at;
        ++at;
      } else if (Is(at, '(') || Is(at, '[')) {
        at = closing_[at] + 1;
      } else if (Is(at, ';')) {
        if (!IsWord(at + 1, kElseWord)) return at + 1;
        at += 2;
      } else if (Is(at, '}')) {
        return at;
      } else {
        ++at;
      }
    }
    return at;
  }
  void CollectNames(NameRegion& region) {
    scope_end_ = region.end;
    Parameters(region.begin);
    size_t header_end = 0;           // of the innermost for
    std::vector<size_t> block_ends;  // of the blocks that `at` lies in
    for (size_t at = closing_[region.begin] + 1; at < region.end; ++at) {
      if (IsWord(at, kClassKeyword)) {
        at = FixType(at, region.end);
      } else if (Is(at, ']') && Is(at + 1, '(') && BeginsLambda(opening_[at])) {
        scope_end_ = EndOfStatement(at + 1);
        Parameters(at + 1);
      } else if (Is(at, '(') && IsWord(at - 1, kForWord)) {
        header_end = closing_[at];
        scope_end_ = EndOfStatement(at);
        Declaration(at + 1, kInFor);
      } else if (Is(at, '(') && IsWord(at - 1, kConditionWord)) {
        scope_end_ = EndOfStatement(at);
        Declaration(at + 1, kInCondition);
      } else if ((Is(at, ';') && at > header_end) || Is(at, '{') || Is(at, '}') ||
                 At(at).kind == TokenKind::kLine || At(at).kind == TokenKind::kLineEnd) {
        if (Is(at, '{')) block_ends.push_back(closing_[at]);
        if (Is(at, '}') && !block_ends.empty()) block_ends.pop_back();
        scope_end_ = block_ends.empty() ? region.end : block_ends.back();
        Declaration(at + 1, kInStatement);
      }
    }
  }
  bool BeginsLambda(size_t open) const {
    return !IsName(open - 1) && !Is(open - 1, ']') && !Is(open - 1, ')');
  }

  // A type that is defined inside a function: its members keep their names. Returns its last token.
  size_t FixType(size_t at, size_t end) {
    size_t open = at;
    while (open < end && !Is(open, '{') && !Is(open, ';') && !Is(open, '(') && !Is(open, '=')) {
      ++open;
    }
    if (!Is(open, '{')) return at;
    FixAll(at, closing_[open]);
    return closing_[open];
  }

  void Parameters(size_t open) {
    size_t first = open + 1;
    for (size_t at = first; at <= closing_[open]; ++at) {
      if (Is(at, ',') || at == closing_[open]) {
        Declarator(first, at, kInParameters);
        first = at + 1;
      } else if (Is(at, '(') || Is(at, '[') || Is(at, '{')) {
        at = closing_[at];
      }
    }
  }

  void Declaration(size_t at, Enders enders) {
    size_t behind = Declarator(at, tokens_.size(), enders);
    if (behind == 0) return;
    // "float a = 1, *b, c[2];": what follows a comma, until the statement ends.
    for (; behind < tokens_.size(); ++behind) {
      if (Is(behind, '(') || Is(behind, '[') || Is(behind, '{')) {
        behind = closing_[behind];
      } else if (Is(behind, ';') || Is(behind, ')') || Is(behind, '}') || Is(behind, ':')) {
        return;
      } else if (Is(behind, ',')) {
        size_t name = behind + 1;
        while (Is(name, '*') || Is(name, '&') || IsWord(name, kSpecifierWord)) {
          ++name;
        }
        if (IsName(name) && EndsWith(name + 1, kInStatement)) Declare(name);
      }
    }
  }

  bool EndsWith(size_t at, Enders enders) const {
    return at < tokens_.size() && At(at).sign != 0 && enders.find(At(at).sign) != Enders::npos;
  }

  // Reads specifiers, a type and a name from `at` on. Returns the place behind the name, which it
  // notes; 0: this is no declaration, or none that is understood.
  size_t Declarator(size_t at, size_t end, Enders enders) {
    bool typed = false;
    size_t type = 0, behind_type = 0;  // of a named one
    while (at < end) {
      if (Is(at, '[') && Is(at + 1, '[')) {
        at = closing_[at] + 1;
      } else if (typed && (Is(at, '*') || Is(at, '&') || IsSign(at, "&&"))) {
        ++at;
      } else if (!IsName(at) || IsWord(at, kOtherKeyword)) {
        return 0;
      } else if (IsWord(at, kWithArguments)) {
        if (!Is(at + 1, '(')) return 0;
        at = closing_[at + 1] + 1;
      } else if (IsWord(at, kSpecifierWord)) {
        ++at;
      } else if (IsWord(at, kTypeWord)) {
        typed = true;
        ++at;
      } else if (typed) {
        if (!EndsWith(at + 1, enders)) return 0;
        FixAll(type, behind_type);
        Declare(at);
        return at + 1;
      } else {
        type = at;
        at = behind_type = BehindType(at, end);
        if (at == 0) return 0;
        typed = true;
      }
    }
    return 0;
  }

  // Of a named type: a::b<c>. 0: it is none.
  size_t BehindType(size_t at, size_t end) {
    while (IsSign(at + 1, "::") && IsName(at + 2)) at += 2;
    size_t behind = at + 1;
    if (Is(behind, '<')) {
      int depth = 0;
      for (;; ++behind) {
        if (behind >= end || Is(behind, ';') || Is(behind, '{') || Is(behind, '}')) return 0;
        depth += Is(behind, '<') ? 1 : Is(behind, '>') ? -1 : 0;
        if (depth == 0) break;
      }
      ++behind;
    }
    const bool goes_on =
        IsName(behind) || Is(behind, '*') || Is(behind, '&') || IsSign(behind, "&&");
    return behind < end && goes_on ? behind : 0;
  }

  const Tokens& tokens_;
  std::vector<bool> fixed_;                // words that keep their names, by number
  std::vector<uint8_t> classes_;           // WordClass, by number of the word
  std::vector<size_t> closing_, opening_;  // of brackets: where they are closed, opened
  std::vector<NameRegion> regions_;
  std::vector<Scope> scopes_;  // of the region being looked at
  size_t scope_end_ = 0;       // of what is declared now
};

}  // namespace

std::vector<NameRegion> LocalNamesOf(const SourceTokens& source) {
  return NameFinder(source).Run();
}

bool MayNameLocal(const Tokens& tokens, size_t at) {
  if (tokens[at].kind != TokenKind::kWord) return false;
  const auto sign = [&](size_t place, std::string_view text) {
    return place < tokens.size() && tokens[place].kind == TokenKind::kSign &&
           tokens[place].text == text;
  };
  if (sign(at + 1, "::")) return false;
  return at == 0 || (!sign(at - 1, ".") && !sign(at - 1, "->") && !sign(at - 1, "::"));
}

}  // namespace ks

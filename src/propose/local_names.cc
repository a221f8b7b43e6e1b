#include "propose/local_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace ks {
namespace {

// What a word may be where something is declared, by its text alone.
enum WordClass : uint16_t {
  kSpecifierWord = 1,
  kTypeWord = 2,      // a type by itself, which may come in several words
  kOtherKeyword = 4,  // statements and declarations that begin with these are left alone
  kWithArguments = 8,
  kClassKeyword = 16,
  kForWord = 32,
  kConditionWord = 64,
  kElseWord = 128,
  kAttributeWord = 256,
  kRecordWord = 512,  // struct, union, class
  kNamespaceWord = 1024,
  kExternWord = 2048,
  kFixedWord = 4096,  // keeps its name; found out while reading
};
struct Keyword {
  std::string_view word;
  int classes = 0;
};
constexpr int kClassWord = kOtherKeyword | kClassKeyword | kRecordWord;

// In order of the words.
constexpr std::array kKeywords = [] {
  std::array keywords = std::to_array<Keyword>({
      {"const", kSpecifierWord},
      {"constexpr", kSpecifierWord},
      {"static", kSpecifierWord},
      {"volatile", kSpecifierWord},
      {"register", kSpecifierWord},
      {"__restrict", kSpecifierWord},
      {"__restrict__", kSpecifierWord},
      {"restrict", kSpecifierWord},
      {"__shared__", kSpecifierWord},
      {"__local", kSpecifierWord},
      {"__private", kSpecifierWord},
      {"__global", kSpecifierWord},
      {"__constant", kSpecifierWord},
      {"local", kSpecifierWord},
      {"private", kSpecifierWord},
      {"thread_local", kSpecifierWord},
      {"mutable", kSpecifierWord},
      {"auto", kTypeWord},
      {"int", kTypeWord},
      {"unsigned", kTypeWord},
      {"signed", kTypeWord},
      {"long", kTypeWord},
      {"short", kTypeWord},
      {"char", kTypeWord},
      {"float", kTypeWord},
      {"double", kTypeWord},
      {"bool", kTypeWord},
      {"void", kTypeWord},
      {"return", kOtherKeyword},
      {"goto", kOtherKeyword},
      {"else", kOtherKeyword | kElseWord},
      {"do", kOtherKeyword},
      {"delete", kOtherKeyword},
      {"new", kOtherKeyword},
      {"throw", kOtherKeyword},
      {"case", kOtherKeyword},
      {"default", kOtherKeyword},
      {"typedef", kOtherKeyword},
      {"using", kOtherKeyword},
      {"sizeof", kOtherKeyword},
      {"struct", kClassWord},
      {"union", kClassWord},
      {"class", kClassWord},
      {"enum", kOtherKeyword | kClassKeyword},
      {"extern", kOtherKeyword | kExternWord},
      {"template", kOtherKeyword},
      {"typename", kOtherKeyword},
      {"operator", kOtherKeyword},
      {"friend", kOtherKeyword},
      {"break", kOtherKeyword},
      {"continue", kOtherKeyword},
      {"namespace", kOtherKeyword | kNamespaceWord},
      {"static_assert", kOtherKeyword},
      {"asm", kOtherKeyword},
      {"__asm__", kOtherKeyword},
      {"public", kOtherKeyword},
      {"co_yield", kOtherKeyword},
      {"for", kOtherKeyword | kForWord},
      {"if", kOtherKeyword | kConditionWord},
      {"while", kOtherKeyword | kConditionWord},
      {"switch", kOtherKeyword | kConditionWord},
      {"catch", kOtherKeyword},
      {"try", kOtherKeyword},
      {"inline", kOtherKeyword},
      {"concept", kOtherKeyword},
      {"requires", kOtherKeyword | kAttributeWord},
      {"co_await", kOtherKeyword},
      {"co_return", kOtherKeyword},
      {"alignas", kWithArguments | kAttributeWord},
      {"__attribute__", kWithArguments | kAttributeWord},
      {"__align__", kWithArguments | kAttributeWord},
      {"__declspec", kWithArguments | kAttributeWord},
      {"_Alignas", kWithArguments | kAttributeWord},
      {"__launch_bounds__", kAttributeWord},
      {"decltype", kAttributeWord},
      {"noexcept", kAttributeWord},
      {"explicit", kAttributeWord},
  });
  std::sort(keywords.begin(), keywords.end(),
            [](const Keyword& a, const Keyword& b) { return a.word < b.word; });
  return keywords;
}();

uint16_t ClassesOf(std::string_view word) {
  if (word.size() < 2) return 0;  // most words of some kernels
  const auto found =
      std::lower_bound(kKeywords.begin(), kKeywords.end(), word,
                       [](const Keyword& a, std::string_view b) { return a.word < b; });
  const bool known = found != kKeywords.end() && found->word == word;
  return static_cast<uint16_t>(known ? found->classes : 0);
}

// The signs that may follow a name that is being declared.
using Enders = std::string_view;
constexpr Enders kInParameters = ",)=[";
constexpr Enders kInStatement = "=;,[{";
constexpr Enders kInFor = "=;,[{:";
constexpr Enders kInCondition = "={";

// Signs behind which something may be declared.
constexpr std::array<bool, 128> kDeclaring = [] {
  std::array<bool, 128> signs{};
  for (const char sign : {';', '{', '}', '(', ']'}) signs[static_cast<size_t>(sign)] = true;
  return signs;
}();
bool MayDeclare(char sign) { return kDeclaring[static_cast<unsigned char>(sign) & 127]; }

// Finds the functions of a file and what they declare.
class NameFinder {
 public:
  explicit NameFinder(const SourceTokens& source)
      : tokens_(source.tokens),
        stops_(source.stops),
        paired_(source.paired),
        newest_scope_(source.words.size(), kNoScope) {
    classes_.reserve(source.words.size());
    for (const SourceTokens::Word& word : source.words) {
      const int fixed = word.in_preprocessor ? kFixedWord : 0;
      classes_.push_back(static_cast<uint16_t>(ClassesOf(source.TextOf(word)) | fixed));
      defines_types_ = defines_types_ || (classes_.back() & kClassKeyword) != 0;
    }
  }

  std::vector<NameRegion> Run() {
    if (!paired_) return {};
    WalkFile(0, tokens_.size());
    for (NameRegion& region : regions_) {
      CollectNames(region);
      KeepOutsideOfScopes(region);
    }
    for (NameRegion& region : regions_) {
      std::erase_if(region.names, [&](int name) { return IsFixed(name); });
      std::sort(region.names.begin(), region.names.end());
      region.names.erase(std::unique(region.names.begin(), region.names.end()), region.names.end());
    }
    return std::move(regions_);
  }

 private:
  const Token& At(size_t at) const { return tokens_[at]; }
  bool Is(size_t at, char sign) const { return at < tokens_.size() && tokens_[at].sign == sign; }
  bool IsWord(size_t at, int classes) const {
    return IsName(at) && (classes_[static_cast<size_t>(tokens_[at].link)] & classes) != 0;
  }
  bool IsName(size_t at) const {
    return at < tokens_.size() && tokens_[at].kind == TokenKind::kWord;
  }
  bool IsFixed(int name) const { return (classes_[static_cast<size_t>(name)] & kFixedWord) != 0; }
  // Of a bracket: the other one.
  size_t PartnerOf(size_t at) const { return static_cast<size_t>(At(at).link); }
  void Fix(size_t at) {
    if (IsName(at)) classes_[static_cast<size_t>(At(at).link)] |= kFixedWord;
  }
  void FixAll(size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) Fix(at);
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
        at = PartnerOf(at);
        first = at + 1;
      }
    }
    FixAll(first, end);
  }

  void WalkBraces(size_t first, size_t open) {
    const auto has = [&](auto&& is) {
      for (size_t at = first; at < open; ++at) {
        if (is(at)) return true;
      }
      return false;
    };
    const auto has_word = [&](int classes) {
      return has([&](size_t at) { return IsWord(at, classes); });
    };
    const auto has_sign = [&](char sign) { return has([&](size_t at) { return Is(at, sign); }); };
    const bool space = has_word(kNamespaceWord) || (has_word(kExternWord) && !has_sign('('));
    if (space) {
      FixAll(first, open);
      WalkFile(open + 1, PartnerOf(open));
    } else if (has_sign('(') && !has_sign('=') && !has_word(kRecordWord)) {
      StartFunction(first, open);
    } else {  // a type, an initialiser: all its words have a meaning elsewhere
      FixAll(first, PartnerOf(open));
    }
  }

  // The parameters are those of the first parenthesis behind a name that is no attribute.
  void StartFunction(size_t first, size_t open) {
    size_t parameters = first;
    while (parameters < open) {
      if (Is(parameters, '(') && parameters > first && IsName(parameters - 1) &&
          !IsWord(parameters - 1, kAttributeWord)) {
        break;
      }
      parameters = Is(parameters, '(') ? PartnerOf(parameters) + 1 : parameters + 1;
    }
    FixAll(first, std::min(parameters, open));
    if (parameters >= open) {
      FixAll(open, PartnerOf(open));
      return;
    }
    regions_.push_back({parameters, PartnerOf(open) + 1, {}});
  }

  // Where a declared name means what was declared: from there to the end of the block.
  struct Scope {
    int word;
    size_t begin, end;
    int other;  // scope of the same word in the region, -1: none
  };

  void Declare(size_t at) {
    const int word = At(at).link;
    int& newest = newest_scope_[static_cast<size_t>(word)];
    scopes_.push_back({word, at, scope_end_, newest});
    newest = static_cast<int>(scopes_.size()) - 1;
  }
  bool IsReached(size_t at, int scope) const {
    for (; scope >= 0; scope = scopes_[static_cast<size_t>(scope)].other) {
      const Scope& own = scopes_[static_cast<size_t>(scope)];
      if (own.begin <= at && at < own.end) return true;
    }
    return false;
  }

  // The names of the region, but for those that also stand where no declaration of the function
  // reaches: there they mean something of the language or of another file.
  void KeepOutsideOfScopes(NameRegion& region) {
    if (scopes_.empty()) return;
    for (size_t at = region.begin; at < region.end; ++at) {
      if (!IsName(at)) continue;
      int& newest = newest_scope_[static_cast<size_t>(At(at).link)];
      if (newest < 0 || !MayNameLocal(tokens_, at)) continue;
      if (!IsReached(at, newest) && !InPragma(at)) newest = kOutside;
    }
    for (const Scope& scope : scopes_) {
      int& newest = newest_scope_[static_cast<size_t>(scope.word)];
      if (newest >= 0) region.names.push_back(scope.word);
      newest = kNoScope;
    }
    scopes_.clear();
  }
  // A pragma in front of a loop may name what the loop declares.
  bool InPragma(size_t at) const {
    while (at > 0 && At(at).kind != TokenKind::kPragma && At(at).kind != TokenKind::kLineEnd) --at;
    return At(at).kind == TokenKind::kPragma;
  }

  // Of what is declared in the parenthesis of a for, if, while or switch: the end of its statement.
  size_t EndOfStatement(size_t open) const {
    size_t at = PartnerOf(open) + 1;
    while (at < tokens_.size()) {
      if (Is(at, '{')) {
        at = PartnerOf(at) + 1;
        if (!IsWord(at, kElseWord)) return at;
        ++at;
      } else if (Is(at, '(') || Is(at, '[')) {
        at = PartnerOf(at) + 1;
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
    header_end_ = 0;
    block_ends_.clear();
    const size_t first = PartnerOf(region.begin) + 1;
    if (defines_types_) {
      for (size_t at = first; at < region.end; ++at) {
        if (IsWord(at, kClassKeyword)) {
          at = FixType(at, region.end);
        } else {
          LookAt(at, region.end);
        }
      }
      return;
    }
    const auto begin = std::lower_bound(stops_.begin(), stops_.end(), first);
    for (auto stop = begin; stop != stops_.end() && *stop < region.end; ++stop) {
      LookAt(*stop, region.end);
    }
  }
  // At a token of a function: does it declare, or does a declaration follow?
  void LookAt(size_t at, size_t end) {
    const Token& token = At(at);
    const bool line = token.kind == TokenKind::kLine || token.kind == TokenKind::kLineEnd;
    if (!MayDeclare(token.sign) && !line) return;
    if (token.sign == ']') {
      if (!Is(at + 1, '(') || !BeginsLambda(PartnerOf(at))) return;
      scope_end_ = EndOfStatement(at + 1);
      Parameters(at + 1);
    } else if (token.sign == '(') {
      if (!IsWord(at - 1, kForWord | kConditionWord)) return;
      const bool loop = IsWord(at - 1, kForWord);
      if (loop) header_end_ = PartnerOf(at);
      scope_end_ = EndOfStatement(at);
      Declaration(at + 1, loop ? kInFor : kInCondition);
    } else if (token.sign != ';' || at > header_end_) {
      if (token.sign == '{') block_ends_.push_back(PartnerOf(at));
      if (token.sign == '}' && !block_ends_.empty()) block_ends_.pop_back();
      scope_end_ = block_ends_.empty() ? end : block_ends_.back();
      Declaration(at + 1, kInStatement);
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
    FixAll(at, PartnerOf(open));
    return PartnerOf(open);
  }

  void Parameters(size_t open) {
    size_t first = open + 1;
    for (size_t at = first; at <= PartnerOf(open); ++at) {
      if (Is(at, ',') || at == PartnerOf(open)) {
        Declarator(first, at, kInParameters);
        first = at + 1;
      } else if (Is(at, '(') || Is(at, '[') || Is(at, '{')) {
        at = PartnerOf(at);
      }
    }
  }

  void Declaration(size_t at, Enders enders) {
    size_t behind = Declarator(at, tokens_.size(), enders);
    if (behind == 0) return;
    // "float a = 1, *b, c[2];": what follows a comma, until the statement ends.
    for (; behind < tokens_.size(); ++behind) {
      if (Is(behind, '(') || Is(behind, '[') || Is(behind, '{')) {
        behind = PartnerOf(behind);
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
        at = PartnerOf(at) + 1;
      } else if (typed && (Is(at, '*') || Is(at, '&') || Is(at, kBothAndSign))) {
        ++at;
      } else if (!IsName(at) || IsWord(at, kOtherKeyword)) {
        return 0;
      } else if (IsWord(at, kWithArguments)) {
        if (!Is(at + 1, '(')) return 0;
        at = PartnerOf(at + 1) + 1;
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
    while (Is(at + 1, kColonsSign) && IsName(at + 2)) at += 2;
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
        IsName(behind) || Is(behind, '*') || Is(behind, '&') || Is(behind, kBothAndSign);
    return behind < end && goes_on ? behind : 0;
  }

  const std::span<const Token> tokens_;
  const std::span<const uint32_t> stops_;
  const bool paired_;
  std::vector<uint16_t> classes_;  // WordClass, by number of the word
  bool defines_types_ = false;
  std::vector<NameRegion> regions_;
  std::vector<Scope> scopes_;       // of the region being looked at
  std::vector<int> newest_scope_;   // of a word by number: the newest of scopes_, or as below
  size_t scope_end_ = 0;            // of what is declared now
  size_t header_end_ = 0;           // of the innermost for
  std::vector<size_t> block_ends_;  // of the blocks around the token that is looked at
  static constexpr int kNoScope = -1;
  static constexpr int kOutside = -2;  // there is one, and the word stands outside of it
};

}  // namespace

std::vector<NameRegion> LocalNamesOf(const SourceTokens& source) {
  return NameFinder(source).Run();
}

bool MayNameLocal(std::span<const Token> tokens, size_t at) {
  if (tokens[at].kind != TokenKind::kWord) return false;
  if (at + 1 < tokens.size() && tokens[at + 1].sign == kColonsSign) return false;
  const char before = at == 0 ? '\0' : tokens[at - 1].sign;
  return before != '.' && before != kArrowSign && before != kColonsSign;
}

}  // namespace ks

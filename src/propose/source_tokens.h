// The tokens of a C-like source (C++, CUDA, OpenCL), without a grammar: some microseconds a kernel.
#ifndef KS_PROPOSE_SOURCE_TOKENS_H_
#define KS_PROPOSE_SOURCE_TOKENS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ks {

enum class TokenKind : uint8_t {
  kWord,  // identifier or keyword
  kNumber,
  kLiteral,  // string or character, quotes included
  kSign,     // operator or punctuation; ">>" is two of them, as between templates
  kPragma,   // "#pragma"; the tokens of the line follow
  kLineEnd,  // ends a pragma
  kLine,     // any other line of the preprocessor as a whole, with the lines it goes on in
};

struct Token {
  std::string_view text;
  TokenKind kind = TokenKind::kSign;
  char sign = 0;  // a kSign of one character; 0: anything else
  int word = -1;  // of a word: equal words have equal numbers, 0, 1, 2, ... in order of appearance
};

// Views into the source, which must outlive it. Comments and white space are left out.
struct SourceTokens {
  std::vector<Token> tokens;
  int words = 0;  // different ones
  // Whether words of other lines of the preprocessor than pragmas may mean something elsewhere.
  std::vector<bool> in_preprocessor;  // by word
};

// Never fails: what is not terminated goes on to the end.
SourceTokens TokensOf(std::string_view source);

// One blank between words, comments left out, lines joined that go on: how a kLine is compared.
std::string SqueezedLine(std::string_view line);

}  // namespace ks

#endif  // KS_PROPOSE_SOURCE_TOKENS_H_

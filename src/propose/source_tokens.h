// The tokens of a C-like source (C++, CUDA, OpenCL), without a grammar: some microseconds a kernel.
#ifndef KS_PROPOSE_SOURCE_TOKENS_H_
#define KS_PROPOSE_SOURCE_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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

// Token::sign of some signs of two characters.
constexpr char kColonsSign = 'c';   // ::
constexpr char kArrowSign = 'a';    // ->
constexpr char kBothAndSign = 'n';  // &&

struct Token {
  uint32_t begin = 0;  // in the text
  uint32_t size = 0;
  // Of a word: equal words have equal numbers, 0, 1, 2, ... in order of appearance. Of a bracket:
  // the token that it pairs with. -1: anything else.
  int link = -1;
  TokenKind kind = TokenKind::kSign;
  char sign = 0;  // a kSign of one character, or as above; 0: anything else
};

struct SourceTokens {
  // Behind the source in `text`, so that reading some bytes more than there are does no harm.
  static constexpr size_t kZeros = 64;

  struct Word {
    uint32_t begin = 0;  // where it comes first
    uint32_t size = 0;
    // In another line of the preprocessor than a pragma: it may mean something elsewhere.
    bool in_preprocessor = false;
  };
  std::string_view TextOf(const Token& token) const {
    return {text.data() + token.begin, token.size};
  }
  std::string_view TextOf(const Word& word) const { return {text.data() + word.begin, word.size}; }

  std::string text;  // the source and kZeros
  std::span<const Token> tokens;
  // Tokens at which a declaration may begin or names come into being: ; { } ( and the ] in front of
  // one, lines of the preprocessor, ends of pragmas. In order.
  std::span<const uint32_t> stops;
  std::vector<Word> words;  // different ones, by number
  bool paired = false;      // every bracket has its partner
};

// Comments and white space are left out. Keeps its memory from one source to the next. Single
// thread.
class Tokenizer {
 public:
  // Good until the next call. Never fails: what is not terminated goes on to the end.
  // REQUIRES: less than 2 GiB.
  const SourceTokens& Read(std::string_view source);

 private:
  class Lexer;
  // Of an open-addressed table of at most half as many words as places, for those of several
  // characters.
  struct Place {
    uint64_t key = 0;  // of the word
    int number = -1;   // -1: free
  };
  int NumberOf(uint32_t begin, uint32_t size);
  int NumberOfLonger(std::string_view word);
  int AddWord(uint32_t begin, uint32_t size);
  Place& PlaceOf(uint64_t key, std::string_view word);
  void Grow();
  void NoteLines();

  SourceTokens read_;
  std::vector<Token> room_;  // for the tokens
  std::vector<uint32_t> stop_room_;
  std::vector<Place> places_;
  std::array<int, 256> letters_{};  // numbers of words of one character, -1: not seen
  std::vector<int> lines_;          // tokens that are a kLine
  // At work, of the characters: whether they belong to a word (a bit each), where tokens may begin.
  std::vector<uint64_t> words_;
  std::vector<uint32_t> begins_;
};

// One blank between words, comments left out, lines joined that go on: how a kLine is compared.
std::string SqueezedLine(std::string_view line);

}  // namespace ks

#endif  // KS_PROPOSE_SOURCE_TOKENS_H_

#include "propose/source_tokens.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"

namespace ks {
namespace {

// What a character may begin. Names and numbers go on with kLetter and kDigit.
enum class CharKind : uint8_t {
  kSign,
  kOpen,
  kClose,
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
  kinds['('] = kinds['['] = kinds['{'] = CharKind::kOpen;
  kinds[')'] = kinds[']'] = kinds['}'] = CharKind::kClose;
  return kinds;
}();
CharKind KindOf(char c) { return kCharKinds[static_cast<unsigned char>(c)]; }
bool IsTokenDigit(char c) { return KindOf(c) == CharKind::kDigit; }
bool IsTokenChar(char c) { return KindOf(c) == CharKind::kLetter || IsTokenDigit(c); }
bool IsTokenBlank(char c) { return KindOf(c) == CharKind::kBlank || c == '\n'; }

// Signs of three characters; those of two by what may stand second behind each first.
constexpr std::array<std::string_view, 4> kThreeSigns = {"...", "<<=", "->*", "<=>"};
constexpr std::array<std::string_view, 20> kTwoSigns = {
    "::", "->", "++", "--", "<<", "<=", ">=", "==", "!=", "&&",
    "||", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##"};

// What stands second in one of them.
constexpr std::array<bool, 256> kSecondSigns = [] {
  std::array<bool, 256> chars{};
  for (const std::string_view sign : kThreeSigns) chars[static_cast<unsigned char>(sign[1])] = true;
  for (const std::string_view sign : kTwoSigns) chars[static_cast<unsigned char>(sign[1])] = true;
  return chars;
}();

bool StartsRawString(std::string_view word) {
  return word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R";
}

uint64_t EightBytes(const char* at) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

// Words of up to eight characters are their own key; others share one seldom. REQUIRES: eight
// readable bytes from the beginning.
uint64_t KeyOf(std::string_view word) {
  const uint64_t first = EightBytes(word.data());
  if (word.size() <= 8) return first & (~uint64_t{0} >> (64 - 8 * word.size()));
  return std::rotl(first, 31) ^ EightBytes(word.data() + word.size() - 8) ^ word.size();
}

constexpr size_t kFirstPlaces = 256;

// Words of bits are read as bytes.
static_assert(std::endian::native == std::endian::little);

// Characters that are looked at together.
constexpr size_t kBlock = 64;
static_assert(kBlock <= SourceTokens::kZeros);

// Sixteen characters at a time, so by comparisons instead of the table.
using Bytes = uint8_t __attribute__((vector_size(16)));

// A bit for each byte that is not zero but all ones, the first one the lowest.
uint64_t BitsOf(Bytes bytes) {
#ifdef __SSE2__
  return static_cast<uint32_t>(_mm_movemask_epi8(std::bit_cast<__m128i>(bytes)));
#else
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof bytes; i += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, reinterpret_cast<const char*>(&bytes) + i, 8);
    bits |= ((eight & 0x0101010101010101ULL) * 0x0102040810204080ULL >> 56) << i;
  }
  return bits;
#endif
}

// Of the characters of a block, the first one the lowest bit.
struct BlockBits {
  uint64_t words = 0;  // of names and numbers
  uint64_t solid = 0;  // no blank; line ends count
};

BlockBits BitsOfBlock(const char* text) {
  BlockBits bits;
  for (size_t i = 0; i < kBlock; i += sizeof(Bytes)) {
    Bytes c;
    std::memcpy(&c, text + i, sizeof c);
    const Bytes letter = (c | 0x20) - 'a';
    const Bytes digit = c - '0';
    const Bytes line_end = c - '\t';  // and its like: \t \n \v \f \r
    const auto word = (letter < 26) | (digit < 10) | (c == '_') | (c == '$') | (c >= 0x80);
    const auto solid = (c == '\n') | ((c != ' ') & (line_end > 4));
    bits.words |= BitsOf(Bytes(word)) << i;
    bits.solid |= BitsOf(Bytes(solid)) << i;
  }
  return bits;
}

}  // namespace

// Walks over the text from place to place where tokens may begin. Behind the text there are zeros,
// which begin nothing that is longer than a character.
class Tokenizer::Lexer {
 public:
  Lexer(Tokenizer& owner, size_t size)
      : owner_(owner),
        text_(owner.read_.text.data()),
        size_(size),
        tokens_(owner.room_.data()),
        stops_(owner.stop_room_.data()) {}

  // Words, numbers and signs of one character, which most tokens are, without a call. Where it is
  // stays in registers: everything that is written could be where a member lies.
  void Run() {
    const size_t begins = FindBegins();
    const uint32_t* const places = owner_.begins_.data();
    const uint64_t* const words = owner_.words_.data();
    const char* const text = text_;
    Token* next = tokens_;
    size_t at = 0;
    for (size_t i = 0; i < begins; ++i) {
      const size_t begin = places[i];
      if (begin < at) continue;  // in what began before
      const CharKind kind = KindOf(text[begin]);
      const auto place = static_cast<uint32_t>(begin);
      if (kind == CharKind::kLetter || kind == CharKind::kDigit) {
        const size_t end = EndOfWord(words, begin);
        const auto size = static_cast<uint32_t>(end - begin);
        const bool letter = kind == CharKind::kLetter;
        if (letter ? EndsAsWord(text[end]) : EndsAsNumber(text[end])) {
          const int number = letter ? owner_.NumberOf(place, size) : -1;
          *next++ = {place, size, number, letter ? TokenKind::kWord : TokenKind::kNumber, 0};
          at = end;
          continue;
        }
      } else if (kind == CharKind::kSign && !MayGoOn(text[begin + 1])) {
        if (text[begin] == ';') NoteStop(static_cast<size_t>(next - tokens_));
        *next++ = {place, 1, -1, TokenKind::kSign, text[begin]};
        at = begin + 1;
        continue;
      } else if (kind == CharKind::kOpen || kind == CharKind::kClose) {
        const int partner = Bracket(text[begin], static_cast<size_t>(next - tokens_));
        *next++ = {place, 1, partner, TokenKind::kSign, text[begin]};
        at = begin + 1;
        continue;
      }
      at_ = begin;
      count_ = static_cast<size_t>(next - tokens_);
      Step(kind);
      next = tokens_ + count_;
      at = at_;
    }
    at_ = at;
    count_ = static_cast<size_t>(next - tokens_);
    if (in_pragma_) EndPragma();
    owner_.read_.tokens = {tokens_, count_};
    owner_.read_.stops = {owner_.stop_room_.data(), stops_};
    owner_.read_.paired = paired_ && open_ < 0;
  }

 private:
  char Peek(size_t ahead) const { return text_[at_ + ahead]; }
  std::string_view Cut(size_t begin) const { return {text_ + begin, at_ - begin}; }
  std::string_view All() const { return {text_, size_}; }

  // Where tokens and line ends may begin, unless they lie in what began before; returns how many.
  size_t FindBegins() {
    const size_t blocks = (size_ + kBlock - 1) / kBlock;
    owner_.words_.resize(blocks + 2);  // two more, as EndOfWord reads ahead
    if (owner_.begins_.size() < (blocks + 1) * kBlock) owner_.begins_.resize((blocks + 1) * kBlock);
    uint32_t* next = owner_.begins_.data();
    uint64_t before = 0;
    for (size_t i = 0; i < blocks; ++i) {
      const BlockBits bits = BitsOfBlock(text_ + i * kBlock);
      owner_.words_[i] = bits.words;
      const uint64_t begins = bits.solid & ~(bits.words & (bits.words << 1 | before));
      before = bits.words >> (kBlock - 1);
      PutPlaces(begins, static_cast<uint32_t>(i * kBlock), next);
      next += std::popcount(begins);
    }
    owner_.words_[blocks] = owner_.words_[blocks + 1] = 0;
    while (next != owner_.begins_.data() && next[-1] >= size_) --next;
    return static_cast<size_t>(next - owner_.begins_.data());
  }

  // Of each bit that is set its number, `first` added. Four at a time, whether there are so many or
  // not: asking would be guessed wrong once a block.
  static void PutPlaces(uint64_t bits, uint32_t first, uint32_t* out) {
    while (bits != 0) {
      for (int i = 0; i < 4; ++i) {
        *out++ = first + static_cast<uint32_t>(std::countr_zero(bits));
        bits &= bits - 1;
      }
    }
  }

  // At a character of one. Seldom more than once: of a bit for each character it reads 57 at least.
  static size_t EndOfWord(const uint64_t* words, size_t at) {
    for (;;) {
      uint64_t ahead = 0;
      std::memcpy(&ahead, reinterpret_cast<const char*>(words) + at / 8, sizeof ahead);
      const auto more = static_cast<size_t>(std::countr_one(ahead >> (at % 8)));
      at += more;
      if (more < kBlock - 7) return at;
    }
  }
  // By what follows: whether this, but for raw strings, is a name; whether it is a number as a
  // whole; whether this may be a sign of several characters.
  static bool EndsAsWord(char next) { return next != '"'; }
  static bool EndsAsNumber(char next) {
    return next != '.' && next != '\'' && next != '+' && next != '-';
  }
  static bool MayGoOn(char next) { return kSecondSigns[static_cast<unsigned char>(next)]; }

  // Anything, also what is longer than it looks.
  void Step(CharKind kind) {
    const size_t begin = at_;
    switch (kind) {
      case CharKind::kBlank:
        ++at_;
        return;
      case CharKind::kLineEnd:
        if (in_pragma_) EndPragma();
        line_begin_ = count_;
        ++at_;
        return;
      case CharKind::kSplice:
        if (SpliceBytes() > 0) {
          at_ += SpliceBytes();
          return;
        }
        return Sign();
      case CharKind::kSlash:
        if (Peek(1) == '/' || Peek(1) == '*') return SkipComment();
        return Sign();
      case CharKind::kHash:
        if (count_ == line_begin_ && !in_pragma_) return Directive();
        return Sign();
      case CharKind::kLetter:
        return Word();
      case CharKind::kDot:
        if (!IsTokenDigit(Peek(1))) return Sign();
        [[fallthrough]];
      case CharKind::kDigit:
        SkipNumber();
        return Add(begin, TokenKind::kNumber, -1, 0);
      case CharKind::kQuote:
        SkipLiteral();
        return Add(begin, TokenKind::kLiteral, -1, 0);
      case CharKind::kOpen:
      case CharKind::kClose:
        break;  // Run takes them
      case CharKind::kSign:
        return Sign();
    }
  }

  void Add(size_t begin, TokenKind kind, int link, char sign) {
    tokens_[count_++] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(at_ - begin), link,
                         kind, sign};
  }

  void NoteStop(size_t token) { *stops_++ = static_cast<uint32_t>(token); }

  void SkipTokenChars() { at_ = EndOfWord(owner_.words_.data(), at_); }

  // A name, or a raw string that begins like one.
  void Word() {
    const size_t begin = at_++;
    SkipTokenChars();
    if (Peek(0) == '"' && StartsRawString(Cut(begin))) {
      SkipRawString();
      return Add(begin, TokenKind::kLiteral, -1, 0);
    }
    const int number =
        owner_.NumberOf(static_cast<uint32_t>(begin), static_cast<uint32_t>(at_ - begin));
    Add(begin, TokenKind::kWord, number, 0);
  }

  void Sign() {
    const size_t begin = at_;
    if (MayGoOn(Peek(1)) && LongSign(begin)) return;
    ++at_;
    if (text_[begin] == ';') NoteStop(count_);
    Add(begin, TokenKind::kSign, -1, text_[begin]);
  }

  // Pairs a bracket, the token with this number, as far as that is known; returns its partner.
  int Bracket(char sign, size_t number) {
    if (sign == '(' && number > 0 && tokens_[number - 1].sign == ']') NoteStop(number - 1);
    if (sign == '(' || sign == '{' || sign == '}') NoteStop(number);
    if (KindOf(sign) == CharKind::kClose) return Close(sign, number);
    return std::exchange(open_, static_cast<int>(number));
  }

  // Whether one of more than a character begins here; takes it.
  bool LongSign(size_t begin) {
    const std::string_view rest = All().substr(begin, 3);
    const std::string_view two = rest.substr(0, 2);
    size_t size = 0;
    if (std::find(kThreeSigns.begin(), kThreeSigns.end(), rest) != kThreeSigns.end()) {
      size = 3;
    } else if (std::find(kTwoSigns.begin(), kTwoSigns.end(), two) != kTwoSigns.end()) {
      size = 2;
    } else {
      return false;
    }
    at_ += size;
    const char sign = size == 3     ? '\0'
                      : two == "::" ? kColonsSign
                      : two == "->" ? kArrowSign
                      : two == "&&" ? kBothAndSign
                                    : '\0';
    Add(begin, TokenKind::kSign, -1, sign);
    return true;
  }

  // Pairs a closing bracket; returns its partner.
  int Close(char sign, size_t number) {
    if (open_ < 0) {
      paired_ = false;
      return -1;
    }
    const int partner = open_;
    Token& opening = tokens_[partner];
    paired_ &= sign == (opening.sign == '(' ? ')' : opening.sign == '[' ? ']' : '}');
    open_ = std::exchange(opening.link, static_cast<int>(number));
    return partner;
  }

  void EndPragma() {
    in_pragma_ = false;
    NoteStop(count_);
    tokens_[count_++] = {static_cast<uint32_t>(at_), 0, -1, TokenKind::kLineEnd, 0};
  }

  // Bytes of a backslash that ends its line, 0: none.
  size_t SpliceBytes() const {
    if (text_[at_] != '\\') return 0;
    if (Peek(1) == '\n') return 2;
    return Peek(1) == '\r' && Peek(2) == '\n' ? 3 : 0;
  }

  void SkipComment() {
    if (Peek(1) == '*') {
      const size_t end = All().find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? size_ : end + 2;
      return;
    }
    do {
      at_ = std::min(All().find('\n', at_ + 1), size_);
    } while (at_ < size_ &&
             (text_[at_ - 1] == '\\' || (text_[at_ - 1] == '\r' && text_[at_ - 2] == '\\')));
  }

  void SkipNumber() {
    for (;;) {
      ++at_;
      SkipTokenChars();
      const char next = Peek(0), last = text_[at_ - 1];
      const bool exponent = last == 'e' || last == 'E' || last == 'p' || last == 'P';
      const bool goes_on = next == '.' || ((next == '+' || next == '-') && exponent) ||
                           (next == '\'' && IsTokenChar(Peek(1)));
      if (!goes_on) return;
    }
  }

  void SkipLiteral() {
    const char quote = text_[at_++];
    while (at_ < size_ && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_, size_);
    if (at_ < size_ && Peek(0) == quote) ++at_;
  }

  // At the quote of R"end(...)end".
  void SkipRawString() {
    const size_t open = All().find('(', at_);
    if (open == std::string_view::npos) {
      at_ = size_;
      return;
    }
    const std::string closing = ")" + std::string(All().substr(at_ + 1, open - at_ - 1)) + "\"";
    const size_t end = All().find(closing, open);
    at_ = end == std::string_view::npos ? size_ : end + closing.size();
  }

  // At a '#' that starts its line.
  void Directive() {
    const size_t begin = at_++;
    while (Peek(0) == ' ' || Peek(0) == '\t') ++at_;
    if (All().substr(at_).starts_with("pragma") && !IsTokenChar(Peek(6))) {
      at_ += 6;
      in_pragma_ = true;
      Add(begin, TokenKind::kPragma, -1, 0);
      return;
    }
    while (at_ < size_ && text_[at_] != '\n') {
      if (text_[at_] == '/' && (Peek(1) == '*' || Peek(1) == '/')) {
        SkipComment();
      } else if (text_[at_] == '"') {
        SkipLiteral();
      } else {
        at_ += std::max<size_t>(1, SpliceBytes());
      }
    }
    owner_.lines_.push_back(static_cast<int>(count_));
    NoteStop(count_);
    Add(begin, TokenKind::kLine, -1, 0);
  }

  Tokenizer& owner_;
  const char* const text_;
  const size_t size_;
  Token* const tokens_;
  uint32_t* stops_;        // behind the last
  size_t count_ = 0;       // of tokens
  size_t at_ = 0;          // where it is
  size_t line_begin_ = 0;  // number of tokens before the line
  int open_ = -1;          // the innermost open bracket, which links to the one around it
  bool in_pragma_ = false;
  bool paired_ = true;
};

const SourceTokens& Tokenizer::Read(std::string_view source) {
  KS_CHECK(source.size() < size_t{1} << 31);
  read_.text.assign(source);
  read_.text.append(SourceTokens::kZeros, '\0');
  read_.words.clear();
  lines_.clear();
  // Each has a character at least, but for the end of a pragma.
  if (room_.size() < source.size() + 2) room_.resize(source.size() + 2);
  if (stop_room_.size() < room_.size()) stop_room_.resize(room_.size());
  places_.assign(kFirstPlaces, Place{});
  letters_.fill(-1);
  Lexer(*this, source.size()).Run();
  NoteLines();
  return read_;
}

Tokenizer::Place& Tokenizer::PlaceOf(uint64_t key, std::string_view word) {
  size_t at = key * 0x9E3779B97F4A7C15ULL >> 32;
  for (;; ++at) {
    Place& place = places_[at & (places_.size() - 1)];
    if (place.number < 0) return place;
    if (place.key != key) continue;
    const SourceTokens::Word& other = read_.words[static_cast<size_t>(place.number)];
    if (other.size == word.size() && (word.size() <= 8 || read_.TextOf(other) == word)) {
      return place;
    }
  }
}

int Tokenizer::NumberOf(uint32_t begin, uint32_t size) {
  const char* const text = read_.text.data() + begin;
  if (size > 1) return NumberOfLonger({text, size});
  int& number = letters_[static_cast<unsigned char>(*text)];
  if (number < 0) number = AddWord(begin, size);
  return number;
}

int Tokenizer::NumberOfLonger(std::string_view word) {
  const uint64_t key = KeyOf(word);
  Place& place = PlaceOf(key, word);
  if (place.number >= 0) return place.number;
  const auto begin = static_cast<uint32_t>(word.data() - read_.text.data());
  const int number = AddWord(begin, static_cast<uint32_t>(word.size()));
  place = {key, number};
  if (2 * read_.words.size() > places_.size()) Grow();
  return number;
}

int Tokenizer::AddWord(uint32_t begin, uint32_t size) {
  read_.words.push_back({begin, size});
  return static_cast<int>(read_.words.size()) - 1;
}

void Tokenizer::Grow() {
  places_.assign(2 * places_.size(), Place{});
  for (size_t i = 0; i < read_.words.size(); ++i) {
    const std::string_view word = read_.TextOf(read_.words[i]);
    if (word.size() == 1) continue;
    const uint64_t key = KeyOf(word);
    PlaceOf(key, word) = {key, static_cast<int>(i)};
  }
}

// The words of other lines of the preprocessor than pragmas.
void Tokenizer::NoteLines() {
  for (const int line : lines_) {
    const Token token = read_.tokens[static_cast<size_t>(line)];
    const char* const text = read_.text.data();
    const uint32_t line_end = token.begin + token.size;
    for (uint32_t at = token.begin; at < line_end;) {
      uint32_t end = at;
      while (end < line_end && IsTokenChar(text[end])) ++end;
      if (end > at) {
        const int number = NumberOf(at, end - at);
        read_.words[static_cast<size_t>(number)].in_preprocessor = true;
      }
      at = end + 1;
    }
  }
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

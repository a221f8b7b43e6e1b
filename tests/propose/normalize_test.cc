#include "propose/normalize.h"

#include <gtest/gtest.h>

#include "propose/source_tokens.h"

namespace ks {
namespace {

void ExpectSame(const std::string& a, const std::string& b) {
  EXPECT_EQ(NormalizeSource(a), NormalizeSource(b));
}
void ExpectOther(const std::string& a, const std::string& b) {
  EXPECT_NE(NormalizeSource(a), NormalizeSource(b));
}

TEST(Normalize, RenamesAllKindsOfLocals) {
  ExpectSame(
      R"(template <int kWidth> static inline void run(const float* __restrict__ x, float (&y)[4],
                                                    std::vector<float>& rest, const int64_t n) {
           constexpr int64_t step = kWidth, half = step / 2, *none = nullptr;
           alignas(64) float sums[16] = {};
           unsigned long long mask = 1ULL << 3;
           for (int64_t i = 0, j = n; i < j; i += step) {
             const auto& one = x[i];
             #pragma omp simd reduction(+ : total)
             for (auto value : rest) sums[i & 15] += value * one;
           }
           auto square = [&](float v) { return v * v; };
           if (const float last = square(x[half]); last > 1) rest.push_back(last);
         })",
      R"(template <int kWidth> static inline void run(const float* __restrict__ in, float (&y)[4],
                                                    std::vector<float>& out, const int64_t count) {
           constexpr int64_t s = kWidth, h = s / 2, *z = nullptr;
           alignas(64) float acc[16] = {};
           unsigned long long bits = 1ULL << 3;
           for (int64_t k = 0, l = count; k < l; k += s) {
             const auto& a = in[k];
             #pragma omp simd reduction(+ : total)
             for (auto b : out) acc[k & 15] += b * a;
           }
           auto sq = [&](float x) { return x * x; };
           if (const float end = sq(in[h]); end > 1) out.push_back(end);
         })");
}

TEST(Normalize, RenamesLocalsOfCudaAndOpenCl) {
  ExpectSame(
      "__global__ void __launch_bounds__(256) k(const float* x, int n) { __shared__ float t[32];\n"
      "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) t[threadIdx.x] = x[i]; }",
      "__global__ void __launch_bounds__(256) k(const float* in, int m) { __shared__ float s[32];\n"
      "int j = blockIdx.x * blockDim.x + threadIdx.x; if (j < m) s[threadIdx.x] = in[j]; }");
  ExpectSame(
      "__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void f(__global float* x) {\n"
      "  __local float t[64]; t[0] = x[0]; }",
      "__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void f(__global float* y) {\n"
      "  __local float u[64]; u[0] = y[0]; }");
}

TEST(Normalize, RenamesTheVariablesOfPragmas) {
  ExpectSame(
      "void f(float* x) { float sum = 0;\n#pragma omp simd reduction(+:sum)\n"
      "for (int i = 0; i < 9; ++i) sum += x[i]; x[0] = sum; }",
      "void f(float* x) { float all = 0;\n#pragma omp simd reduction(+:all)\n"
      "for (int i = 0; i < 9; ++i) all += x[i]; x[0] = all; }");
  ExpectOther("void f(int simd) {\n#pragma omp simd\nfor (;;) simd++; }",
              "void f(int parallel) {\n#pragma omp parallel\nfor (;;) parallel++; }");
}

TEST(Normalize, KeepsEveryNameThatMeansSomethingElsewhere) {
  ExpectOther("void f(float* x) { x[0] = expf(x[1]); }", "void f(float* x) { x[0] = sinf(x[1]); }");
  ExpectOther("void f(float* x) { x[0] = 2 * INFINITY; }", "void f(float* x) { x[0] = 2 * NAN; }");
  ExpectOther("void f(int x) { if (x & FLAG) x = 0; }", "void f(int x) { if (x & MASK) x = 0; }");
  ExpectOther("void f(int x) { for (; x & FLAG;) --x; }",
              "void f(int x) { for (; x & MASK;) --x; }");
  ExpectOther("void f(P* x) { fs[1](x->a * M_PI); }", "void f(P* x) { fs[1](x->a * M_E); }");
  ExpectOther("int a, b; void f() { int c = a; }", "int a, b; void f() { int c = b; }");
  ExpectOther("int a, b; void f() { g(a); int a = 1; }", "int a, b; void f() { g(b); int b = 1; }");
  ExpectOther("void f(P p) { p.x = 1; }", "void f(P p) { p.y = 1; }");
  ExpectOther("void f(P p) { std::copy(p); }", "void f(P p) { std::move(p); }");
  ExpectOther("void f() { struct S { int a; int b; } s; s.a = 1; }",
              "void f() { struct S { int b; int a; } s; s.a = 1; }");
  ExpectOther("void f() { float expf(float); g(expf(1)); }",
              "void f() { float sinf(float); g(sinf(1)); }");
  ExpectOther("void f(float a) { vec4 v = a; }", "void f(float a) { vec8 v = a; }");
  ExpectOther("void f() { int a = 1, b = 2; g(a - b); }",
              "void f() { int a = 1, b = 2; g(b - a); }");
  ExpectOther("#define TWICE x *= 2\nvoid f(int x) { TWICE; }",
              "#define TWICE x *= 2\nvoid f(int y) { TWICE; }");
}

TEST(Normalize, AWordThatLooksLikeARenamedOneIsNotTakenForIt) {
  ExpectOther("void f(int x) { g(x); }", "void f(int x) { g(v0); }");
}

TEST(Normalize, KeepsWhatIsCodeInsideOfWhiteSpaceAndLiterals) {
  ExpectOther("void f() { g(a + +b); }", "void f() { g(a ++ b); }");
  ExpectOther("void f() { g(\"a  b\"); }", "void f() { g(\"a b\"); }");
  ExpectOther("void f() { g('\"', \" // a\"); }", "void f() { g('\"', \" // b\"); }");
  ExpectOther("void f() { g(R\"(a\")\" // \n); }", "void f() { g(R\"(a\")\" - 1); }");
  ExpectOther("#define F(x) 1\n", "#define F (x) 1\n");
  ExpectOther("#define F 1\nint x;", "#define F 1 int x;");
  ExpectOther("int a; // b \\\nint c;\n", "int a; // b\nint c;\n");  // the comment goes on
  ExpectSame("int a;\\\n int c;", "int a;/* b */int c; // d");
  ExpectSame("#define F(x)  x + \\\n  1 // one\nint a;", "#define F(x) x + 1\nint a;\n");
  ExpectOther("int a = 1'000 + 0x1p-3;", "int a = 1'000 + 0x1p - 3;");
}

TEST(Normalize, KeepsANameWhereNoDeclarationReaches) {
  // Behind the block, the word is the language's own function or value.
  ExpectOther("void f(float* y) { { int min = 0; y[1] = min; } y[0] = min(y[1], y[2]); }",
              "void f(float* y) { { int max = 0; y[1] = max; } y[0] = max(y[1], y[2]); }");
  ExpectOther("void f(int* y) { y[0] = warpSize; int warpSize = 3; y[1] = warpSize; }",
              "void f(int* y) { y[0] = other; int other = 3; y[1] = other; }");
  ExpectOther("void f(int* y) { for (int a = 0; a < 3; ++a) y[a] = a; y[4] = a; }",
              "void f(int* y) { for (int b = 0; b < 3; ++b) y[b] = b; y[4] = b; }");
  ExpectOther("void f(int* y) { auto g = [](int a) { return a; }; y[0] = g(a); }",
              "void f(int* y) { auto g = [](int b) { return b; }; y[0] = g(b); }");
  ExpectSame(
      "void f(int* y) { if (int a = y[0]) y[1] = a; else if (y[2]) { y[2] = a; } else y[3] = a; }",
      "void f(int* y) { if (int b = y[0]) y[1] = b; else if (y[2]) { y[2] = b; } else y[3] = b; }");
  ExpectSame("void f(int* y) { for (int a = 0; a < 3; ++a) for (int c = a;;) { y[a] = c; } }",
             "void f(int* y) { for (int b = 0; b < 3; ++b) for (int d = b;;) { y[b] = d; } }");
}

TEST(Normalize, KeepsTheLiteralsOfPythonAsTheyAre) {
  ExpectOther("import torch\nx = \"a  b\"\n", "import torch\nx = \"a b\"\n");
  ExpectOther("import torch\nx = \"\"\"a\n\nb\"\"\"\n", "import torch\nx = \"\"\"a\nb\"\"\"\n");
  ExpectOther("import torch\nx = \"\"\"a \\\"\"\" # b\"\"\"\n",
              "import torch\nx = \"\"\"a \\\"\"\" # c\"\"\"\n");
  ExpectOther("import torch\nx = 1\n", "import torch\nx = 1.0\n");
  ExpectOther("import torch\nx = True\n", "import torch\nx = 1\n");
  ExpectSame("import torch\nx  =  f(\"a  b\",   2)  # why\n\n",
             "import torch\nx = f(\"a  b\", 2)\n");
}

TEST(Normalize, WhatDoesNotPairKeepsItsNames) {
  ExpectOther("void f(int x) { g(x); ", "void f(int y) { g(y); ");
  ExpectSame("void f(int x) { g(x);  ", "void f(int x) {g( x );");
  for (const char* text : {"\"", "'", "/*", "R\"(", "#", "#define \\", "(", "]", "x::", "\\"}) {
    EXPECT_EQ(NormalizeSource(text), NormalizeSource(std::string(text)));
  }
}

TEST(SourceTokens, NumbersWordsAndNotesThoseOfThePreprocessor) {
  Tokenizer tokenizer;
  const SourceTokens& source = tokenizer.Read("#define A b\nb c >>= b; // c\n#pragma x\n");
  ASSERT_EQ(source.tokens.size(), 10u);
  EXPECT_EQ(source.tokens[0].kind, TokenKind::kLine);
  EXPECT_EQ(source.tokens[1].link, source.tokens[5].link);
  EXPECT_NE(source.tokens[1].link, source.tokens[2].link);
  EXPECT_EQ(source.TextOf(source.tokens[3]), ">");
  EXPECT_EQ(source.TextOf(source.tokens[4]), ">=");
  EXPECT_EQ(source.tokens[7].kind, TokenKind::kPragma);
  EXPECT_EQ(source.tokens[9].kind, TokenKind::kLineEnd);
  const auto word = [&](size_t token) {
    return source.words[static_cast<size_t>(source.tokens[token].link)];
  };
  EXPECT_TRUE(word(1).in_preprocessor);
  EXPECT_FALSE(word(2).in_preprocessor);
}

TEST(SourceTokens, AreTheSameAcrossBlocksAndFromOneSourceToTheNext) {
  // Words, numbers and signs that begin and end at each place of a block of 64 characters.
  const std::string line = "a_long_name(1.5e+3,'x') >>= .5f->b2::c; /* d */ \"e\\\"f\" R\"(g)\"\n";
  Tokenizer used, first;
  const size_t count = first.Read(line).tokens.size();
  for (size_t blanks = 0; blanks < 130; ++blanks) {
    const SourceTokens& source = used.Read(std::string(blanks, ' ') + line);
    ASSERT_EQ(source.tokens.size(), count) << blanks;
    EXPECT_TRUE(source.paired);
    for (size_t i = 0; i < count; ++i) {
      const Token& token = source.tokens[i];
      const Token& expected = first.Read(line).tokens[i];
      EXPECT_EQ(token.begin, expected.begin + blanks);
      EXPECT_EQ(token.size, expected.size);
      EXPECT_EQ(token.kind, expected.kind);
      EXPECT_EQ(token.sign, expected.sign);
      EXPECT_EQ(token.link, expected.link);
    }
  }
  EXPECT_EQ(used.Read(std::string(1000, 'n')).tokens.size(), 1u);
  EXPECT_EQ(used.Read("").tokens.size(), 0u);
  EXPECT_FALSE(used.Read("(]").paired);
}

// Of a word the end is sought 57 to 64 characters ahead, then again.
TEST(SourceTokens, WordsOfAnyLengthEndWhereTheyEnd) {
  Tokenizer tokenizer;
  for (size_t blanks = 0; blanks < 9; ++blanks) {
    for (size_t size = 1; size < 200; ++size) {
      const std::string word(size, 'w');
      const SourceTokens& source = tokenizer.Read(std::string(blanks, ' ') + word + "+" + word);
      ASSERT_EQ(source.tokens.size(), 3u) << blanks << " " << size;
      EXPECT_EQ(source.TextOf(source.tokens[0]), word);
      EXPECT_EQ(source.TextOf(source.tokens[2]), word);
      EXPECT_EQ(source.words.size(), 1u);
    }
  }
}

TEST(SourceTokens, StopsAreWhereSomethingMayBeDeclared) {
  Tokenizer tokenizer;
  const SourceTokens& source = tokenizer.Read(
      "void f(int n) {\n#pragma omp simd\n  a[n] = [](int i) { return i; };\n}\n#if 1\n");
  std::string stops;
  for (const uint32_t stop : source.stops) {
    const Token& token = source.tokens[stop];
    stops += token.kind == TokenKind::kLine      ? 'L'
             : token.kind == TokenKind::kLineEnd ? 'E'
                                                 : token.sign;
  }
  EXPECT_EQ(stops, "({E]({;};}L");
}

}  // namespace
}  // namespace ks

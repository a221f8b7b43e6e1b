#include <gtest/gtest.h>

#include "propose/kernel_context.h"
#include "propose/normalize.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

TEST(SyntaxTree, HidesCompilerSpellingsAndKeepsOffsets) {
  const std::string source =
      "typedef float v8 __attribute__((vector_size(32)));\n"
      "void f(float* __restrict__ x, int n) {\n"
      "  for (int i = 0; i < n; ++i)\n#pragma GCC ivdep\n    for (int j = 0; j < n; ++j) x[j] = "
      "0;\n}\n";
  const auto tree = SyntaxTree::Parse(source);
  ASSERT_TRUE(tree.has_value());
  for (Node node : tree->root().Subtree()) {
    if (!node.Is("subscript_expression")) continue;
    EXPECT_EQ(node.text(), "x[j]");
  }
}

TEST(SyntaxTree, RefusesWhatDoesNotParse) {
  EXPECT_FALSE(SyntaxTree::Parse("void f( { for }").has_value());
}

TEST(Poly, SplitsAnAffineIndexIntoStrides) {
  const auto kernel = Analyse(MatmulSeed(), MatmulTask(), TestMachine());
  const Effects effects = EffectsOf(*kernel->entry().function, kernel->entry().function->body());
  ASSERT_TRUE(effects.understood) << effects.obstacle;
  for (const Access& access : effects.accesses) {
    if (access.base->name != "b") continue;
    EXPECT_EQ(access.index.Stride("p")->ToString(), "n");
    EXPECT_EQ(access.index.Stride("j")->AsConstant(), 1);
    EXPECT_TRUE(access.index.Stride("i")->IsZero());
  }
}

TEST(LoopNest, FindsCanonicalLoopsAndTheReduction) {
  const auto kernel = Analyse(MatmulSeed(), MatmulTask(), TestMachine());
  ASSERT_EQ(kernel->loops().size(), 3u);
  const auto reductions = ReductionsOf(*kernel->entry().nest, *kernel->loops()[2].loop);
  ASSERT_EQ(reductions.size(), 1u);
  EXPECT_EQ(reductions[0].accumulator->name, "sum");
  EXPECT_EQ(reductions[0].op, "+");
}

TEST(Dependence, KnowsWhichLoopsOfAMatrixProductAreParallel) {
  const auto kernel = Analyse(MatmulSeed(), MatmulTask(), TestMachine());
  const Dependence dependence = kernel->entry().dependence();
  EXPECT_TRUE(dependence.IsParallel(*kernel->loops()[0].loop));
  EXPECT_TRUE(dependence.IsParallel(*kernel->loops()[1].loop));
  EXPECT_FALSE(dependence.IsParallel(*kernel->loops()[2].loop));
}

TEST(Dependence, SeesTheRecurrenceOfAPrefixSum) {
  const Task task = TaskOf("cumsum", {"x:f32[m,n]"}, {"y:f32[m,n]"}, {"m", "n"});
  const auto kernel = Analyse(R"(#include <cstdint>
extern "C" void cumsum(const float* x, float* y, int64_t m, int64_t n) {
  for (int64_t i = 0; i < m; ++i) {
    y[i * n] = x[i * n];
    for (int64_t j = 1; j < n; ++j) y[i * n + j] = y[i * n + j - 1] + x[i * n + j];
  }
})",
                              task, TestMachine());
  const Dependence dependence = kernel->entry().dependence();
  EXPECT_TRUE(dependence.IsParallel(*kernel->loops()[0].loop));
  EXPECT_FALSE(dependence.IsParallel(*kernel->loops()[1].loop));
}

TEST(Dependence, KnowsThatColumnsOfDifferentRowsAreDifferentPlaces) {
  const Task task = TaskOf("solve", {"l:f32[n,n]", "b:f32[n,r]"}, {"x:f32[n,r]"}, {"n", "r"});
  const auto columns = [&](const std::string& high, const std::string& read) {
    const auto kernel = Analyse(
        "#include <cstdint>\n"
        "extern \"C\" void solve(const float* l, const float* b, float* x, int64_t n, int64_t r) "
        "{\n"
        "  for (int64_t i = 0; i < n; ++i)\n"
        "    for (int64_t c = 0; c < " +
            high +
            "; ++c) {\n"
            "      float sum = b[i * r + c];\n"
            "      for (int64_t k = 0; k < i; ++k) sum -= l[i * n + k] * x[" +
            read +
            "];\n"
            "      x[i * r + c] = sum;\n"
            "    }\n}\n",
        task, TestMachine());
    const Dependence dependence = kernel->entry().dependence();
    EXPECT_FALSE(dependence.IsParallel(*kernel->loops()[0].loop)) << "rows depend on rows";
    return dependence.IsParallel(*kernel->loops()[1].loop);
  };
  EXPECT_TRUE(columns("r", "k * r + c"));
  EXPECT_FALSE(columns("r + 1", "k * r + c")) << "the last place is the next row's first";
  EXPECT_FALSE(columns("r", "k * r + c + 1"));
  EXPECT_FALSE(columns("r", "k * n + c")) << "rows of another length";
  EXPECT_FALSE(columns("r", "k * r + k"));
}

TEST(Dependence, RefusesScatteredWritesAndGlobals) {
  const Task task = TaskOf("f", {"x:i32[n]"}, {"y:i32[16]"}, {"n"});
  const auto kernel = Analyse(R"(#include <cstdint>
extern "C" void f(const int* x, int* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[x[i]] += 1;
  int at = 0;
  for (int64_t i = 0; i < n; ++i) y[at++] = x[i];
})",
                              task, TestMachine());
  EXPECT_FALSE(kernel->entry().dependence().IsParallel(*kernel->loops()[0].loop));
  EXPECT_FALSE(kernel->entry().dependence().IsParallel(*kernel->loops()[1].loop));
}

TEST(Dependence, TakesTheBoundOfALoopForASize) {
  const SeedCase seed = SeedNamed("conv2d");  // out_height = height - 2 could be below 0
  const auto kernel = Analyse(seed.source, seed.task, TestMachine());
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(kernel->entry().dependence().IsParallel(*kernel->loops()[i].loop)) << i;
  }
  EXPECT_FALSE(kernel->entry().dependence().IsParallel(*kernel->loops()[4].loop));
}

TEST(NormalizeSource, IgnoresNamesOfLocalsCommentsAndSpace) {
  const std::string a =
      "extern \"C\" void f(float* x, int n) { for (int i = 0; i < n; ++i) x[i] = 1; }";
  const std::string b =
      "extern \"C\" void f(float* out, int count) {\n  // fill\n  for (int k = 0; k < count; ++k)\n"
      "    out[k] = 1;\n}\n";
  EXPECT_EQ(NormalizeSource(a), NormalizeSource(b));
}

TEST(NormalizeSource, TakesOpenClAsText) {
  const std::string a =
      "// ksmith: launch f grid=(n) block=(64)\n#define W 4\n"
      "__kernel void f(__global const float* x) { x[0] = \"//\"[0]; /* c */ }\n";
  EXPECT_EQ(NormalizeSource(a), NormalizeSource("// About.\n" + a + "\n/* end\n */\n"));
  EXPECT_NE(NormalizeSource(a).find("\"//\""), std::string::npos);
  std::string other = a;
  other.replace(other.find("(64)"), 4, "(32)");
  EXPECT_NE(NormalizeSource(a), NormalizeSource(other)) << "the launch plan is code";
  other = a;
  other.replace(other.find("W 4"), 3, "W\n4");
  EXPECT_NE(NormalizeSource(a), NormalizeSource(other)) << "a macro ends with its line";
}

TEST(NormalizeSource, KeepsTheIndentationOfPython) {
  const std::string a =
      "import triton\n# ksmith: launch f grid=(n)\n@triton.jit\ndef f(x):\n    if x:\n        "
      "g(x)\n"
      "    h(\"# no comment\")\n";
  std::string spaced = a;
  spaced.replace(spaced.find("g(x)\n"), 5, "g(x)   # why\n\n   \n");
  EXPECT_EQ(NormalizeSource(a), NormalizeSource(spaced));
  EXPECT_NE(NormalizeSource(a).find("# no comment"), std::string::npos);
  std::string moved = a;
  moved.replace(moved.find("    h("), 6, "        h(");
  EXPECT_NE(NormalizeSource(a), NormalizeSource(moved));
  std::string launched = a;
  launched.replace(launched.find("grid=(n)"), 8, "grid=(1)");
  EXPECT_NE(NormalizeSource(a), NormalizeSource(launched));
}

TEST(NormalizeSource, KeepsDirectivesPragmasAndRestrict) {
  const std::string a = "void f(float* x) { for (int i = 0; i < 3; ++i) x[i] = 1; }";
  EXPECT_NE(NormalizeSource(a), NormalizeSource("// ksmith: flags -O3\n" + a));
  EXPECT_NE(
      NormalizeSource(a),
      NormalizeSource("void f(float* __restrict__ x) { for (int i = 0; i < 3; ++i) x[i] = 1; }"));
  EXPECT_NE(NormalizeSource(a),
            NormalizeSource(
                "void f(float* x) {\n#pragma GCC ivdep\n for (int i = 0; i < 3; ++i) x[i] = 1; }"));
}

TEST(Rewriter, WritesTunablesThatAreFoundAgain) {
  const auto tree = SyntaxTree::Parse(MatmulSeed());
  Rewriter rewriter(*tree);
  EXPECT_EQ(rewriter.AddTunable("kTile", 32, {8, 16, 32, 64}), "kTile");
  EXPECT_EQ(rewriter.FreshName("kTile"), "kTile2");
  const auto edited = SyntaxTree::Parse(rewriter.Apply());
  ASSERT_TRUE(edited.has_value());
  const auto tunables = TunablesOf(*edited);
  ASSERT_EQ(tunables.size(), 1u);
  EXPECT_EQ(tunables[0].value, 32);
  EXPECT_EQ(tunables[0].choices.size(), 4u);
}

}  // namespace
}  // namespace ks

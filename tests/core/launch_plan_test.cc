#include "core/launch_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "core/launch_plan_edit.h"
#include "tests/core/launch_samples.h"

namespace ks {
namespace {

LaunchPlan MustParse(const std::string& source) {
  auto plan = ParseLaunchPlan(source);
  if (const auto* wrong = std::get_if<Diagnostic>(&plan)) {
    ADD_FAILURE() << wrong->line << ":" << wrong->column << " " << wrong->message;
    return {};
  }
  return std::get<LaunchPlan>(plan);
}

Diagnostic Complaint(const std::string& source) {
  auto plan = ParseLaunchPlan(source);
  const auto* wrong = std::get_if<Diagnostic>(&plan);
  EXPECT_NE(wrong, nullptr) << source;
  return wrong == nullptr ? Diagnostic{} : *wrong;
}

using Bound = std::variant<BoundPlan, Diagnostic, LaunchFailed>;

Bound Bind(const std::string& source, int64_t rows = 7, int64_t cols = 1000,
           const LaunchLimits& limits = {}) {
  const LaunchPlan plan = MustParse(source);
  return BindLaunchPlan(plan, source, RowSumTask(),
                        {"w", {{"rows", rows}, {"cols", cols}}, WorkloadRole::kTime}, limits);
}

BoundPlan MustBind(const std::string& source, int64_t rows = 7, int64_t cols = 1000) {
  Bound bound = Bind(source, rows, cols);
  if (const auto* wrong = std::get_if<Diagnostic>(&bound)) ADD_FAILURE() << wrong->message;
  if (const auto* beyond = std::get_if<LaunchFailed>(&bound)) ADD_FAILURE() << beyond->reason;
  auto* plan = std::get_if<BoundPlan>(&bound);
  return plan == nullptr ? BoundPlan{} : *plan;
}

std::string Beyond(const std::string& directives, const LaunchLimits& limits = {}) {
  Bound bound = Bind(directives, 7, 1000, limits);
  const auto* beyond = std::get_if<LaunchFailed>(&bound);
  EXPECT_NE(beyond, nullptr) << directives;
  return beyond == nullptr ? "" : beyond->reason;
}

TEST(ParseLaunchPlan, ReadsEveryDirectiveOfAFile) {
  const LaunchPlan plan = MustParse(kRowSums);
  EXPECT_EQ(plan.dialect, PlanDialect::kC);
  ASSERT_EQ(plan.constants.size(), 1u);
  EXPECT_EQ(plan.constants[0].name, "BLOCK");
  EXPECT_EQ(plan.constants[0].value.text, "256");
  EXPECT_EQ(plan.constants[0].value.line, 2);
  EXPECT_EQ(plan.constants[0].value.column, 26);
  ASSERT_EQ(plan.scratch.size(), 1u);
  EXPECT_EQ(plan.scratch[0].name.text, "partial");
  ASSERT_EQ(plan.scratch[0].shape.size(), 2u);
  EXPECT_EQ(plan.scratch[0].shape[1].text, "ceil_div(cols, BLOCK)");
  ASSERT_EQ(plan.steps.size(), 3u);
  const auto& first = std::get<PlanLaunch>(plan.steps[1]);
  EXPECT_EQ(first.kernel.text, "row_sums<float, 4>");
  EXPECT_EQ(first.grid.size(), 2u);
  EXPECT_EQ(first.shared.text, "4*BLOCK");
  EXPECT_TRUE(first.args_given);
  ASSERT_EQ(first.args.size(), 4u);
  EXPECT_EQ(first.args[3].text, "cols");
  EXPECT_FALSE(std::get<PlanLaunch>(plan.steps[2]).args_given);
}

TEST(ParseLaunchPlan, ReadsPythonComments) {
  const LaunchPlan plan = MustParse(
      "import triton\n# ksmith: const BLOCK = next_pow2(cols)\n"
      "#ksmith: launch k grid=(rows) num_warps=8 num_stages=2 maxnreg=128 args=()\n");
  EXPECT_EQ(plan.dialect, PlanDialect::kPython);
  const auto& launch = std::get<PlanLaunch>(plan.steps[0]);
  EXPECT_EQ(launch.num_warps.text, "8");
  EXPECT_TRUE(launch.block.empty());
  EXPECT_TRUE(launch.args_given);
  EXPECT_TRUE(launch.args.empty());
}

TEST(ParseLaunchPlan, PointsAtTheMistakeAndSaysWhatWasExpected) {
  struct Case {
    std::string source;
    int line, column;
    std::string message;
  };
  const std::string launch = "// ksmith: launch k grid=(1) block=(1)\n";
  const Case cases[] = {
      {"int x;", 0, 0, "no launch directive"},
      {"// ksmith: lanch k", 1, 12, "unknown directive 'lanch'; did you mean 'launch'?"},
      {"// ksmith: 12", 1, 12, "expected one of: const, scratch"},
      {"\n// ksmith: const = 4", 2, 18, "expected a name for the constant"},
      {"// ksmith: const A 4", 1, 20, "expected '='"},
      {"// ksmith: const A =", 1, 21, "expected an expression"},
      {"// ksmith: scratch p f17 [4]", 1, 22, "expected an element type: f32"},
      {"// ksmith: scratch p f32 4", 1, 26, "expected '['"},
      {"// ksmith: scratch p f32 [4", 1, 28, "expected ',' or ']'"},
      {"// ksmith: launch", 1, 18, "expected the name of a kernel"},
      {"// ksmith: launch k<float grid=(1)", 1, 35, "expected '>'"},
      {"// ksmith: launch k grid=1", 1, 26, "expected '('"},
      {"// ksmith: launch k grid=(1,2,3,4) block=(1)", 1, 33, "more than 3 items"},
      {"// ksmith: launch k grid=(1) block=(ceil_div(4,2)", 1, 50, "expected ',' or ')'"},
      {"// ksmith: launch k grid=(min(1,2) block=(1)", 1, 45, "expected ',' or ')'"},
      {"// ksmith: launch k grd=(1)", 1, 21, "did you mean 'grid'?"},
      {"// ksmith: launch k grid=(1) grid=(2)", 1, 30, "'grid' is given twice"},
      {"// ksmith: launch k block=(1)", 1, 19, "needs grid"},
      {"// ksmith: launch k grid=(1)", 1, 19, "needs block"},
      {"// ksmith: launch k grid=(1) num_warps=4", 1, 30, "unknown option 'num_warps'"},
      {"# ksmith: launch k grid=(1) block=(4)", 1, 29, "unknown option 'block'"},
      {"// ksmith: and args=(x)", 1, 12, "'and' goes on with a launch"},
      {launch + "\n// ksmith: and args=(x)", 3, 12, "'and' goes on with a launch"},
      {launch + "# ksmith: clear y", 2, 1, "the same comment marker"},
      {launch + "// ksmith: clear y z", 2, 20, "expected the end of the line"},
  };
  for (const Case& c : cases) {
    const Diagnostic wrong = Complaint(c.source);
    EXPECT_EQ(wrong.severity, "error");
    EXPECT_EQ(wrong.line, c.line) << c.source;
    EXPECT_EQ(wrong.column, c.column) << c.source << "\n" << wrong.message;
    EXPECT_NE(wrong.message.find(c.message), std::string::npos) << wrong.message;
    if (c.line > 0) {
      EXPECT_TRUE(wrong.message.ends_with(
          "\n  " + std::string(static_cast<size_t>(c.column - 1), ' ') + "^"))
          << wrong.message;
    }
  }
}

TEST(ParseLaunchPlan, ShowsThePartOfALongLineAroundTheMistake) {
  const Diagnostic wrong = Complaint("// ksmith: launch k grid=(1) block=(1) args=(" +
                                     std::string(400, 'x') + ", ) \x01");
  EXPECT_EQ(wrong.column, 448);
  EXPECT_LT(wrong.message.size(), 300u);
  const size_t caret = wrong.message.rfind('^') - wrong.message.rfind("\n  ") - 3;
  const size_t begin = wrong.message.find("\n  ") + 3;
  EXPECT_EQ(wrong.message.substr(begin)[caret], ')');
}

TEST(ParseLaunchPlan, LimitsTheNumberOfDirectives) {
  std::string source;
  for (int i = 0; i < 65; ++i) source += "// ksmith: const C" + std::to_string(i) + " = 1\n";
  EXPECT_NE(Complaint(source).message.find("more than 64 constants"), std::string::npos);
  source.clear();
  for (int i = 0; i < 65; ++i) source += "// ksmith: launch k grid=(1) block=(1)\n";
  EXPECT_NE(Complaint(source).message.find("more than 64 steps"), std::string::npos);
  EXPECT_EQ(Complaint(source).line, 65);
  source = "// ksmith: const A = " + std::string(600, '1');
  EXPECT_NE(Complaint(source).message.find("longer than 512"), std::string::npos);
}

TEST(BindLaunchPlan, EvaluatesSizesScratchAndArguments) {
  const BoundPlan plan = MustBind(kRowSums);
  EXPECT_EQ(plan.constants.at("BLOCK"), 256);
  ASSERT_EQ(plan.scratch_bytes.size(), 1u);
  EXPECT_EQ(plan.scratch_bytes[0], 7u * 4 * 4);
  ASSERT_EQ(plan.steps.size(), 3u);
  const auto& clear = std::get<BoundClear>(plan.steps[0]);
  EXPECT_EQ(clear, (BoundClear{BoundArgument::Kind::kScratch, 0}));
  const auto& launch = std::get<BoundLaunch>(plan.steps[1]);
  EXPECT_EQ(launch.kernel, 0u);
  EXPECT_EQ(launch.grid[0], 4u);
  EXPECT_EQ(launch.grid[1], 7u);
  EXPECT_EQ(launch.grid[2], 1u);
  EXPECT_EQ(launch.block[0], 256u);
  EXPECT_EQ(launch.shared_bytes, 1024u);
  ASSERT_EQ(launch.args.size(), 4u);
  using Kind = BoundArgument::Kind;
  EXPECT_EQ(launch.args[0], (BoundArgument{Kind::kInput, 0, 0}));
  EXPECT_EQ(launch.args[1], (BoundArgument{Kind::kScratch, 0, 0}));
  EXPECT_EQ(launch.args[2], (BoundArgument{Kind::kInteger, 0, 7}));
  EXPECT_EQ(launch.args[3], (BoundArgument{Kind::kInteger, 0, 1000}));
}

TEST(BindLaunchPlan, WithoutArgsPassesBuffersScratchAndAxes) {
  const BoundPlan plan = MustBind(kRowSums);
  const auto& launch = std::get<BoundLaunch>(plan.steps[2]);
  EXPECT_EQ(launch.kernel, 1u);
  using Kind = BoundArgument::Kind;
  const std::vector<BoundArgument> want = {{Kind::kInput, 0, 0},   {Kind::kScalar, 1, 0},
                                           {Kind::kOutput, 0, 0},  {Kind::kScratch, 0, 0},
                                           {Kind::kInteger, 0, 7}, {Kind::kInteger, 0, 1000}};
  EXPECT_EQ(launch.args, want);
}

TEST(BindLaunchPlan, SkipsALaunchWithAnEmptyGrid) {
  const BoundPlan plan = MustBind(
      "// ksmith: launch a grid=(rows - 7) block=(1)\n// ksmith: launch b grid=(1) block=(1)\n");
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(std::get<BoundLaunch>(plan.steps[0]).kernel, 1u);
  EXPECT_EQ(plan.tuning.size(), 2u);
}

TEST(BindLaunchPlan, TritonBlocksFollowTheNumberOfWarps) {
  const BoundPlan plan =
      MustBind("# ksmith: const W = min(8, 16)\n# ksmith: launch k grid=(1) num_warps=W\n");
  EXPECT_EQ(plan.tuning[0], (BoundTuning{8, 3, 0}));
  EXPECT_EQ(std::get<BoundLaunch>(plan.steps[0]).block[0], 256u);
}

TEST(BindLaunchPlan, PointsIntoTheExpressionThatIsWrong) {
  struct Case {
    std::string source;
    int line, column;
    std::string message;
  };
  const std::string launch = "// ksmith: launch k grid=(1) block=(1)\n";
  const Case cases[] = {
      {launch + "// ksmith: const A = 2 * colls\n", 2, 26, "did you mean 'cols'?"},
      {launch + "// ksmith: const A = 7 / 2\n", 2, 22, "3.5 is not a whole number"},
      {launch + "// ksmith: const A = 1 / 0\n", 2, 27, "division by zero"},
      {launch + "// ksmith: const A = 3 *\n", 2, 25, "expected a number"},
      {launch + "// ksmith: const A = 2000000000000\n", 2, 22, "beyond 2^40"},
      {launch + "// ksmith: const rows = 2\n", 2, 1, "'rows' is already an axis"},
      {launch + "// ksmith: const sm_count = 2\n", 2, 1, "a property of the device"},
      {launch + "// ksmith: const A = 1\n// ksmith: const A = 1\n", 3, 1, "a constant"},
      {launch + "// ksmith: scratch x f32 [1]\n", 2, 20, "'x' is already an input or output"},
      {launch + "// ksmith: clear x\n", 2, 18, "expected a scratch or output buffer: y"},
      {"// ksmith: launch k grid=(x) block=(1)\n", 1, 27, "only be an argument"},
      {"// ksmith: launch k grid=(1) block=(1) args=(x, zz)\n", 1, 49, "unknown name 'zz'"},
      {"# ksmith: launch k grid=(1) num_warps=3\n", 1, 39, "expected a power of two"},
  };
  for (const Case& c : cases) {
    Bound bound = Bind(c.source);
    const auto* wrong = std::get_if<Diagnostic>(&bound);
    ASSERT_NE(wrong, nullptr) << c.source;
    EXPECT_EQ(wrong->line, c.line) << c.source;
    EXPECT_EQ(wrong->column, c.column) << wrong->message;
    EXPECT_NE(wrong->message.find(c.message), std::string::npos) << wrong->message;
  }
}

TEST(BindLaunchPlan, NumbersBeyondTheDeviceAreALaunchFailure) {
  LaunchLimits limits;
  limits.max_shared_bytes = 1000;
  limits.max_scratch_bytes = 1 << 20;
  EXPECT_NE(Beyond("// ksmith: launch k grid=(1) block=(rows*512)\n").find("block x is 3584"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(1) block=(64,64)\n").find("4096 threads a block"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(1) block=(0)\n").find("block x is 0"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(1, 65536) block=(1)\n").find("grid y is 65536"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(-rows) block=(1)\n").find("grid x is -7"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(1) block=(1) shared=cols+1\n", limits)
                .find("shared is 1001; expected 0 to 1000 (workload w)"),
            std::string::npos);
  const std::string launch = "// ksmith: launch k grid=(1) block=(1)\n";
  EXPECT_NE(Beyond("// ksmith: scratch p f64 [cols, cols]\n" + launch, limits).find("7.63 MiB"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: scratch p f64 [cols, cols, cols, cols, cols, cols]\n" + launch)
                .find("scratch of"),
            std::string::npos);
  EXPECT_NE(Beyond("// ksmith: launch k grid=(rows) block=(1) cluster=2\n").find("no multiple"),
            std::string::npos);
  EXPECT_NE(Beyond("# ksmith: launch k grid=(1) num_warps=64\n").find("num_warps is 64"),
            std::string::npos);
}

TEST(LaunchPlanEdit, ReplacesOnlyTheNamedPiece) {
  const std::string source = kRowSums;
  const auto block = WithConstant(source, "BLOCK", "128");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->size(), source.size());
  EXPECT_EQ(MustBind(*block).constants.at("BLOCK"), 128);
  EXPECT_EQ(WithConstant(*block, "BLOCK", "256"), source);
  EXPECT_EQ(WithConstant(source, "TILE", "1"), std::nullopt);
  EXPECT_EQ(WithConstant(source, "BLOCK", ""), std::nullopt);

  const auto shared = WithLaunchOption(source, 0, "shared", "8*BLOCK");
  ASSERT_TRUE(shared);
  EXPECT_EQ(std::get<BoundLaunch>(MustBind(*shared).steps[1]).shared_bytes, 2048u);
  const auto added = WithLaunchOption(source, 1, "cooperative", "");
  ASSERT_TRUE(added);
  EXPECT_TRUE(std::get<BoundLaunch>(MustBind(*added).steps[2]).cooperative);
  EXPECT_EQ(WithoutLaunchOption(*added, 1, "cooperative"), source);
  EXPECT_EQ(WithoutLaunchOption(source, 1, "shared"), std::nullopt);
  EXPECT_EQ(WithoutLaunchOption(source, 0, "grid"), std::nullopt);
  EXPECT_EQ(WithLaunchOption(source, 2, "shared", "1"), std::nullopt);
  EXPECT_EQ(WithLaunchOption(source, 0, "num_warps", "4"), std::nullopt);
  const auto kernel = WithLaunchKernel(source, 0, "row_sums<float, 8>");
  ASSERT_TRUE(kernel);
  EXPECT_EQ(std::get<PlanLaunch>(MustParse(*kernel).steps[1]).kernel.text, "row_sums<float, 8>");
}

TEST(LaunchPlanEdit, AddsAndRemovesDirectives) {
  const std::string source = kRowSums;
  const auto constant = WithNewConstant(source, "TILE", "2*BLOCK");
  ASSERT_TRUE(constant);
  EXPECT_EQ(MustBind(*constant).constants.at("TILE"), 512);
  EXPECT_EQ(WithNewConstant(source, "BLOCK", "1"), std::nullopt);
  const auto scratch = WithScratch(source, "flags i32 [rows]");
  ASSERT_TRUE(scratch);
  EXPECT_EQ(MustBind(*scratch).scratch_bytes, (std::vector<uint64_t>{112, 28}));
  const auto last = WithStep(source, 99, "clear y");
  ASSERT_TRUE(last);
  EXPECT_TRUE(std::holds_alternative<PlanClear>(MustParse(*last).steps[3]));
  EXPECT_EQ(WithoutStep(*last, 3), source);
  const auto first = WithStep(source, 1, "launch zero grid=(1) block=(32)");
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<PlanLaunch>(MustParse(*first).steps[1]).kernel.text, "zero");
  EXPECT_EQ(WithoutStep(*first, 1), source);
  const auto without = WithoutStep(source, 1);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->find("row_sums<"), std::string::npos);
  EXPECT_EQ(WithoutStep("// ksmith: launch k grid=(1) block=(1)\n", 0), std::nullopt);
}

TEST(LaunchPlanEdit, ANewConstantComesBeforeADirectiveWithoutOthers) {
  const auto edited =
      WithNewConstant("import x\n# ksmith: launch k grid=(1)\n", "BLOCK", "next_pow2(cols)");
  EXPECT_EQ(edited,
            "import x\n# ksmith: const BLOCK = next_pow2(cols)\n# ksmith: launch k grid=(1)\n");
}

// The same walk as the fuzzer's, short and always the same.
TEST(ParseLaunchPlan, SurvivesMutatedDirectives) {
  Rng rng(20261125);
  const std::string pieces[] = {"// ksmith: ", "# ksmith:", "launch ", "and ", "(", ")",  "<",  ">",
                                "=",           "\n",        "grid",    ",",    "[", "]",  "\\", "*",
                                "const ",      "scratch ",  "rows",    "1e9",  "-", "\t", "\r"};
  const LaunchPlan sample = MustParse(kRowSums);
  int parsed = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string source = kRowSums;
    const uint64_t edits = 1 + rng.Below(6);
    for (uint64_t i = 0; i < edits; ++i) {
      const size_t at = rng.Below(source.size());
      switch (rng.Below(3)) {
        case 0:
          source.erase(at, 1 + rng.Below(12));
          break;
        case 1:
          source.insert(at, pieces[rng.Below(std::size(pieces))]);
          break;
        default:
          source[at] = static_cast<char>(rng.Below(256));
      }
      if (source.empty()) source = "x";
    }
    const auto plan = ParseLaunchPlan(source);
    if (const auto* wrong = std::get_if<Diagnostic>(&plan)) {
      EXPECT_FALSE(wrong->message.empty());
      continue;
    }
    ++parsed;
    const auto& read = std::get<LaunchPlan>(plan);
    for (const PlanConstant& constant : read.constants) {
      EXPECT_EQ(source.substr(constant.value.offset, constant.value.text.size()),
                constant.value.text);
    }
    const auto bound = BindLaunchPlan(read, source, RowSumTask(),
                                      {"w", {{"rows", 3}, {"cols", 5}}, WorkloadRole::kCheck}, {});
    if (const auto* good = std::get_if<BoundPlan>(&bound)) {
      EXPECT_EQ(good->scratch_bytes.size(), read.scratch.size());
    }
  }
  EXPECT_GT(parsed, 100);
}

}  // namespace
}  // namespace ks

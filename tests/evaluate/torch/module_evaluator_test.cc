#include "evaluate/torch/module_evaluator.h"

#include "tests/evaluate/torch/module_fixture.h"

namespace ks {
namespace {

constexpr const char* kHead =
    "import torch\n"
    "rows = 64\n"
    "class Model(torch.nn.Module):\n"
    "    def __init__(self, width):\n"
    "        super().__init__()\n"
    "        self.linear = torch.nn.Linear(width, width)\n"
    "    def forward(self, x):\n";
constexpr const char* kTail =
    "def get_inputs():\n"
    "    return [torch.randn(rows, 8)]\n"
    "def get_init_inputs():\n"
    "    return [8]\n";

// A module whose forward gives `result`; in a candidate its tail is harmless.
std::string Module(const std::string& result) {
  return std::string(kHead) + "        return " + result + "\n" + kTail;
}
std::string Candidate(const std::string& result) {
  std::string text = Module(result);
  return text.replace(text.find("Model("), 6, "ModelNew(");
}

using ModuleEvaluation = ModuleFixture;

TEST_F(ModuleEvaluation, TakesNoTimeOfCpuTensorsAndSaysSo) {
  const Evaluation evaluation =
      Evaluate(Module("self.linear(x)"), Candidate("x @ self.linear.weight.T + self.linear.bias"));
  const Measured* const measured = AsMeasured(evaluation.outcome);
  ASSERT_NE(measured, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_TRUE(measured->timings.empty());
  ASSERT_TRUE(evaluation.module.has_value());
  EXPECT_EQ(evaluation.module->calls, 6);
  EXPECT_EQ(evaluation.module->oracle, "fp64");
  EXPECT_NE(evaluation.module->untimed.find("never for a speed-up"), std::string::npos);
  EXPECT_NE(evaluation.compiler.find("torch "), std::string::npos);
}

TEST_F(ModuleEvaluation, StopsAfterLoadingWhenOnlyThatIsAskedFor) {
  const Evaluation evaluation =
      Evaluate(Module("self.linear(x)"), Candidate("nothing"), {true, false, false});
  EXPECT_NE(AsMeasured(evaluation.outcome), nullptr);
  EXPECT_EQ(evaluation.module->calls, 0);
}

TEST_F(ModuleEvaluation, RefusesAModuleThatIsNotAdmitted) {
  const Result<Evaluation> evaluation = evaluator().Evaluate(
      {"m.py", Module("torch.rand_like(x)")}, {"c.py", Candidate("torch.rand_like(x)")}, {}, 1, {});
  ASSERT_FALSE(evaluation.ok());
  EXPECT_EQ(evaluation.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(evaluation.error().message.find("m.py is not admitted: deterministic"),
            std::string::npos)
      << evaluation.error().message;
}

TEST_F(ModuleEvaluation, NamesTheLineAtWhichAModuleDoesNotImport) {
  const Result<ModuleAdmission> admission =
      evaluator().Admit({"m.py", "import torch\nimport a_package_of_nobody\n"}, {});
  ASSERT_TRUE(admission.ok()) << admission.error().message;
  EXPECT_FALSE(admission->admitted);
  EXPECT_NE(admission->FirstFault().find("m.py:2: import"), std::string::npos)
      << admission->FirstFault();
}

TEST_F(ModuleEvaluation, SurvivesAModuleThatEndsItsProcess) {
  const Result<ModuleAdmission> admission =
      evaluator().Admit({"m.py", "import os\nos._exit(3)\n"}, {});
  ASSERT_TRUE(admission.ok()) << admission.error().message;
  EXPECT_NE(admission->FirstFault().find("its process ended"), std::string::npos);
  EXPECT_TRUE(evaluator().Admit({"m.py", Module("self.linear(x)")}, {})->admitted);
}

TEST_F(ModuleEvaluation, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  const Result<ModuleAdmission> admission =
      evaluator().Admit({"m.py", Module("self.linear(x)")}, stop.get_token());
  ASSERT_FALSE(admission.ok());
  EXPECT_EQ(admission.error().code, ErrorCode::kCancelled);
}

TEST_F(ModuleEvaluation, DrawsOtherContentsForAnotherSeed) {
  const std::string module = Module("self.linear(x)");
  const std::string wrong = Candidate("self.linear(x) * 0 + 7");
  const auto want = [&](uint64_t seed) {
    const auto evaluation = evaluator().Evaluate({"m.py", module}, {"c.py", wrong}, {}, seed, {});
    return std::get<WrongResult>(evaluation->outcome).want;
  };
  EXPECT_EQ(want(1), want(1));
  EXPECT_NE(want(1), want(2));
}

TEST_F(ModuleEvaluation, JudgesAModuleThatChangesItselfByItsFirstCall) {
  const std::string counts =
      "import torch\n"
      "rows = 4\n"
      "class Model(torch.nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.calls = 0\n"
      "    def forward(self, x):\n"
      "        self.calls += 1\n"
      "        return x * self.calls + 1\n"
      "def get_inputs():\n"
      "    return [torch.randn(rows, 8)]\n"
      "def get_init_inputs():\n"
      "    return []\n";
  const std::string plain =
      "import torch\n"
      "class ModelNew(torch.nn.Module):\n"
      "    def forward(self, x):\n"
      "        return x + 1\n";
  const Evaluation evaluation = Evaluate(counts, plain);
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "measured") << OutcomeSummary(evaluation.outcome);
}

}  // namespace
}  // namespace ks

// Every candidate of tests/adversarial/torch/ gets one of the verdicts in its first line and leaves
// no file; the host serves an honest one afterwards.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "tests/adversarial/corpus.h"
#include "tests/evaluate/torch/module_fixture.h"

namespace ks {
namespace {

using Case = CorpusCase;

std::vector<Case> Corpus() { return ReadCorpus(KS_TORCH_CORPUS_DIR, ".py"); }

class AdversarialTorch : public ModuleFixture, public testing::WithParamInterface<Case> {};

TEST_P(AdversarialTorch, GetsItsVerdictAndLeavesNothing) {
  const Case& one = GetParam();
  ASSERT_FALSE(one.verdicts.empty()) << one.name << " has no `# expect:` line";
  if (one.name == "honest_triton" && python().triton_version.empty()) {
    GTEST_SKIP() << "no Triton in " << python().executable;
  }
  const Evaluation evaluation =
      Evaluate(ReadFile(KS_TORCH_CORPUS_DIR "/reference/linear_relu_add.py"), one.source);
  const std::string verdict = OutcomeName(evaluation.outcome);
  EXPECT_NE(std::find(one.verdicts.begin(), one.verdicts.end(), verdict), one.verdicts.end())
      << OutcomeSummary(evaluation.outcome);
  if (const Measured* const measured = AsMeasured(evaluation.outcome)) {
    EXPECT_TRUE(measured->timings.empty()) << "no times of CPU tensors";
    EXPECT_FALSE(measured->gain_significant);
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/ksmith-adversarial-torch"));
  EXPECT_FALSE(std::filesystem::exists("/tmp/ksmith-torch-replay.pt"));
}

INSTANTIATE_TEST_SUITE_P(Torch, AdversarialTorch, testing::ValuesIn(Corpus()),
                         [](const testing::TestParamInfo<Case>& one) { return one.param.name; });

// Last in the file: everything above has passed through the same hosts.
TEST_F(ModuleFixture, JudgesAnHonestCandidateAfterAllOthers) {
  const Evaluation evaluation =
      Evaluate(ReadFile(KS_TORCH_CORPUS_DIR "/reference/linear_relu_add.py"),
               ReadFile(KS_TORCH_CORPUS_DIR "/honest_eager.py"));
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "measured") << OutcomeSummary(evaluation.outcome);
}

TEST(AdversarialTorchCorpus, IsThere) { EXPECT_GE(Corpus().size(), 60u); }

}  // namespace
}  // namespace ks

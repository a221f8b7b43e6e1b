// A proposer may edit another member than the one selected: that one is the parent of the record.
#include <gtest/gtest.h>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "core/run_view.h"
#include "engine/engine.h"
#include "store/memory_store.h"
#include "tests/engine/doubles.h"

namespace ks {
namespace {

// Appends one new word to the seed, whoever was selected.
class SeedProposer final : public Proposer {
 public:
  explicit SeedProposer(bool slow) : slow_(slow) {}
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token) override {
    const MemberPtr& seed = context.lineage.back();
    KS_ASSIGN_OR_RETURN(const std::string source, seed->source.Load());
    Proposal proposal;
    proposal.source = source + " w" + std::to_string(context.step);
    proposal.skill = "one_shot";
    proposal.parent = seed->id;
    return std::optional(std::move(proposal));
  }
  bool slow() const override { return slow_; }

 private:
  const bool slow_;
};

class OtherParentTest : public testing::TestWithParam<bool> {};

TEST_P(OtherParentTest, IsRecordedPairedWithAndReplayed) {
  RunConfig config;
  config.in_flight = config.workers = 3;
  config.max_steps = 30;
  const RunIdentity identity{"run", "test", "{}", "h"};
  ToyEvaluator evaluator;
  SeedProposer proposer(GetParam());
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  MemoryStore store;
  SystemClock clock;
  const EngineParts parts{evaluator, proposer, archive, store, clock, {}, {}, {"seed"}};
  const Result<RunEnd> end = RunSearch(config, identity, parts, {});
  ASSERT_TRUE(end.ok()) << end.error().message;
  const RunView view = *FoldEvents(*store.Read(0));
  ASSERT_EQ(view.candidates.size(), 31u);
  for (const CandidateView& candidate : view.candidates) {
    if (candidate.proposed.id == 0) continue;
    EXPECT_EQ(candidate.proposed.parent, 0);
    EXPECT_EQ(candidate.proposed.generation, 1);
    const Measured* measured = AsMeasured(candidate.evaluation->outcome);
    ASSERT_NE(measured, nullptr);
    EXPECT_EQ(measured->gain, measured->speedup) << "timed against the seed, the baseline here";
  }
  GridArchive recorded(SearchConfig{}, CpuDescriptorAxes());
  GridArchive replayed(SearchConfig{}, CpuDescriptorAxes());
  EngineParts again{evaluator, proposer, recorded, store, clock, {}, {}, {}};
  const Result<ReplayReport> report = ReplaySearch(config, identity, again, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->same) << report->first_difference;
}

INSTANTIATE_TEST_SUITE_P(FastAndSlow, OtherParentTest, testing::Bool());

}  // namespace
}  // namespace ks

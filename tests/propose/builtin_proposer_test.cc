#include "propose/builtin_proposer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/hash.h"
#include "propose/normalize.h"
#include "propose/skills/registry.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

// A skill that offers fixed texts.
class FixedSkill final : public Skill {
 public:
  FixedSkill(std::string name, double gain, int edits) : name_(name), gain_(gain), edits_(edits) {}
  std::string name() const override { return name_; }
  std::string_view summary() const override { return "offers fixed texts"; }
  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (int i = 0; i < edits_; ++i) {
      edits.push_back({kernel.source() + "// " + name_ + std::to_string(i) + "\n", name_,
                       EditKind::kTuning, gain_});
    }
    return edits;
  }

 private:
  std::string name_;
  double gain_;
  int edits_;
};

struct World {
  World() : task(MatmulTask()), machine(TestMachine()) {
    context.task = &task;
    context.machine = &machine;
    SetParent(MatmulSeed(), Measured{});
  }
  void SetParent(const std::string& source, Outcome outcome) {
    auto member = std::make_shared<Member>();
    member->id = 0;
    member->source = source;
    member->evaluation.outcome = std::move(outcome);
    context.selection.parent = member;
  }
  Task task;
  Machine machine;
  ProposalContext context;
};

std::optional<Proposal> ProposeWith(BuiltinProposer& proposer, const World& world) {
  auto result = proposer.Propose(world.context, {});
  return result.ok() ? *result : std::nullopt;
}

TEST(BuiltinProposer, ProposesTheSameForTheSameSeed) {
  World world;
  BuiltinProposer first(AllSkills()), second(AllSkills());
  for (uint64_t seed = 0; seed < 5; ++seed) {
    world.context.seed = seed;
    const auto a = ProposeWith(first, world), b = ProposeWith(second, world);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->source, b->source);
    EXPECT_EQ(a->skill, b->skill);
  }
}

TEST(BuiltinProposer, NeverProposesWhatWasSeenAndEndsWithNothing) {
  World world;
  std::set<std::string> seen = {NormalizeSource(MatmulSeed())};
  world.context.seen = [&](const std::string& source) {
    return seen.count(NormalizeSource(source)) != 0;
  };
  std::vector<std::unique_ptr<Skill>> skills = AllSkills();
  BuiltinProposer proposer(std::move(skills));
  int proposals = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    world.context.seed = seed;
    const auto proposal = ProposeWith(proposer, world);
    if (!proposal) break;
    EXPECT_TRUE(seen.insert(NormalizeSource(proposal->source)).second);
    ++proposals;
  }
  EXPECT_GT(proposals, 10);
  EXPECT_LT(proposals, 400);
}

TEST(BuiltinProposer, CompilesARewrittenDefaultParentForTheMachine) {
  World world;
  BuiltinProposer proposer(AllSkills());
  for (uint64_t seed = 0; seed < 12; ++seed) {
    world.context.seed = seed;
    const auto proposal = ProposeWith(proposer, world);
    ASSERT_TRUE(proposal);
    if (proposal->skill != "lane_strips") continue;
    EXPECT_NE(proposal->source.find("-march=" + world.machine.march_options[0]), std::string::npos);
    return;
  }
  FAIL() << "lane_strips was never chosen for a matrix product";
}

TEST(BuiltinProposer, FollowsWhatHeldInThisRun) {
  World world;
  world.context.skills["good"] = {30, 30, 25, 25 * 0.3};
  world.context.skills["bad"] = {30, 30, 0, 0};
  std::vector<std::unique_ptr<Skill>> skills;
  skills.push_back(std::make_unique<FixedSkill>("bad", 1.2, 3));
  skills.push_back(std::make_unique<FixedSkill>("good", 1.2, 3));
  BuiltinProposer proposer(std::move(skills));
  int good = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    world.context.seed = seed;
    good += ProposeWith(proposer, world)->skill == "good" ? 1 : 0;
  }
  EXPECT_GE(good, 40);
}

TEST(BuiltinProposer, ExploresOtherSkillsNowAndThen) {
  World world;
  std::vector<std::unique_ptr<Skill>> skills;
  skills.push_back(std::make_unique<FixedSkill>("likely", 3.0, 3));
  skills.push_back(std::make_unique<FixedSkill>("unlikely", 1.01, 3));
  BuiltinProposer proposer(std::move(skills));
  int unlikely = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    world.context.seed = seed;
    unlikely += ProposeWith(proposer, world)->skill == "unlikely" ? 1 : 0;
  }
  EXPECT_GT(unlikely, 0);
  EXPECT_LT(unlikely, 60);
}

TEST(BuiltinProposer, AsAControlTakesAnySkillAsOftenAsAnother) {
  World world;
  world.context.skills["poor"] = {20, 20, 0, 0};
  std::vector<std::unique_ptr<Skill>> skills;
  skills.push_back(std::make_unique<FixedSkill>("rich", 8.0, 9));
  skills.push_back(std::make_unique<FixedSkill>("poor", 1.001, 3));
  BuiltinProposer proposer(std::move(skills), {}, BuiltinProposer::Choice::kRandom);
  std::map<std::string, int> taken;
  std::set<std::string> edits;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    world.context.seed = seed;
    const auto proposal = ProposeWith(proposer, world);
    ASSERT_TRUE(proposal);
    ++taken[proposal->skill];
    edits.insert(proposal->source);
  }
  EXPECT_NEAR(taken["poor"], 200, 60);
  EXPECT_EQ(edits.size(), 12u) << "every edit has its turn";
}

TEST(BuiltinProposer, MendsAWrongResultByTakingFastMathBack) {
  World world;
  world.SetParent("// ksmith: compiler g++\n// ksmith: flags -O3 -ffast-math\n" + MatmulSeed(),
                  WrongResult{});
  world.context.selection.repair = true;
  BuiltinProposer proposer(AllSkills());
  const auto proposal = ProposeWith(proposer, world);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->skill, "repair");
  const BuildDirectives now = ParseBuildDirectives(proposal->source);
  const bool finite = std::count(now.flags.begin(), now.flags.end(), "-fno-finite-math-only") != 0;
  const bool fast = std::count(now.flags.begin(), now.flags.end(), "-ffast-math") != 0;
  EXPECT_TRUE(finite || !fast);
}

TEST(BuiltinProposer, HasNothingForAParentThatDoesNotParse) {
  World world;
  world.SetParent("void matmul( {", CompileFailed{});
  BuiltinProposer proposer(AllSkills());
  EXPECT_FALSE(ProposeWith(proposer, world));
  world.context.selection.repair = true;
  EXPECT_FALSE(ProposeWith(proposer, world));
}

}  // namespace
}  // namespace ks

#include "propose/llm/scientist.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/propose/llm/scripted_model.h"

namespace ks {
namespace {

constexpr char kChoice[] = R"({"base": "c3", "reference": "c5", "reasons": "room"})";
constexpr char kDesign[] = R"(Here: {"avenues": ["a"], "experiments": [
  {"description": "safe one", "rubric": ["r1", "r2"], "min_gain": 5, "max_gain": 6, "innovation": 1},
  {"description": "wild one", "rubric": "r", "min_gain": 0, "max_gain": 10, "innovation": 99},
  {"description": "large one", "min_gain": 1, "max_gain": 90, "innovation": 50}]} done)";

std::string AnswerWith(int factor) {
  std::string source = kScaleSource;
  source.replace(source.find("2.0f"), 4, std::to_string(factor) + ".f");
  return "Rationale: r\n```cpp\n" + source + "```\n";
}

bool EveryThirdFromSix(int64_t step) { return step >= 6 && step % 3 == 0; }

struct ScientistTest : testing::Test {
  void SetUp() override {
    ProposalContext& context = sample.context;
    const MemberPtr seed = context.selection.parent;
    context.selection.parent = MemberOf(3, 0, std::string(kScaleSource) + "// three\n", Speed(2));
    context.selection.inspirations = {
        MemberOf(5, 0, std::string(kScaleSource) + "// five\n", Speed(3))};
    context.lineage = {context.selection.parent, seed};
    context.step = 6;
  }
  Proposal Step(ScientistProposer& proposer, int64_t step) {
    ProposalContext context = sample.context;
    context.step = step;
    const Result<std::optional<Proposal>> proposal = proposer.Propose(context, {});
    EXPECT_TRUE(proposal.ok()) << proposal.error().message;
    return **proposal;
  }
  SampleContext sample;
};

TEST_F(ScientistTest, OneDesignServesThreeSteps) {
  SampleParts parts(OneModel({Saying(kChoice), Saying(kDesign), Saying(AnswerWith(4)),
                              Saying(AnswerWith(5)), Saying(AnswerWith(6))}));
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  EXPECT_NE(Step(proposer, 6).source.find("4.f"), std::string::npos);
  EXPECT_NE(Step(proposer, 7).source.find("5.f"), std::string::npos);
  EXPECT_NE(Step(proposer, 8).source.find("6.f"), std::string::npos);
  const std::vector<ChatRequest> asked = parts.models[0]->requests();
  ASSERT_EQ(asked.size(), 5u);
  EXPECT_NE(asked[0].messages[1].content.find("- c5 (m): 3x"), std::string::npos);
  EXPECT_NE(asked[1].messages[1].content.find("// three"), std::string::npos) << "the base chosen";
  EXPECT_NE(asked[1].messages[1].content.find("// five"), std::string::npos) << "the reference";
  EXPECT_NE(asked[2].messages[1].content.find("wild one"), std::string::npos);
  EXPECT_NE(asked[3].messages[1].content.find("large one"), std::string::npos);
  EXPECT_NE(asked[4].messages[1].content.find("safe one\n- r1\n- r2"), std::string::npos);
  EXPECT_EQ(ExchangeFromJson(parts.exchanges[0])->calls.size(), 3u);
  EXPECT_EQ(ExchangeFromJson(parts.exchanges[1])->calls.size(), 1u);
}

TEST_F(ScientistTest, TheBaseChosenIsTheParent) {
  SampleParts parts(OneModel(
      {Saying(R"({"base": "c0", "reference": "c3"})"), Saying(kDesign), Saying(AnswerWith(4))}));
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  EXPECT_EQ(Step(proposer, 6).parent, std::optional<CandidateId>(0));
  EXPECT_EQ(Step(proposer, 7).parent, std::optional<CandidateId>(0));
}

TEST_F(ScientistTest, AnUnreadableChoiceIsTheFastest) {
  SampleParts parts(OneModel({Saying("the second one"), Saying(kDesign), Saying(AnswerWith(4))}));
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  EXPECT_EQ(Step(proposer, 6).parent, std::optional<CandidateId>(5));
}

TEST_F(ScientistTest, AnUnreadableDesignGoesBackOnceThenPlainImprovementFollows) {
  SampleParts mended(
      OneModel({Saying(kChoice), Saying("no json"), Saying(kDesign), Saying(AnswerWith(4))}));
  ScientistProposer proposer(mended.parts, EveryThirdFromSix);
  Step(proposer, 6);
  EXPECT_NE(mended.models[0]->requests()[2].messages.back().content.find("no JSON object"),
            std::string::npos);
  SampleParts never(
      OneModel({Saying(kChoice), Saying("no"), Saying("json"), Saying(AnswerWith(4))}));
  ScientistProposer plain(never.parts, EveryThirdFromSix);
  EXPECT_FALSE(Step(plain, 6).refused);
  EXPECT_NE(never.models[0]->requests()[3].messages[1].content.find("Make the current program"),
            std::string::npos);
  EXPECT_FALSE(Step(plain, 7).refused) << "the others of the round do not wait for ever";
}

TEST_F(ScientistTest, LaterStepsOfARoundWaitForItsDesign) {
  SampleParts parts(
      OneModel({Saying(kChoice), Saying(kDesign), Saying(AnswerWith(4)), Saying(AnswerWith(5))}));
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  Proposal second;
  std::jthread waiting([&] { second = Step(proposer, 7); });
  Step(proposer, 6);
  waiting.join();
  EXPECT_FALSE(second.refused);
  std::stop_source stop;
  stop.request_stop();
  ProposalContext context = sample.context;
  context.step = 10;
  EXPECT_EQ(proposer.Propose(context, stop.get_token()).error().code, ErrorCode::kCancelled);
}

TEST_F(ScientistTest, EachRoleMayHaveItsModel) {
  std::vector<std::unique_ptr<ScriptedModel>> models;
  models.push_back(
      std::make_unique<ScriptedModel>("s", std::vector<Result<ChatAnswer>>{Saying(kChoice)}));
  models.push_back(
      std::make_unique<ScriptedModel>("d", std::vector<Result<ChatAnswer>>{Saying(kDesign)}));
  models.push_back(
      std::make_unique<ScriptedModel>("w", std::vector<Result<ChatAnswer>>{Saying(AnswerWith(4))}));
  LlmConfig config;
  config.selector = "s";
  config.designer = "d";
  config.writer = "w";
  SampleParts parts(std::move(models), config);
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  EXPECT_EQ(Step(proposer, 6).model, "w");
  for (const ScriptedModel* model : parts.models) EXPECT_EQ(model->requests().size(), 1u);
}

TEST_F(ScientistTest, AFaultAfterAPaidAnswerIsRecordedAndLetsTheOthersGoOn) {
  SampleParts parts(
      OneModel({Saying(kChoice), Error{ErrorCode::kUnavailable, "gone"}, Saying(AnswerWith(5))}));
  ScientistProposer proposer(parts.parts, EveryThirdFromSix);
  const Proposal first = Step(proposer, 6);
  ASSERT_TRUE(first.refused);
  EXPECT_DOUBLE_EQ(first.cost_usd, 0.01);
  EXPECT_FALSE(Step(proposer, 7).refused);
}

TEST(Experiments, AreReadWhateverElseIsThere) {
  EXPECT_TRUE(ExperimentsIn("").empty());
  EXPECT_TRUE(ExperimentsIn("7").empty());
  EXPECT_TRUE(ExperimentsIn(R"({"experiments": {"a": 1}})").empty());
  const auto read = ExperimentsIn(
      R"([{"description": ""}, 3, {"description": "d", "min_gain": "2", "rubric": [1, "x"]}])");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0], (Experiment{"d", {"x"}, 0, 0, 0}));
}

TEST(Experiments, ThreeArePickedNoneTwice) {
  const Experiment all{"all", {}, 9, 9, 9}, b{"b", {}, 1, 8, 1}, c{"c", {}, 8, 1, 1},
      d{"d", {}, 0, 0, 0};
  EXPECT_EQ(PickThree({d, c, b, all}), (std::vector<Experiment>{all, b, c}));
  EXPECT_EQ(PickThree({d}), (std::vector<Experiment>{d}));
  EXPECT_TRUE(PickThree({}).empty());
}

}  // namespace
}  // namespace ks

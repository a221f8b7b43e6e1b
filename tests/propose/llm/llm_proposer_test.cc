#include "propose/llm/llm_proposer.h"

#include <gtest/gtest.h>

#include "propose/llm/answer_text.h"
#include "propose/llm/entry_check.h"
#include "tests/propose/llm/scripted_model.h"

namespace ks {
namespace {

std::string Faster(const std::string& factor = "3.0f") {
  std::string source = kScaleSource;
  source.replace(source.find("2.0f"), 4, factor);
  return source;
}
std::string AnswerWith(const std::string& source) {
  return "Rationale: another factor.\n```cpp\n" + source + "```\n";
}

Proposal Propose(SampleParts& sample, const ProposalContext& context,
                 LlmParts::Kind kind = LlmParts::Kind::kLlm) {
  LlmProposer proposer(sample.parts, kind);
  const Result<std::optional<Proposal>> proposal = proposer.Propose(context, {});
  EXPECT_TRUE(proposal.ok()) << proposal.error().message;
  EXPECT_TRUE(proposal->has_value());
  return **proposal;
}

std::string RuleOf(const Proposal& proposal) {
  if (!proposal.refused) return "none";
  return std::get<Rejected>(*proposal.refused).rule;
}

TEST(LlmProposer, ProposesWhatTheModelWroteAndRecordsIt) {
  SampleContext sample;
  SampleParts parts(OneModel({Saying(AnswerWith(Faster()))}));
  const Proposal proposal = Propose(parts, sample.context);
  EXPECT_EQ(proposal.source, Faster());
  EXPECT_EQ(proposal.skill, "m");
  EXPECT_EQ(proposal.model, "m");
  EXPECT_EQ(proposal.rationale, "another factor.");
  EXPECT_EQ(proposal.prompt_tokens, 100);
  EXPECT_EQ(proposal.answer_tokens, 7);
  EXPECT_DOUBLE_EQ(proposal.cost_usd, 0.01);
  EXPECT_EQ(proposal.exchange, "hash1");
  EXPECT_FALSE(proposal.parent);
  const Result<Exchange> exchange = ExchangeFromJson(parts.exchanges.at(0));
  ASSERT_TRUE(exchange.ok()) << exchange.error().message;
  EXPECT_EQ(exchange->step, 7);
  ASSERT_EQ(exchange->calls.size(), 1u);
  EXPECT_EQ(exchange->calls[0].purpose, "improve");
  EXPECT_EQ(exchange->calls[0].answer.text, AnswerWith(Faster()));
}

TEST(LlmProposer, GivesAnUnusableAnswerBackOnceWithTheReason) {
  SampleContext sample;
  SampleParts parts(OneModel({Saying("I would tile it."), Saying(AnswerWith(Faster()))}));
  const Proposal proposal = Propose(parts, sample.context);
  EXPECT_EQ(proposal.source, Faster());
  EXPECT_FALSE(proposal.refused);
  EXPECT_DOUBLE_EQ(proposal.cost_usd, 0.02) << "both answers were paid for";
  const std::vector<ChatRequest> requests = parts.models[0]->requests();
  ASSERT_EQ(requests.size(), 2u);
  ASSERT_EQ(requests[1].messages.size(), 4u);
  EXPECT_EQ(requests[1].messages[2], (ChatMessage{"assistant", "I would tile it."}));
  EXPECT_NE(requests[1].messages[3].content.find("no fenced C++ program that defines 'scale'"),
            std::string::npos);
}

TEST(LlmProposer, RefusesWhatStaysUnusable) {
  struct Row {
    ChatAnswer answer;
    const char* rule;
  };
  ChatAnswer mended = Saying(AnswerWith(Faster() + "// \xEF\xBF\xBD\n"));
  mended.mended_utf8 = true;
  std::string other_entry = kScaleSource;
  other_entry.replace(other_entry.find("int64_t n)"), 10, "int32_t n)");
  for (const Row& row : {Row{Saying(""), kNoCode}, Row{Saying("prose"), kNoCode},
                         Row{Saying("```python\nscale = 1\n```"), kWrongLanguage},
                         Row{Saying("```cpp\nvoid scale(", ChatEnd::kLength), kCutOff},
                         Row{Saying("", ChatEnd::kTooLarge), kTooLargeAnswer},
                         Row{mended, kNotText}, Row{Saying(AnswerWith(kScaleSource)), kNoChange},
                         Row{Saying(AnswerWith(other_entry)), kChangesEntry}}) {
    SampleContext sample;
    SampleParts parts(OneModel({row.answer}));
    const Proposal proposal = Propose(parts, sample.context);
    EXPECT_EQ(RuleOf(proposal), row.rule);
    EXPECT_EQ(parts.models[0]->requests().size(), 2u) << row.rule << ": once more, not oftener";
    EXPECT_EQ(ExchangeFromJson(parts.exchanges.at(0))->rule, row.rule);
    EXPECT_DOUBLE_EQ(proposal.cost_usd, 0.02);
  }
}

TEST(LlmProposer, DoesNotProposeWhatWasTriedBefore) {
  SampleContext sample;
  sample.context.seen = [](const std::string& source) { return source == Faster(); };
  SampleParts parts(OneModel({Saying(AnswerWith(Faster())), Saying(AnswerWith(Faster("4.0f")))}));
  EXPECT_EQ(Propose(parts, sample.context).source, Faster("4.0f"));
}

TEST(LlmProposer, AppliesEditsWhenAskedForThem) {
  LlmConfig config;
  config.edit = "diff";
  const std::string answer =
      "Rationale: r\n<<<<<<< SEARCH\n    y[i] = 2.0f * x[i];\n=======\n    y[i] = 3.0f * x[i];\n"
      ">>>>>>> REPLACE\n";
  SampleContext sample;
  SampleParts parts(OneModel({Saying(answer)}), config);
  EXPECT_EQ(Propose(parts, sample.context).source, Faster());
  EXPECT_NE(parts.models[0]->requests()[0].messages[0].content.find("<<<<<<< SEARCH"),
            std::string::npos);
  SampleParts twice(OneModel({Saying("<<<<<<< SEARCH\nnot there\n=======\n>>>>>>> REPLACE\n")}),
                    config);
  EXPECT_EQ(RuleOf(Propose(twice, sample.context)), kDoesNotApply);
}

TEST(LlmProposer, MendsAFailedParentAsOftenAsConfigured) {
  SampleContext sample;
  const MemberPtr seed = sample.context.selection.parent;
  const MemberPtr failed =
      MemberOf(4, 0, Faster("x"), CompileFailed{{{"error", 7, 12, "'xf' not declared"}}, ""});
  sample.context.selection.parent = failed;
  sample.context.selection.repair = true;
  sample.context.lineage = {failed, seed};
  LlmConfig config;
  config.repair_steps = 1;
  SampleParts parts(OneModel({Saying(AnswerWith(Faster()))}), config);
  EXPECT_FALSE(Propose(parts, sample.context).parent);
  const std::string asked = parts.models[0]->requests()[0].messages[1].content;
  EXPECT_NE(asked.find("'xf' not declared"), std::string::npos) << asked;
  EXPECT_NE(asked.find("Mend the program"), std::string::npos);
  // After one attempt to mend it, the ancestor that works is improved instead.
  sample.context.children = {MemberOf(5, 4, "y", WrongResult())};
  const Proposal next = Propose(parts, sample.context);
  EXPECT_EQ(next.parent, std::optional<CandidateId>(0));
  EXPECT_EQ(parts.models[0]->requests()[1].messages[1].content.find("'xf'"), std::string::npos);
}

TEST(LlmProposer, AsksAnotherModelWhenOneCannotBeReached) {
  SampleContext sample;
  std::vector<std::unique_ptr<ScriptedModel>> models;
  models.push_back(std::make_unique<ScriptedModel>(
      "gone", std::vector<Result<ChatAnswer>>{Error{ErrorCode::kUnavailable, "gone"}}));
  models.push_back(std::make_unique<ScriptedModel>(
      "there", std::vector<Result<ChatAnswer>>{Saying(AnswerWith(Faster()))}));
  SampleParts parts(std::move(models));
  for (sample.context.seed = 0; sample.context.seed < 20; ++sample.context.seed) {
    EXPECT_EQ(Propose(parts, sample.context).model, "there");
  }
  EXPECT_GT(parts.models[0]->requests().size(), 0u);
  EXPECT_GT(parts.models[1]->requests().size(), parts.models[0]->requests().size());
}

TEST(LlmProposer, PassesOnWhatEndsARun) {
  SampleContext sample;
  for (const ErrorCode code : {ErrorCode::kResourceExhausted, ErrorCode::kUnavailable,
                               ErrorCode::kFailedPrecondition, ErrorCode::kCancelled}) {
    SampleParts parts(OneModel({Error{code, "why"}}));
    LlmProposer proposer(parts.parts, LlmParts::Kind::kLlm);
    EXPECT_EQ(proposer.Propose(sample.context, {}).error().code, code);
    EXPECT_TRUE(parts.exchanges.empty());
  }
}

TEST(LlmProposer, RecordsAPaidAnswerEvenWhenTheBudgetEndsBeforeTheSecond) {
  SampleContext sample;
  SampleParts parts(OneModel({Saying("prose"), Error{ErrorCode::kResourceExhausted, "spent"}}));
  const Proposal proposal = Propose(parts, sample.context);
  EXPECT_EQ(RuleOf(proposal), kNoCode);
  EXPECT_DOUBLE_EQ(proposal.cost_usd, 0.01);
  EXPECT_EQ(ExchangeFromJson(parts.exchanges.at(0))->calls[1].error_code, "resource exhausted");
}

TEST(LlmProposer, RefusesAPromptThatCannotBeMadeToFitWithoutAsking) {
  LlmConfig config;
  config.max_prompt_tokens = 256;
  SampleContext sample;
  SampleParts parts(OneModel({Saying(AnswerWith(Faster()))}), config);
  EXPECT_EQ(RuleOf(Propose(parts, sample.context)), kPromptTooLong);
  EXPECT_TRUE(parts.models[0]->requests().empty());
}

TEST(BestOfN, SamplesFromTheSeedWithoutHistory) {
  SampleContext sample;
  const MemberPtr seed = sample.context.selection.parent;
  const MemberPtr later = MemberOf(3, 0, Faster("8.0f"), Speed(2));
  sample.context.selection.parent = later;
  sample.context.selection.inspirations = {later};
  sample.context.lineage = {later, seed};
  sample.context.failures = {MemberOf(9, 3, "x", WrongResult())};
  SampleParts parts(OneModel({Saying(AnswerWith(Faster()))}));
  const Proposal proposal = Propose(parts, sample.context, LlmParts::Kind::kBestOfN);
  EXPECT_EQ(proposal.parent, std::optional<CandidateId>(0));
  const std::string asked = parts.models[0]->requests()[0].messages[1].content;
  EXPECT_NE(asked.find("2.0f"), std::string::npos);
  EXPECT_EQ(asked.find("8.0f"), std::string::npos);
  EXPECT_EQ(asked.find("because of 9"), std::string::npos);
}

TEST(Replay, TheSameAnswersGiveTheSameProposalWithoutAModel) {
  SampleContext sample;
  SampleParts live(OneModel({Saying("prose"), Saying(AnswerWith(Faster()))}));
  const Proposal first = Propose(live, sample.context);
  auto record = std::make_shared<ReplayChatModel::Record>();
  (*record)[7] = *ExchangeFromJson(live.exchanges.at(0));
  std::vector<std::unique_ptr<ChatModel>> models;
  models.push_back(std::make_unique<ReplayChatModel>("m", record, true));
  SampleParts again(OneModel({Saying("never asked")}));
  LlmParts parts = again.parts;
  parts.models = std::make_shared<const ModelPool>(std::move(models), again.parts.config.models, 1);
  LlmProposer proposer(parts, LlmParts::Kind::kLlm);
  const Result<std::optional<Proposal>> second = proposer.Propose(sample.context, {});
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ((*second)->source, first.source);
  EXPECT_EQ((*second)->cost_usd, first.cost_usd);
  EXPECT_EQ(again.exchanges.at(0), live.exchanges.at(0)) << "the same record once more";
  sample.context.step = 8;
  EXPECT_EQ(proposer.Propose(sample.context, {}).error().code, ErrorCode::kNotFound);
}

Exchange SampleExchange() {
  Exchange exchange;
  exchange.step = 3;
  exchange.proposer = "llm";
  exchange.rule = "r";
  exchange.reason = "why";
  ExchangeCall call{"improve",
                    "m",
                    {{"system", "s"}, {"user", "ü\n"}},
                    18446744073709551615ULL,
                    Saying("text", ChatEnd::kLength),
                    "",
                    ""};
  call.answer.mended_utf8 = true;
  exchange.calls = {call, {"retry", "m", {}, 1, {}, "unavailable", "gone"}};
  return exchange;
}

TEST(Exchange, OfVersionOneIsWrittenAsEver) {
  const std::string path = KS_SOURCE_DIR "/tests/golden/llm_exchange_v1.json";
  const Result<std::string> golden = PosixFileSystem().Read(path, kMaxTextFileBytes);
  ASSERT_TRUE(golden.ok()) << golden.error().message;
  EXPECT_EQ(ExchangeToJson(SampleExchange()) + "\n", *golden);
}

TEST(Exchange, IsReadAsItWasWritten) {
  const std::string json = ExchangeToJson(SampleExchange());
  const Result<Exchange> read = ExchangeFromJson(json);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(ExchangeToJson(*read), json);
  EXPECT_EQ(read->calls[0].seed, 18446744073709551615ULL);
  EXPECT_EQ(read->calls[0].answer.end, ChatEnd::kLength);
  EXPECT_EQ(read->calls[1].error, "gone");
  for (const char* bad : {"", "{}", "[]", "{\"version\":2}", "{\"version\":1,\"step\":\"x\"}"}) {
    EXPECT_EQ(ExchangeFromJson(bad).error().code, ErrorCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace ks

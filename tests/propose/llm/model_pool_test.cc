#include "propose/llm/model_pool.h"

#include <gtest/gtest.h>

#include "tests/propose/llm/scripted_model.h"

namespace ks {
namespace {

ModelPool Pool(std::vector<ModelConfig> configs, double cost_exponent = 0.5) {
  std::vector<std::unique_ptr<ChatModel>> models;
  for (const ModelConfig& config : configs) {
    models.push_back(
        std::make_unique<ScriptedModel>(config.name, std::vector<Result<ChatAnswer>>{}));
  }
  return {std::move(models), std::move(configs), cost_exponent};
}

ModelConfig Named(const std::string& name, double price = 0, double weight = 1) {
  ModelConfig config;
  config.name = name;
  config.price_in = config.price_out = price;
  config.weight = weight;
  return config;
}

// How often each of 400 draws puts "b" first.
int FirstOfB(const ModelPool& pool, const std::map<std::string, SkillRecord>& records) {
  int first = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    first += pool.Order(records, 1000, 100, seed, "").front()->name() == "b" ? 1 : 0;
  }
  return first;
}

TEST(ModelPool, TriesAllWhoAreEquallyUnknown) {
  const ModelPool pool = Pool({Named("a"), Named("b")});
  EXPECT_NEAR(FirstOfB(pool, {}), 200, 60);
}

TEST(ModelPool, PrefersWhoHeldMoreAndGainedMore) {
  const ModelPool pool = Pool({Named("a"), Named("b")});
  EXPECT_GT(FirstOfB(pool, {{"a", {40, 40, 2, 0.2}}, {"b", {40, 40, 20, 2.0}}}), 390);
  EXPECT_GT(FirstOfB(pool, {{"a", {40, 40, 10, 0.3}}, {"b", {40, 40, 10, 3.0}}}), 380);
}

TEST(ModelPool, WeighsTheCost) {
  EXPECT_GT(FirstOfB(Pool({Named("a", 100), Named("b", 1)}), {}), 340);
  EXPECT_NEAR(FirstOfB(Pool({Named("a", 100), Named("b", 1)}, 0), {}), 200, 60);
  EXPECT_NEAR(FirstOfB(Pool({Named("a", 100), Named("b", 0)}), {}), 200, 60)
      << "of what costs nothing nothing is known: it counts as the cheapest that does";
  EXPECT_GT(FirstOfB(Pool({Named("a", 0, 1), Named("b", 0, 20)}), {}), 340) << "weights";
}

SkillRecord Paid(int proposals, double usd, int64_t prompt, int64_t answer) {
  SkillRecord record{40, 40, 10, 1.0};
  record.paid = proposals;
  record.cost_usd = usd;
  record.prompt_tokens = prompt;
  record.answer_tokens = answer;
  return record;
}

TEST(ModelPool, CountsWhatProposalsReallyCost) {
  // Equal prices, but "a" thinks a hundred times longer.
  const ModelPool pool = Pool({Named("a", 10), Named("b", 10)}, 1);
  EXPECT_NEAR(FirstOfB(pool, {{"a", Paid(0, 0, 0, 0)}, {"b", Paid(0, 0, 0, 0)}}), 200, 60);
  EXPECT_GT(
      FirstOfB(pool, {{"a", Paid(40, 4.004, 400, 400'000)}, {"b", Paid(40, 0.044, 400, 4000)}}),
      390);
  EXPECT_NEAR(FirstOfB(Pool({Named("a", 10), Named("b", 10)}, 0),
                       {{"a", Paid(40, 4.004, 400, 400'000)}, {"b", Paid(40, 0.044, 400, 4000)}}),
              200, 60);
}

TEST(ModelPool, JudgesAModelThatWasNotPaidYetByTheTokensOfTheOthers) {
  // "b" is taken to need the 1000 tokens of "a": 0.01 USD. "a" cost 0.001 or 0.1.
  const ModelPool pool = Pool({Named("a", 100), Named("b", 10)}, 1);
  EXPECT_LT(FirstOfB(pool, {{"a", Paid(40, 0.4 * 0.1, 20'000, 20'000)}, {"b", {40, 40, 10, 1.0}}}),
            FirstOfB(pool, {{"a", Paid(40, 4, 20'000, 20'000)}, {"b", {40, 40, 10, 1.0}}}));
}

TEST(ModelPool, PutsTheModelOfARoleFirstAndIsDeterministic) {
  const ModelPool pool = Pool({Named("a"), Named("b"), Named("c")});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(pool.Order({}, 1, 1, seed, "c").front()->name(), "c");
    const auto once = pool.Order({}, 1, 1, seed, "");
    EXPECT_EQ(once, pool.Order({}, 1, 1, seed, ""));
    EXPECT_EQ(once.size(), 3u) << "all are there, for when the first cannot be reached";
  }
}

}  // namespace
}  // namespace ks

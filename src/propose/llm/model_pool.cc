#include "propose/llm/model_pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/rng.h"

namespace ks {
namespace {

// Nearly a draw from Beta(1 + held, 1 + lost): a normal draw of log(x / (1 - x)), its mean and
// deviation by the delta method. One draw each, so that models do not disturb each other's.
double DrawChance(double held, double lost, Rng& rng) {
  const double a = 1 + held, b = 1 + lost;
  const double logit = std::log(a / b) + rng.Normal() * std::sqrt(1 / a + 1 / b);
  return 1 / (1 + std::exp(-logit));
}

SkillRecord RecordOf(const std::map<std::string, SkillRecord>& records, const std::string& name) {
  const auto found = records.find(name);
  return found == records.end() ? SkillRecord() : found->second;
}

}  // namespace

ModelPool::ModelPool(std::vector<std::unique_ptr<ChatModel>> models,
                     std::vector<ModelConfig> configs, double cost_exponent)
    : models_(std::move(models)), configs_(std::move(configs)), cost_exponent_(cost_exponent) {
  KS_CHECK(!models_.empty() && models_.size() == configs_.size());
}

std::vector<double> ModelPool::Costs(const std::map<std::string, SkillRecord>& records,
                                     double prompt_tokens, double answer_tokens) const {
  double paid = 0, prompts = 0, answers = 0;
  for (const ModelConfig& config : configs_) {
    const SkillRecord record = RecordOf(records, config.name);
    paid += record.paid;
    prompts += static_cast<double>(record.prompt_tokens);
    answers += static_cast<double>(record.answer_tokens);
  }
  if (paid > 0) {
    prompt_tokens = prompts / paid;
    answer_tokens = answers / paid;
  }
  std::vector<double> costs;
  for (const ModelConfig& config : configs_) {
    const SkillRecord record = RecordOf(records, config.name);
    const double estimate =
        (prompt_tokens * config.price_in + answer_tokens * config.price_out) * 1e-6;
    costs.push_back((estimate + record.cost_usd) / (1 + record.paid));
  }
  return costs;
}

std::vector<ChatModel*> ModelPool::Order(const std::map<std::string, SkillRecord>& records,
                                         int64_t prompt_tokens, int64_t answer_tokens,
                                         uint64_t seed, const std::string& role) const {
  const double prior = std::log(1.1);
  const std::vector<double> cost =
      Costs(records, static_cast<double>(prompt_tokens), static_cast<double>(answer_tokens));
  double cheapest = INFINITY;
  for (const double one : cost) cheapest = one > 0 ? std::min(cheapest, one) : cheapest;
  std::vector<double> score(models_.size());
  Rng rng(DeriveSeed(seed, "model", 0));
  for (size_t i = 0; i < models_.size(); ++i) {
    const SkillRecord record = RecordOf(records, configs_[i].name);
    const double chance = DrawChance(record.held, std::max(0, record.tried - record.held), rng);
    const double gain = (prior + record.log_gain) / (1 + record.held);
    // One that costs nothing counts as the cheapest that does.
    const double price = cost[i] > 0 ? std::pow(cost[i] / cheapest, cost_exponent_) : 1;
    score[i] = chance * gain * configs_[i].weight / price;
    if (!role.empty() && configs_[i].name == role) score[i] = INFINITY;
  }
  std::vector<size_t> order(models_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return score[a] > score[b]; });
  std::vector<ChatModel*> models;
  for (const size_t i : order) models.push_back(models_[i].get());
  return models;
}

}  // namespace ks

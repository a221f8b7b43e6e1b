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

}  // namespace

ModelPool::ModelPool(std::vector<std::unique_ptr<ChatModel>> models,
                     std::vector<ModelConfig> configs, double cost_exponent)
    : models_(std::move(models)), configs_(std::move(configs)), cost_exponent_(cost_exponent) {
  KS_CHECK(!models_.empty() && models_.size() == configs_.size());
}

std::vector<ChatModel*> ModelPool::Order(const std::map<std::string, SkillRecord>& records,
                                         int64_t prompt_tokens, int64_t answer_tokens,
                                         uint64_t seed, const std::string& role) const {
  const double prior = std::log(1.1);
  std::vector<double> cost(models_.size());
  double cheapest = INFINITY;
  for (size_t i = 0; i < models_.size(); ++i) {
    cost[i] = static_cast<double>(prompt_tokens) * configs_[i].price_in +
              static_cast<double>(answer_tokens) * configs_[i].price_out;
    if (cost[i] > 0) cheapest = std::min(cheapest, cost[i]);
  }
  std::vector<double> score(models_.size());
  Rng rng(DeriveSeed(seed, "model", 0));
  for (size_t i = 0; i < models_.size(); ++i) {
    const auto found = records.find(configs_[i].name);
    const SkillRecord record = found == records.end() ? SkillRecord() : found->second;
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

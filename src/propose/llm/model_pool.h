// The models of a run and which of them is asked next.
#ifndef KS_PROPOSE_LLM_MODEL_POOL_H_
#define KS_PROPOSE_LLM_MODEL_POOL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/llm_config.h"
#include "core/proposer.h"
#include "propose/llm/chat.h"

namespace ks {

// Immutable and thread-safe.
//
// A cost-aware bandit by Thompson sampling: of each model a chance to improve is drawn from
// (nearly) Beta(1 + held, 1 + tried - held), times its mean log gain (shrunk towards that of a 10 %
// gain by one observation), times its weight, over (cost of a proposal / that of the cheapest) to
// the power cost_exponent. The cost is what its proposals have cost so far, repetitions included,
// on average with one estimate: the tokens of all models' proposals (before there are any, those
// of the call) at its prices. The draw depends on the records of the context (folded in step order)
// and a seed only, so it replays; unlike an upper bound, it spreads requests that are in flight
// together.
class ModelPool {
 public:
  // REQUIRES: as many models as configs, at least one.
  ModelPool(std::vector<std::unique_ptr<ChatModel>> models, std::vector<ModelConfig> configs,
            double cost_exponent);

  // The models, the best draw first: who is asked, and who when that one cannot be reached.
  // `role`: name of the model to put first; empty: none. `records` by model name.
  std::vector<ChatModel*> Order(const std::map<std::string, SkillRecord>& records,
                                int64_t prompt_tokens, int64_t answer_tokens, uint64_t seed,
                                const std::string& role) const;
  size_t size() const { return models_.size(); }

 private:
  // Of a proposal, by model. USD.
  std::vector<double> Costs(const std::map<std::string, SkillRecord>& records, double prompt_tokens,
                            double answer_tokens) const;

  const std::vector<std::unique_ptr<ChatModel>> models_;
  const std::vector<ModelConfig> configs_;
  const double cost_exponent_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_MODEL_POOL_H_

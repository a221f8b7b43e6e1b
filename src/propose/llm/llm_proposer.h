// Proposers that ask language models for one improved program.
#ifndef KS_PROPOSE_LLM_LLM_PROPOSER_H_
#define KS_PROPOSE_LLM_LLM_PROPOSER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/llm_config.h"
#include "core/proposer.h"
#include "propose/llm/conversation.h"
#include "propose/llm/model_pool.h"
#include "propose/llm/prompt.h"

namespace ks {

// What all proposers with models are made of. Everything in it is thread-safe.
struct LlmParts {
  LlmConfig config;
  std::shared_ptr<const ModelPool> models;
  std::shared_ptr<const PromptWriter> prompts;
  SkillNotes skills;  // null: none are shown
  ExchangeSink sink;  // null: nothing is recorded
  // kLlm: one improvement of the parent, or its repair. kBestOfN: one sample from the seed, without
  // history.
  enum class Kind { kLlm, kBestOfN };
};

// What a model is asked to write, and how its answer becomes a child of the context's parent.
struct WriteTask {
  std::string purpose;  // the template's name, and the word in the record
  AnswerForm form = AnswerForm::kRewrite;
  std::string role;  // model to ask first; empty: drawn
  TemplateFields more;
  std::vector<SkillNote> skills;
};

// Asks for a program, gives an answer that cannot be used back once with the reason, and records
// all of it. An answer that still cannot be used is a refused proposal. ERRORS: the model's, the
// sink's, the sources'.
Result<Proposal> AskForProgram(const LlmParts& parts, const ProposalContext& context,
                               const PromptSources& sources, const WriteTask& task,
                               Conversation& talk, std::stop_token stop);

// Thread-safe. Deterministic in the context and in what the models answer.
class LlmProposer final : public Proposer {
 public:
  LlmProposer(LlmParts parts, LlmParts::Kind kind) : parts_(std::move(parts)), kind_(kind) {}
  // A failed parent gets at most [llm] repair_steps attempts to mend it; after that, its nearest
  // ancestor that works is improved instead.
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override;
  bool slow() const override { return true; }

 private:
  const LlmParts parts_;
  const LlmParts::Kind kind_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_LLM_PROPOSER_H_

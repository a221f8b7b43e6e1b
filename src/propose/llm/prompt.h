// From what the engine knows to what a model reads: sections in templates, within a budget of
// tokens.
#ifndef KS_PROPOSE_LLM_PROMPT_H_
#define KS_PROPOSE_LLM_PROMPT_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/proposer.h"
#include "propose/llm/chat.h"
#include "propose/llm/edit.h"
#include "propose/llm/skill_notes.h"
#include "propose/llm/template.h"

namespace ks {

inline constexpr char kPromptTooLong[] = "prompt_too_long";

struct Prompt {
  std::vector<ChatMessage> messages;
  int64_t tokens = 0;            // estimated
  std::vector<std::string> cut;  // sections that lost something, in the order of cutting
};

// The texts behind a context.
struct PromptSources {
  std::string current;
  std::vector<std::string> inspirations;
};
// ERRORS: those of Source::Load.
Result<PromptSources> LoadSources(const ProposalContext& context);

// How a model is asked to answer.
enum class AnswerForm { kRewrite, kDiff, kJson };

// Immutable and thread-safe. Text of candidates goes into the user's message only, between fences
// that it cannot close. It may say whatever it likes there: nothing that a model answers is
// believed, the judge is no model.
class PromptWriter {
 public:
  PromptWriter(std::shared_ptr<const PromptTemplates> templates, int64_t max_tokens)
      : templates_(std::move(templates)), max_tokens_(max_tokens) {}

  // `name`: the user message's template ("improve", "repair", "sample", "design", "write",
  // "select"); `more`: fields beside those of the context. Over the budget, items are cut one by
  // one: diverse programs, top programs, the reference program of an experiment, failures, skills,
  // attempts (oldest first), the task's reference, the machine; never the role, the constraints,
  // the task, the current program or its feedback. ERRORS as data: kPromptTooLong.
  std::variant<Prompt, EditFailure> Write(const std::string& name, AnswerForm form,
                                          const ProposalContext& context,
                                          const PromptSources& sources,
                                          const std::vector<SkillNote>& skills,
                                          const TemplateFields& more = {}) const;
  // What is said after an answer that could not be used.
  ChatMessage Retry(const std::string& reason) const;

 private:
  std::string SystemText(AnswerForm form, const ProposalContext& context) const;

  const std::shared_ptr<const PromptTemplates> templates_;
  const int64_t max_tokens_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_PROMPT_H_

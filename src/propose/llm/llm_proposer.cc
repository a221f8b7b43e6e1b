#include "propose/llm/llm_proposer.h"

#include <algorithm>
#include <utility>

#include "base/rng.h"
#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/llm/answer_text.h"
#include "propose/llm/entry_check.h"

namespace ks {
namespace {

constexpr size_t kMaxRepeatedAnswer = 32u << 10;  // of a refused answer, in the next request
constexpr size_t kMaxRecordedAnswer = 64u << 10;  // of a refused answer, as the candidate's text
constexpr char kRepeats[] = "edit_repeats";

// The child that an answer asks for.
EditResult ChildOf(const ChatAnswer& answer, AnswerForm form, const ProposalContext& context,
                   const std::string& parent) {
  EditResult child = std::string();
  if (form == AnswerForm::kDiff) {
    auto edits = EditsIn(answer);
    if (auto* failure = std::get_if<EditFailure>(&edits)) return *failure;
    child = ApplySearchReplace(parent, *std::get_if<std::vector<SearchReplace>>(&edits));
  } else {
    const bool on_cpu = context.backend.empty() || context.backend == "cpu";
    auto program = ProgramIn(answer, {context.backend, on_cpu ? context.task->entry : "ksmith"});
    if (auto* failure = std::get_if<EditFailure>(&program)) return *failure;
    child = ApplyRewrite(parent, *std::get_if<std::string>(&program));
  }
  const auto* source = std::get_if<std::string>(&child);
  if (source == nullptr) return child;
  if (auto failure = CheckEntry(*source, *context.task, context.backend)) return *failure;
  if (context.seen && context.seen(*source)) {
    return EditFailure{kRepeats, "this program was tried before; change something else"};
  }
  return child;
}

// The parent was mended as often as it may be.
bool PastRepair(const ProposalContext& context, const LlmConfig& config) {
  return static_cast<int64_t>(context.children.size()) >= config.repair_steps;
}

// The nearest ancestor that works; the parent itself when the context knows none.
MemberPtr MeasuredAncestor(const ProposalContext& context) {
  for (const MemberPtr& ancestor : context.lineage) {
    if (ancestor->measured() != nullptr) return ancestor;
  }
  return context.selection.parent;
}

// The seed of the run, as far as the context reaches back.
MemberPtr SeedOf(const ProposalContext& context) {
  return context.lineage.empty() ? context.selection.parent : context.lineage.back();
}

// The context as a model is to see it: another parent than the one selected where that is past
// repair, or when only the seed counts.
ProposalContext ContextFor(const ProposalContext& context, const LlmConfig& config, bool sample) {
  ProposalContext shown = context;
  if (sample) {
    shown.selection.parent = SeedOf(context);
    shown.selection.inspirations.clear();
    shown.lineage.clear();
    shown.failures.clear();
  } else if (context.selection.repair && PastRepair(context, config)) {
    shown.selection.parent = MeasuredAncestor(context);
    shown.lineage.erase(shown.lineage.begin(), std::find(shown.lineage.begin(), shown.lineage.end(),
                                                         shown.selection.parent));
  } else {
    return shown;
  }
  shown.selection.repair = false;
  shown.children.clear();
  return shown;
}

}  // namespace

Result<Proposal> AskForProgram(const LlmParts& parts, const ProposalContext& context,
                               const PromptSources& sources, const WriteTask& task,
                               Conversation& talk, std::stop_token stop) {
  auto written =
      parts.prompts->Write(task.purpose, task.form, context, sources, task.skills, task.more);
  if (const auto* failure = std::get_if<EditFailure>(&written)) {
    Proposal proposal;
    proposal.skill = "none";
    return talk.Refuse(std::move(proposal), failure->rule, failure->reason, parts.sink);
  }
  Prompt prompt = *std::get_if<Prompt>(&written);
  std::vector<ChatModel*> models = parts.models->Order(
      context.skills, prompt.tokens, parts.config.max_answer_tokens / 8, context.seed, task.role);
  KS_ASSIGN_OR_RETURN(ChatAnswer answer, talk.Ask(task.purpose, models, prompt.messages, stop));
  for (bool again = false;; again = true) {
    EditResult child = ChildOf(answer, task.form, context, sources.current);
    Proposal proposal;
    proposal.rationale = RationaleIn(answer);
    if (auto* source = std::get_if<std::string>(&child)) {
      proposal.source = std::move(*source);
      return talk.Finish(std::move(proposal), parts.sink);
    }
    const EditFailure& failure = *std::get_if<EditFailure>(&child);
    proposal.source = Shorten(answer.text, kMaxRecordedAnswer);
    if (again) return talk.Refuse(std::move(proposal), failure.rule, failure.reason, parts.sink);
    prompt.messages.push_back({"assistant", Shorten(answer.text, kMaxRepeatedAnswer)});
    prompt.messages.push_back(parts.prompts->Retry(failure.reason));
    // The one that answered, then those that come after it.
    const auto asked = std::find(models.begin(), models.end(), talk.answered_by());
    models.erase(models.begin(), asked);
    Result<ChatAnswer> second = talk.Ask("retry", models, prompt.messages, stop);
    // Nobody left to ask, no money or a stop: the first answer was paid for and is recorded.
    if (!second.ok()) {
      return talk.Refuse(std::move(proposal), failure.rule, failure.reason, parts.sink);
    }
    answer = *std::move(second);
  }
}

Result<std::optional<Proposal>> LlmProposer::Propose(const ProposalContext& context,
                                                     std::stop_token stop) {
  const bool sample = kind_ == LlmParts::Kind::kBestOfN;
  const ProposalContext shown = ContextFor(context, parts_.config, sample);
  const bool repair = shown.selection.repair;
  KS_ASSIGN_OR_RETURN(const PromptSources sources, LoadSources(shown));
  WriteTask task;
  task.purpose = sample ? "sample" : repair ? "repair" : "improve";
  if (parts_.config.edit == "diff" && !sample) task.form = AnswerForm::kDiff;
  if (!sample && !repair && parts_.skills) task.skills = parts_.skills(shown, sources.current);
  Conversation talk(shown, sample ? "best_of_n" : "llm");
  KS_ASSIGN_OR_RETURN(Proposal proposal,
                      AskForProgram(parts_, shown, sources, task, talk, std::move(stop)));
  if (shown.selection.parent != context.selection.parent) {
    proposal.parent = shown.selection.parent->id;
  }
  return std::optional(std::move(proposal));
}

}  // namespace ks

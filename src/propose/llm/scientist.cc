#include "propose/llm/scientist.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"
#include "propose/llm/answer_text.h"
#include "propose/llm/feedback.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxTextBytes = 4000;
constexpr size_t kKeptRounds = 2048;  // more than steps can be in flight

std::string TextAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// Everybody that the context shows, once each; the selected parent first.
std::vector<MemberPtr> Population(const ProposalContext& context) {
  std::vector<MemberPtr> members;
  std::set<CandidateId> known;
  const auto add = [&](const MemberPtr& member) {
    if (member->measured() != nullptr && known.insert(member->id).second) {
      members.push_back(member);
    }
  };
  add(context.selection.parent);
  for (const MemberPtr& member : context.selection.inspirations) add(member);
  for (const MemberPtr& member : context.lineage) add(member);
  return members;
}

std::string PopulationText(const std::vector<MemberPtr>& members) {
  std::string text;
  for (const MemberPtr& member : members) {
    text += fmt::format("- {}; made from {}", AttemptLine(*member), CandidateName(member->parent));
    for (const WorkloadTiming& timing : member->measured()->timings) {
      text += fmt::format("; {}: {}", timing.workload, FormatNs(timing.median_ns));
    }
    text += "\n";
  }
  return text;
}

MemberPtr Named(const std::vector<MemberPtr>& members, const std::string& name) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const MemberPtr& member) {
    return CandidateName(member->id) == name;
  });
  return found == members.end() ? nullptr : *found;
}

MemberPtr Fastest(const std::vector<MemberPtr>& members) {
  const auto found =
      std::max_element(members.begin(), members.end(), [](const MemberPtr& a, const MemberPtr& b) {
        return a->measured()->speedup.low < b->measured()->speedup.low;
      });
  return found == members.end() ? nullptr : *found;
}

// The context with another parent; what belonged to the old one left out.
ProposalContext With(const ProposalContext& context, const MemberPtr& parent) {
  ProposalContext other = context;
  other.selection.repair = false;
  if (parent == nullptr || parent == context.selection.parent) return other;
  other.selection.parent = parent;
  other.children.clear();
  const auto at = std::find(other.lineage.begin(), other.lineage.end(), parent);
  other.lineage.erase(other.lineage.begin(), at);
  return other;
}

std::string ExperimentText(const Experiment& experiment) {
  std::string text = experiment.description + "\n";
  for (const std::string& line : experiment.rubric) text += "- " + line + "\n";
  return text;
}

Result<std::string> RivalText(const MemberPtr& reference, const std::string& backend) {
  if (reference == nullptr) return std::string();
  KS_ASSIGN_OR_RETURN(const std::string source, reference->source.Load());
  return AttemptLine(*reference) + "\n" + Fenced(source, FenceName(backend));
}

}  // namespace

Result<ScientistProposer::RoundPtr> ScientistProposer::Design(const ProposalContext& context,
                                                              Conversation& talk,
                                                              std::stop_token stop) const {
  const auto nothing = std::make_shared<const Round>();
  const auto order = [&](int64_t tokens, const std::string& role) {
    return parts_.models->Order(context.skills, tokens, parts_.config.max_answer_tokens / 8,
                                context.seed, role);
  };
  const std::vector<MemberPtr> members = Population(context);
  Round round;
  round.base = Fastest(members);
  if (round.base == nullptr) return nothing;
  if (members.size() > 1) {
    ProposalContext listed = context;
    listed.selection.inspirations.clear();
    KS_ASSIGN_OR_RETURN(const PromptSources sources, LoadSources(listed));
    auto written = parts_.prompts->Write("select", AnswerForm::kJson, listed, sources, {},
                                         {{"kernels", PopulationText(members)}});
    const auto* prompt = std::get_if<Prompt>(&written);
    if (prompt == nullptr) return nothing;
    KS_ASSIGN_OR_RETURN(
        const ChatAnswer answer,
        talk.Ask("select", order(prompt->tokens, parts_.config.selector), prompt->messages, stop));
    const Json choice = Json::parse(JsonIn(answer), nullptr, false);
    if (choice.is_object()) {
      if (MemberPtr base = Named(members, TextAt(choice, "base"))) round.base = std::move(base);
      round.reference = Named(members, TextAt(choice, "reference"));
    }
    if (round.reference == round.base) round.reference = nullptr;
  }
  ProposalContext shown = With(context, round.base);
  shown.selection.inspirations.clear();
  KS_ASSIGN_OR_RETURN(const PromptSources sources, LoadSources(shown));
  KS_ASSIGN_OR_RETURN(const std::string rival, RivalText(round.reference, context.backend));
  std::vector<SkillNote> skills;
  if (parts_.skills) skills = parts_.skills(shown, sources.current);
  auto written = parts_.prompts->Write("design", AnswerForm::kJson, shown, sources, skills,
                                       {{"rivals", rival}});
  auto* prompt = std::get_if<Prompt>(&written);
  if (prompt == nullptr) return nothing;
  for (const char* purpose : {"design", "retry"}) {
    KS_ASSIGN_OR_RETURN(
        const ChatAnswer answer,
        talk.Ask(purpose, order(prompt->tokens, parts_.config.designer), prompt->messages, stop));
    round.experiments = PickThree(ExperimentsIn(JsonIn(answer)));
    if (!round.experiments.empty()) return std::make_shared<const Round>(std::move(round));
    prompt->messages.push_back({"assistant", Shorten(answer.text, kMaxTextBytes)});
    prompt->messages.push_back(parts_.prompts->Retry("it holds no JSON object with experiments"));
  }
  return nothing;
}

void ScientistProposer::Publish(int64_t step, RoundPtr round) {
  const std::lock_guard lock(mutex_);
  rounds_[step] = std::move(round);
  if (rounds_.size() > kKeptRounds) rounds_.erase(rounds_.begin());
  published_.notify_all();
}

ScientistProposer::RoundPtr ScientistProposer::Await(int64_t step, std::stop_token stop) {
  int64_t begin = step;
  while (begin > 0 && !begins_round_(begin)) --begin;
  std::unique_lock lock(mutex_);
  published_.wait(lock, std::move(stop), [&] { return rounds_.count(begin) > 0; });
  const auto found = rounds_.find(begin);
  return found == rounds_.end() ? nullptr : found->second;
}

Result<Proposal> ScientistProposer::Write(const ProposalContext& context, const Round& round,
                                          size_t slot, Conversation& talk,
                                          std::stop_token stop) const {
  const bool designed = round.base != nullptr && slot < round.experiments.size();
  ProposalContext shown = designed ? With(context, round.base) : context;
  WriteTask task;
  task.role = parts_.config.writer;
  task.purpose = context.selection.repair && !designed ? "repair" : "improve";
  if (parts_.config.edit == "diff") task.form = AnswerForm::kDiff;
  if (designed) {
    shown.selection.inspirations.clear();
    task.purpose = "write";
    task.more["experiment"] = ExperimentText(round.experiments[slot]);
    KS_ASSIGN_OR_RETURN(task.more["rivals"], RivalText(round.reference, context.backend));
  }
  KS_ASSIGN_OR_RETURN(const PromptSources sources, LoadSources(shown));
  KS_ASSIGN_OR_RETURN(Proposal proposal,
                      AskForProgram(parts_, shown, sources, task, talk, std::move(stop)));
  if (designed && proposal.rationale.empty()) {
    proposal.rationale = Shorten(round.experiments[slot].description, kMaxTextBytes);
  }
  if (shown.selection.parent != context.selection.parent) {
    proposal.parent = shown.selection.parent->id;
  }
  return proposal;
}

Result<std::optional<Proposal>> ScientistProposer::Propose(const ProposalContext& context,
                                                           std::stop_token stop) {
  Conversation talk(context, "scientist");
  RoundPtr round;
  size_t slot = 0;
  if (begins_round_(context.step)) {
    Result<RoundPtr> designed = Design(context, talk, stop);
    // Those who wait go on by themselves, whatever came of it.
    Publish(context.step, designed.ok() ? *designed : std::make_shared<const Round>());
    if (!designed.ok() && !talk.paid()) return designed.error();
    if (!designed.ok()) {  // what was paid for is recorded; the next step meets the same fault
      Proposal nothing;
      KS_ASSIGN_OR_RETURN(nothing, talk.Refuse(std::move(nothing), "no_answer",
                                               designed.error().message, parts_.sink));
      return std::optional(std::move(nothing));
    }
    round = *designed;
  } else {
    round = Await(context.step, stop);
    if (round == nullptr) return Error{ErrorCode::kCancelled, "stopped"};
    while (slot < kExperimentsPerRound && !begins_round_(context.step - int64_t(slot))) ++slot;
  }
  KS_ASSIGN_OR_RETURN(Proposal proposal, Write(context, *round, slot, talk, std::move(stop)));
  return std::optional(std::move(proposal));
}

}  // namespace ks

#include "propose/llm/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "propose/llm/answer_text.h"
#include "propose/llm/feedback.h"

namespace ks {
namespace {

constexpr size_t kMessageTokens = 8;  // what a chat format adds to a message
constexpr size_t kMaxSkills = 12;
constexpr size_t kMaxHistory = 12;

// A section made of items that can be cut one by one from its end.
struct Section {
  std::string field;
  std::vector<std::string> items;
  bool oldest_last = false;  // shown in reverse
};

std::string TextOf(const Section& section) {
  std::string text;
  for (const std::string& item : section.items) {
    text = section.oldest_last ? item + text : text + item;
  }
  return text;
}

std::string ProgramItem(const Member& member, const std::string& source,
                        const std::string& language) {
  return AttemptLine(member) + "\n" + Fenced(source, language);
}

std::string BottleneckOf(const Member& parent) {
  const Measured* measured = parent.measured();
  return measured == nullptr ? "" : measured->bottleneck;
}

std::vector<std::string> HistoryItems(const ProposalContext& context) {
  std::vector<std::string> items;
  for (const MemberPtr& ancestor : context.lineage) {
    items.push_back("- " + AttemptLine(*ancestor) + "\n");
  }
  // Children of the parent are the latest attempts on this line.
  for (const MemberPtr& child : context.children) {
    items.insert(items.begin(), "- from the current program: " + AttemptLine(*child) + "\n");
  }
  if (items.size() > kMaxHistory) items.resize(kMaxHistory);
  return items;
}

// In the order of cutting.
std::vector<Section> Sections(const ProposalContext& context, const PromptSources& sources,
                              const std::vector<SkillNote>& skills, const TemplateFields& more) {
  const std::string language = FenceName(context.backend);
  Section diverse{"diverse", {}}, top{"top", {}}, rivals{"rivals", {}}, failures{"failures", {}},
      notes{"skills", {}}, history{"history", HistoryItems(context), true},
      reference{"reference", {}}, machine{"machine", {MachineText(*context.machine)}};
  const auto& others = context.selection.inspirations;
  for (size_t i = 0; i < others.size(); ++i) {
    Section& section = i < (others.size() + 1) / 2 ? top : diverse;
    section.items.push_back(ProgramItem(*others[i], sources.inspirations[i], language));
  }
  if (const auto rival = more.find("rivals"); rival != more.end()) {
    rivals.items.push_back(rival->second);
  }
  for (const MemberPtr& failure : context.failures) {
    failures.items.push_back("- " + AttemptLine(*failure) + "\n");
  }
  for (const SkillNote& note : skills) {
    if (notes.items.size() < kMaxSkills) notes.items.push_back("- " + SkillLine(note) + "\n");
  }
  if (!context.task->reference_source.empty()) {
    reference.items.push_back(Fenced(context.task->reference_source, "cpp"));
  }
  return {diverse, top, rivals, failures, notes, history, reference, machine};
}

int64_t TokensOf(const std::vector<ChatMessage>& messages) {
  int64_t tokens = 0;
  for (const ChatMessage& message : messages) {
    tokens += EstimateTokens(message.content.size()) + static_cast<int64_t>(kMessageTokens);
  }
  return tokens;
}

std::string EntryText(const ProposalContext& context) {
  if (context.backend.empty() || context.backend == "cpu") {
    return EntryDeclaration(*context.task, false);
  }
  return "the kernels that the launch directives name, with the arguments given there";
}

}  // namespace

Result<PromptSources> LoadSources(const ProposalContext& context) {
  PromptSources sources;
  KS_ASSIGN_OR_RETURN(sources.current, context.selection.parent->source.Load());
  for (const MemberPtr& other : context.selection.inspirations) {
    KS_ASSIGN_OR_RETURN(std::string source, other->source.Load());
    sources.inspirations.push_back(std::move(source));
  }
  return sources;
}

std::string PromptWriter::SystemText(AnswerForm form, const ProposalContext& context) const {
  const std::string backend = context.backend.empty() ? "cpu" : context.backend;
  TemplateFields fields = {{"backend", backend},
                           {"language", LanguageName(backend)},
                           {"task", context.task->name},
                           {"bottleneck", BottleneckOf(*context.selection.parent)},
                           {"entry", EntryText(context)}};
  const auto filled = [&](const std::string& name) {
    return templates_->Has(name) ? std::string(Trim(templates_->Fill(name, fields)))
                                 : std::string();
  };
  TemplateFields whole = fields;
  whole["role"] = filled("role");
  whole["constraints"] = filled("constraints");
  whole["backend_tips"] = filled("tips_" + backend);
  whole["bottleneck_tips"] = filled("bottleneck_" + fields["bottleneck"]);
  if (form == AnswerForm::kRewrite) whole["answer_format"] = filled("answer_rewrite");
  if (form == AnswerForm::kDiff) whole["answer_format"] = filled("answer_diff");
  return templates_->Fill("system", whole);
}

std::variant<Prompt, EditFailure> PromptWriter::Write(const std::string& name, AnswerForm form,
                                                      const ProposalContext& context,
                                                      const PromptSources& sources,
                                                      const std::vector<SkillNote>& skills,
                                                      const TemplateFields& more) const {
  const Member& parent = *context.selection.parent;
  TemplateFields fields = more;
  fields["backend"] = context.backend.empty() ? "cpu" : context.backend;
  fields["language"] = LanguageName(context.backend);
  fields["task"] = context.task->name;
  fields["entry"] = EntryText(context);
  fields["problem"] = ProblemText(*context.task);
  fields["bottleneck"] = BottleneckOf(parent);
  fields["current"] = Fenced(sources.current, FenceName(context.backend));
  fields["feedback"] = FeedbackText(parent.evaluation, sources.current);
  std::vector<Section> sections = Sections(context, sources, skills, more);
  Prompt prompt;
  prompt.messages = {{"system", SystemText(form, context)}, {"user", ""}};
  for (;;) {
    for (const Section& section : sections) fields[section.field] = TextOf(section);
    prompt.messages[1].content = templates_->Fill(name, fields);
    prompt.tokens = TokensOf(prompt.messages);
    if (prompt.tokens <= max_tokens_) return prompt;
    const auto next = std::find_if(sections.begin(), sections.end(),
                                   [](const Section& section) { return !section.items.empty(); });
    if (next == sections.end()) {
      return EditFailure{
          kPromptTooLong,
          fmt::format("the shortest prompt for this program has about {} tokens, [llm] "
                      "max_prompt_tokens is {}",
                      prompt.tokens, max_tokens_)};
    }
    if (prompt.cut.empty() || prompt.cut.back() != next->field) prompt.cut.push_back(next->field);
    next->items.pop_back();
  }
}

ChatMessage PromptWriter::Retry(const std::string& reason) const {
  return {"user", templates_->Fill("retry", {{"reason", reason}})};
}

}  // namespace ks

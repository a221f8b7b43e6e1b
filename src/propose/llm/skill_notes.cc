#include "propose/llm/skill_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "propose/kernel_context.h"

namespace ks {
namespace {

// Posterior mean of "holds", by Laplace's rule of succession.
double Promise(const SkillRecord& record) { return (record.held + 1.0) / (record.tried + 2.0); }

template <typename Skills, typename Context>
void Collect(const Skills& skills, const Context& kernel, const ProposalContext& context,
             std::vector<SkillNote>& notes) {
  for (const auto& skill : skills) {
    if (skill->Edits(kernel).empty()) continue;
    const auto found = context.skills.find(skill->name());
    notes.push_back({skill->name(), std::string(skill->summary()),
                     found == context.skills.end() ? SkillRecord() : found->second});
  }
}

}  // namespace

SkillNotes NotesOfSkills(std::vector<std::unique_ptr<Skill>> skills,
                         std::vector<std::unique_ptr<DeviceSkill>> device_skills) {
  struct Both {
    std::vector<std::unique_ptr<Skill>> cpu;
    std::vector<std::unique_ptr<DeviceSkill>> device;
  };
  auto both = std::make_shared<const Both>(Both{std::move(skills), std::move(device_skills)});
  return [both](const ProposalContext& context, const std::string& source) {
    std::vector<SkillNote> notes;
    const Evaluation* evaluation = &context.selection.parent->evaluation;
    if (DeviceDialectOf(context.backend)) {
      const auto kernel =
          DeviceContext::Make(source, *context.task, *context.machine, context.backend, evaluation);
      if (kernel != nullptr) Collect(both->device, *kernel, context, notes);
    } else {
      const auto kernel = KernelContext::Make(source, *context.task, *context.machine, evaluation);
      if (kernel != nullptr) Collect(both->cpu, *kernel, context, notes);
    }
    std::stable_sort(notes.begin(), notes.end(), [](const SkillNote& a, const SkillNote& b) {
      return Promise(a.record) > Promise(b.record);
    });
    return notes;
  };
}

std::string SkillLine(const SkillNote& note) {
  std::string record = fmt::format("tried {}, held {}", note.record.tried, note.record.held);
  if (note.record.held > 0) {
    record += fmt::format(", mean gain {:.3g}x", std::exp(note.record.log_gain / note.record.held));
  }
  return fmt::format("{} ({}): {}", note.name, record, note.summary);
}

}  // namespace ks

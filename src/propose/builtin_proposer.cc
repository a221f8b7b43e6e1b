#include "propose/builtin_proposer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/rng.h"
#include "core/kernel_source.h"
#include "propose/device/device_repair.h"
#include "propose/repair.h"

namespace ks {
namespace {

constexpr double kExploreProbability = 0.08;
constexpr size_t kExplorePool = 12;

struct Scored {
  Edit edit;
  std::string skill;
  double score = 0;
};

// Gamma(shape, 1) for shape >= 1 (Marsaglia and Tsang, "A simple method for generating gamma
// variables", 2000).
double DrawGamma(double shape, Rng& rng) {
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = rng.Normal();
    const double v = std::pow(1.0 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1.0 - rng.Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double DrawBeta(double a, double b, Rng& rng) {
  const double x = DrawGamma(a, rng), y = DrawGamma(b, rng);
  return x / (x + y);
}

// Prior successes and failures of a kind of edit.
std::pair<double, double> PriorOf(EditKind kind) {
  switch (kind) {
    case EditKind::kStrategy:
      return {4, 2};
    case EditKind::kStructure:
      return {2, 2};
    case EditKind::kFlags:
      return {2, 2};
    case EditKind::kTuning:
      return {2, 3};
    case EditKind::kMicro:
      return {1.5, 3};
  }
  return {1, 1};
}

// Factor by which the parent could still become faster according to the roofline; large when not
// known.
double Headroom(const Measured* measured) {
  double fraction = 0;
  if (measured != nullptr && !measured->timings.empty()) {
    for (const WorkloadTiming& timing : measured->timings) fraction += timing.roofline_fraction;
    fraction /= static_cast<double>(measured->timings.size());
  }
  if (fraction <= 0) return 1e3;
  return std::max(1.03, 1.0 / std::min(fraction, 1.0));
}

// How well a kind of edit fits the parent's bottleneck.
double Relevance(EditKind kind, const Measured* measured) {
  if (measured == nullptr) return 1.0;
  if (measured->bottleneck == "memory" && kind == EditKind::kMicro) return 1.5;
  if (measured->bottleneck == "memory" && kind == EditKind::kFlags) return 0.6;
  return 1.0;
}

int FruitlessChildren(const ProposalContext& context, const std::string& skill) {
  int count = 0;
  for (const MemberPtr& child : context.children) {
    if (child->skill != skill) continue;
    const Measured* measured = child->measured();
    if (measured == nullptr || !measured->gain_significant) ++count;
  }
  return count;
}

// A rewritten loop shows its worth only when compiled for the machine: an edit of a parent that
// still has the default flags brings them along.
std::string CompiledForMachine(const std::string& source, const ProposalContext& context) {
  BuildDirectives directives = ParseBuildDirectives(source);
  if (!(directives == BuildDirectives())) return source;
  directives.flags = {"-O3"};
  if (!context.machine->march_options.empty()) {
    directives.flags.push_back("-march=" + context.machine->march_options.front());
  }
  directives.flags.emplace_back("-fno-math-errno");
  directives.flags.emplace_back("-fno-trapping-math");
  return WithBuildDirectives(source, directives);
}

// The edits of one skill on the parent.
struct SkillEdits {
  std::string skill;
  std::vector<Edit> edits;
};

std::vector<Scored> ScoreEdits(std::vector<SkillEdits> proposals, const ProposalContext& context,
                               Rng& rng) {
  std::vector<Scored> scored;
  const Measured* measured = context.selection.parent->measured();
  const double headroom = std::log(Headroom(measured)) + 0.02;
  for (auto& [name, edits] : proposals) {
    const auto found = context.skills.find(name);
    const SkillRecord record = found == context.skills.end() ? SkillRecord() : found->second;
    const double fatigue = std::pow(0.75, FruitlessChildren(context, name));
    double order = 1.0;  // a skill lists its best guess first
    for (Edit& edit : edits) {
      const auto [wins, losses] = PriorOf(edit.kind);
      const double chance =
          DrawBeta(wins + record.held, losses + std::max(0, record.tried - record.held), rng);
      const double prior = std::log(std::max(edit.expected_gain, 1.002));
      const double learnt = (2 * prior + record.log_gain) / (2 + record.held);
      // The edit's own guess counts most; what the skill gained elsewhere bends it.
      const double gain = std::min(0.7 * prior + 0.3 * learnt, headroom);
      Scored entry;
      entry.score = chance * gain * fatigue * order * Relevance(edit.kind, measured);
      entry.skill = name;
      entry.edit = std::move(edit);
      scored.push_back(std::move(entry));
      order *= 0.97;
    }
  }
  return scored;
}

// Scores that rank the edits in random order, skill by skill: the first of each before the second
// of any.
std::vector<Scored> ShuffleEdits(std::vector<SkillEdits> proposals, Rng& rng) {
  std::vector<Scored> shuffled;
  for (auto& [name, edits] : proposals) {
    for (size_t i = edits.size(); i > 1; --i) std::swap(edits[i - 1], edits[rng.Below(i)]);
    double round = 0;
    for (Edit& edit : edits) {
      shuffled.push_back({std::move(edit), name, rng.Uniform() - round});
      round += 1;
    }
  }
  return shuffled;
}

std::optional<Proposal> FirstUnseen(std::vector<Scored>& ranked, const std::string& parent,
                                    const ProposalContext& context, std::stop_token stop) {
  for (Scored& entry : ranked) {
    if (stop.stop_requested()) return std::nullopt;
    const bool rewritten =
        !DeviceDialectOf(context.backend) && context.backend != kModuleBackend &&
        (entry.edit.kind == EditKind::kStrategy || entry.edit.kind == EditKind::kStructure);
    std::string source =
        rewritten ? CompiledForMachine(entry.edit.source, context) : std::move(entry.edit.source);
    if (source == parent) continue;
    if (context.seen && context.seen(source)) continue;
    Proposal proposal;
    proposal.source = std::move(source);
    proposal.skill = entry.skill;
    proposal.rationale = entry.edit.rationale;
    return proposal;
  }
  return std::nullopt;
}

}  // namespace

BuiltinProposer::BuiltinProposer(std::vector<std::unique_ptr<Skill>> skills,
                                 std::vector<std::unique_ptr<DeviceSkill>> device_skills,
                                 Choice choice,
                                 std::vector<std::unique_ptr<ModuleSkill>> module_skills)
    : skills_(std::move(skills)),
      device_skills_(std::move(device_skills)),
      module_skills_(std::move(module_skills)),
      choice_(choice) {}

Result<std::optional<Proposal>> BuiltinProposer::Propose(const ProposalContext& context,
                                                         std::stop_token stop) {
  KS_CHECK(context.task != nullptr && context.machine != nullptr);
  KS_CHECK(context.selection.parent != nullptr);
  const Member& parent = *context.selection.parent;
  KS_ASSIGN_OR_RETURN(const std::string source, parent.source.Load());
  Rng rng(DeriveSeed(context.seed, "builtin_proposer", 0));
  std::vector<Scored> scored;
  const bool on_device = DeviceDialectOf(context.backend).has_value();
  const bool is_module = context.backend == kModuleBackend;
  if (context.selection.repair && is_module) return std::optional<Proposal>();
  if (context.selection.repair) {
    for (Edit& edit : on_device
                          ? DeviceRepairEdits(source, context.backend, parent.evaluation.outcome)
                          : RepairEdits(source, parent.evaluation.outcome)) {
      const double score = edit.expected_gain;
      scored.push_back({std::move(edit), kRepairSkill, score});
    }
  } else {
    std::vector<SkillEdits> proposals;
    if (is_module) {
      const std::unique_ptr<ModuleContext> module =
          ModuleContext::Make(source, context.task->precision);
      if (module == nullptr) return std::optional<Proposal>();
      for (const auto& skill : module_skills_) {
        proposals.push_back({skill->name(), skill->Edits(*module)});
      }
    } else if (on_device) {
      const std::unique_ptr<DeviceContext> kernel = DeviceContext::Make(
          source, *context.task, *context.machine, context.backend, &parent.evaluation);
      if (kernel == nullptr) return std::optional<Proposal>();
      for (const auto& skill : device_skills_) {
        proposals.push_back({skill->name(), skill->Edits(*kernel)});
      }
    } else {
      const std::unique_ptr<KernelContext> kernel =
          KernelContext::Make(source, *context.task, *context.machine, &parent.evaluation);
      if (kernel == nullptr) return std::optional<Proposal>();
      for (const auto& skill : skills_) {
        proposals.push_back({skill->name(), skill->Edits(*kernel)});
      }
    }
    scored = choice_ == Choice::kRandom ? ShuffleEdits(std::move(proposals), rng)
                                        : ScoreEdits(std::move(proposals), context, rng);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (choice_ == Choice::kScored && scored.size() > 1 && rng.Chance(kExploreProbability)) {
    const size_t pick = rng.Below(std::min(scored.size(), kExplorePool));
    std::rotate(scored.begin(), scored.begin() + static_cast<std::ptrdiff_t>(pick),
                scored.begin() + static_cast<std::ptrdiff_t>(pick) + 1);
  }
  return FirstUnseen(scored, source, context, stop);
}

}  // namespace ks

#include "engine/context.h"

#include <algorithm>
#include <memory>

#include "base/rng.h"

namespace ks {
namespace {

std::vector<MemberPtr> LineageOf(const MemberPtr& parent, const RunState& state) {
  std::vector<MemberPtr> lineage;
  for (MemberPtr at = parent; at != nullptr && lineage.size() < ProposalContext::kMostLineage;
       at = at->parent == kNoCandidate ? nullptr : state.member(at->parent)) {
    lineage.push_back(at);
  }
  return lineage;
}

bool Failed(const Member& member) {
  const Outcome& outcome = member.evaluation.outcome;
  return AsMeasured(outcome) == nullptr && !std::holds_alternative<DuplicateOf>(outcome);
}

// Newest first, children of the lineage before others.
std::vector<MemberPtr> FailuresFor(const ProposalContext& context, const RunState& state) {
  std::vector<MemberPtr> failures;
  const auto add = [&](const MemberPtr& member) {
    const bool known = std::any_of(failures.begin(), failures.end(),
                                   [&](const MemberPtr& f) { return f->id == member->id; });
    if (!known && Failed(*member) && failures.size() < ProposalContext::kMostFailures) {
      failures.push_back(member);
    }
  };
  for (auto at = context.children.rbegin(); at != context.children.rend(); ++at) add(*at);
  for (const MemberPtr& ancestor : context.lineage) {
    if (failures.size() >= ProposalContext::kMostFailures) return failures;
    const std::vector<MemberPtr> children =
        state.ChildrenOf(ancestor->id, ProposalContext::kMostFailures);
    for (auto at = children.rbegin(); at != children.rend(); ++at) add(*at);
  }
  const std::deque<MemberPtr>& latest = state.FailuresOf(context.selection.island);
  for (auto at = latest.rbegin(); at != latest.rend(); ++at) add(*at);
  return failures;
}

}  // namespace

ProposalContext MakeContext(const ContextRequest& request, const RunState& state,
                            const RunConfig& config, const Evaluator& evaluator,
                            const Pipeline::HashNormalized& hash) {
  ProposalContext context;
  context.task = &evaluator.task();
  context.machine = &evaluator.machine();
  context.backend = config.backend;
  context.selection = state.archive().Select(DeriveSeed(config.seed, "select", request.draw));
  context.skills = state.skills();
  const MemberPtr& parent = context.selection.parent;
  context.children = state.ChildrenOf(parent->id, ProposalContext::kMostChildren);
  context.lineage = LineageOf(parent, state);
  context.failures = FailuresFor(context, state);
  context.step = request.step;
  context.seed = DeriveSeed(config.seed, "propose", request.draw);
  context.seen = [seen = std::shared_ptr<const SeenSources>(state.seen()), hash,
                  last = request.knows_up_to](const std::string& source) {
    const CandidateId first = seen->First(hash(source));
    return first != kNoCandidate && first <= last;
  };
  return context;
}

}  // namespace ks

#include "engine/context.h"

#include <algorithm>
#include <memory>

#include "base/rng.h"

namespace ks {
namespace {

Result<std::vector<MemberPtr>> LineageOf(const MemberPtr& parent, const RunState& state) {
  std::vector<MemberPtr> lineage;
  lineage.reserve(ProposalContext::kMostLineage);
  lineage.push_back(parent);
  while (lineage.back()->parent != kNoCandidate && lineage.size() < ProposalContext::kMostLineage) {
    KS_ASSIGN_OR_RETURN(MemberPtr next, state.Find(lineage.back()->parent));
    lineage.push_back(std::move(next));
  }
  return lineage;
}

// Newest first, children of the lineage before others.
Result<std::vector<MemberPtr>> FailuresFor(const ProposalContext& context, const RunState& state) {
  std::vector<MemberPtr> failures;
  const auto add = [&](const MemberPtr& member) {
    const bool known = std::any_of(failures.begin(), failures.end(),
                                   [&](const MemberPtr& f) { return f->id == member->id; });
    if (!known && failures.size() < ProposalContext::kMostFailures) failures.push_back(member);
  };
  for (const MemberPtr& ancestor : context.lineage) {
    if (failures.size() >= ProposalContext::kMostFailures) break;
    KS_ASSIGN_OR_RETURN(const std::vector<MemberPtr> children,
                        state.FailedChildrenOf(ancestor->id, ProposalContext::kMostFailures));
    std::for_each(children.rbegin(), children.rend(), add);
  }
  const std::deque<MemberPtr>& latest = state.FailuresOf(context.selection.island);
  std::for_each(latest.rbegin(), latest.rend(), add);
  return failures;
}

}  // namespace

Result<ProposalContext> MakeContext(const ContextRequest& request, const RunState& state,
                                    const RunConfig& config, const Evaluator& evaluator,
                                    const Pipeline::HashNormalized& hash) {
  ProposalContext context;
  context.task = &evaluator.task();
  context.machine = &evaluator.machine();
  context.backend = config.backend;
  context.selection = state.archive().Select(DeriveSeed(config.seed, "select", request.draw));
  context.skills = state.skills();
  const MemberPtr& parent = context.selection.parent;
  KS_ASSIGN_OR_RETURN(context.children,
                      state.ChildrenOf(parent->id, ProposalContext::kMostChildren));
  KS_ASSIGN_OR_RETURN(context.lineage, LineageOf(parent, state));
  KS_ASSIGN_OR_RETURN(context.failures, FailuresFor(context, state));
  context.step = request.step;
  context.seed = DeriveSeed(config.seed, "propose", request.draw);
  context.seen = [seen = std::shared_ptr<const HashIndex>(state.seen()), hash,
                  last = request.knows_up_to](const std::string& source) {
    const CandidateId first = seen->First(hash(source));
    return first != kNoCandidate && first <= last;
  };
  return context;
}

}  // namespace ks

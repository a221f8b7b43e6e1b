#include "engine/evaluation_request.h"

#include <memory>
#include <utility>

#include "base/rng.h"

namespace ks {
namespace {

void SetRival(const MemberPtr& member, std::optional<Rival>& rival, Source& source) {
  if (member == nullptr) {
    rival.reset();
    return;
  }
  if (!rival) rival.emplace();
  source = member->source;
  const Measured& measured = *member->measured();
  rival->speedup = measured.speedup;
  rival->confirmed = measured.confirmed;
}

}  // namespace

Result<EvaluationOrder> MakeOrder(CandidateId id, CandidateId parent, const RunState& state,
                                  const RunConfig& config, const std::string& baseline_source,
                                  EvaluationRequest memory) {
  EvaluationOrder order;
  EvaluationRequest& request = order.request;
  request.source = std::move(memory.source);
  request.baseline_source = std::move(memory.baseline_source);
  request.seed = DeriveSeed(config.seed, "evaluate", static_cast<uint64_t>(id));
  request.held_out = true;
  request.baseline_source = baseline_source;
  if (state.baseline() == kNoCandidate) return order;
  // The rival of a failed parent is its nearest measured ancestor.
  KS_ASSIGN_OR_RETURN(const MemberPtr rival, state.NearestMeasured(parent));
  request.parent = std::move(memory.parent);
  SetRival(rival, request.parent, order.parent);
  request.champion = std::move(memory.champion);
  SetRival(state.archive().best(), request.champion, order.champion);
  request.seen_binary = [binaries = std::shared_ptr<const HashIndex>(state.binaries())](
                            const std::string& hash) -> std::optional<CandidateId> {
    const CandidateId first = binaries->First(hash);
    return first == kNoCandidate ? std::nullopt : std::optional(first);
  };
  return order;
}

Status LoadRivals(EvaluationOrder& order) {
  EvaluationRequest& request = order.request;
  if (request.parent) KS_RETURN_IF_ERROR(order.parent.LoadInto(request.parent->source));
  if (request.champion) KS_RETURN_IF_ERROR(order.champion.LoadInto(request.champion->source));
  return {};
}

}  // namespace ks

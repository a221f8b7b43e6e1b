#include "engine/evaluation_request.h"

#include <memory>
#include <utility>

#include "base/rng.h"

namespace ks {
namespace {

Status SetRival(const MemberPtr& member, std::optional<Rival>& rival) {
  if (member == nullptr) {
    rival.reset();
    return {};
  }
  if (!rival) rival.emplace();
  const Status loaded = member->source.LoadInto(rival->source);
  if (!loaded.ok()) return loaded.error().Under(CandidateName(member->id));
  const Measured& measured = *member->measured();
  rival->speedup = measured.speedup;
  rival->confirmed = measured.confirmed;
  return {};
}

}  // namespace

Result<EvaluationRequest> MakeRequest(CandidateId id, CandidateId parent, const RunState& state,
                                      const RunConfig& config, const std::string& baseline_source,
                                      EvaluationRequest memory) {
  EvaluationRequest request;
  request.source = std::move(memory.source);
  request.baseline_source = std::move(memory.baseline_source);
  request.seed = DeriveSeed(config.seed, "evaluate", static_cast<uint64_t>(id));
  request.held_out = true;
  request.baseline_source = baseline_source;
  if (state.baseline() == kNoCandidate) return request;
  // The rival of a failed parent is its nearest measured ancestor.
  KS_ASSIGN_OR_RETURN(const MemberPtr rival, state.NearestMeasured(parent));
  request.parent = std::move(memory.parent);
  KS_RETURN_IF_ERROR(SetRival(rival, request.parent));
  request.champion = std::move(memory.champion);
  KS_RETURN_IF_ERROR(SetRival(state.archive().best(), request.champion));
  request.seen_binary = [binaries = std::shared_ptr<const HashIndex>(state.binaries())](
                            const std::string& hash) -> std::optional<CandidateId> {
    const CandidateId first = binaries->First(hash);
    return first == kNoCandidate ? std::nullopt : std::optional(first);
  };
  return request;
}

}  // namespace ks

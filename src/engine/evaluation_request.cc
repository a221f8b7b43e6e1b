#include "engine/evaluation_request.h"

#include <memory>
#include <utility>

#include "base/rng.h"

namespace ks {
namespace {

Result<std::optional<Rival>> RivalOf(const MemberPtr& member) {
  if (member == nullptr) return std::optional<Rival>();
  Result<std::string> source = member->source.Load();
  if (!source.ok()) return source.error().Under(CandidateName(member->id));
  const Measured& measured = *member->measured();
  return std::optional(Rival{*std::move(source), measured.speedup, measured.confirmed});
}

}  // namespace

Result<EvaluationRequest> MakeRequest(CandidateId id, CandidateId parent, const RunState& state,
                                      const RunConfig& config, const std::string& baseline_source) {
  EvaluationRequest request;
  request.seed = DeriveSeed(config.seed, "evaluate", static_cast<uint64_t>(id));
  request.held_out = true;
  request.baseline_source = baseline_source;
  if (state.baseline() == kNoCandidate) return request;
  // The rival of a failed parent is its nearest measured ancestor.
  KS_ASSIGN_OR_RETURN(const MemberPtr rival, state.NearestMeasured(parent));
  KS_ASSIGN_OR_RETURN(request.parent, RivalOf(rival));
  KS_ASSIGN_OR_RETURN(request.champion, RivalOf(state.archive().best()));
  request.seen_binary = [binaries = std::shared_ptr<const HashIndex>(state.binaries())](
                            const std::string& hash) -> std::optional<CandidateId> {
    const CandidateId first = binaries->First(hash);
    return first == kNoCandidate ? std::nullopt : std::optional(first);
  };
  return request;
}

}  // namespace ks

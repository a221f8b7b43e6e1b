// The timed part of Session: interleaved pairs on exchanged contents with cold caches.
#include <algorithm>

#include "base/rng.h"
#include "session.h"

namespace ks {
namespace {

constexpr uint64_t kLeastFlushBytes = uint64_t{16} << 20;
constexpr uint64_t kMostFlushBytes = uint64_t{1} << 30;
constexpr double kThrottledBelow = 0.9;
constexpr int kMostPairs = 4096;
constexpr uint32_t kFlushWord = 0x3F800000;

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

// Writes at least twice the last-level cache.
Status Session::FlushCaches() {
  const uint64_t bytes =
      std::clamp(2 * static_cast<uint64_t>(std::max<int64_t>(api_.info().l2_bytes, 0)),
                 kLeastFlushBytes, kMostFlushBytes);
  if (flush_ < 0) {
    KS_ASSIGN_OR_RETURN(flush_, api_.Allocate(bytes));
  }
  return api_.Fill({flush_, 0, bytes}, kFlushWord);
}

// The flush keeps the device busy while the call is queued behind it, so that no gap between the
// host's calls is timed.
Status Session::TimeOne(const ReadyCall& call, const BufferView& arena, uint64_t salt, size_t slot,
                        uint32_t key) {
  KS_RETURN_IF_ERROR(api_.Sync());
  KS_RETURN_IF_ERROR(api_.ResetPersistingCache());
  KS_RETURN_IF_ERROR(helpers_.Prepare(call.regions, arena, ScratchView(), salt));
  KS_RETURN_IF_ERROR(FlushCaches());
  KS_RETURN_IF_ERROR(api_.BeginSpan(slot));
  KS_RETURN_IF_ERROR(RunSteps(call));
  KS_RETURN_IF_ERROR(api_.EndSpan(slot));
  return helpers_.Check(call.regions, arena, ScratchView(), salt, key);
}

Result<std::variant<PairRound, Outcome>> Session::TimeInner(const PairRequest& request) {
  using Answer = std::variant<PairRound, Outcome>;
  if (request.pairs < 1 || request.pairs > kMostPairs || request.first_pair < 0) {
    return Error{ErrorCode::kFailedPrecondition, "a number of pairs that is not 1 to 4096"};
  }
  KS_ASSIGN_OR_RETURN(const Pair pair, ReadyPair(request));
  WorkloadBuffers& buffers = *pair.buffers;
  const BufferView arena = buffers.arena();
  const uint64_t hash_salt = DeriveSeed(request.seed, "hash", 0);
  KS_RETURN_IF_ERROR(helpers_.ClearBroken());
  KS_RETURN_IF_ERROR(helpers_.StartHash(buffers.hashed(), arena, false, hash_salt, 0));
  std::vector<double> clocks;
  for (int p = 0; p < request.pairs; ++p) {
    const auto number = static_cast<uint64_t>(request.first_pair + p);
    const uint64_t seed = DeriveSeed(request.seed, "pair", number);
    KS_RETURN_IF_ERROR(helpers_.Exchange(buffers.exchanged(), arena, seed));
    for (uint32_t turn = 0; turn < 2; ++turn) {
      const bool candidate = (number % 2 == 0) == (turn == 1);
      const Side& side = candidate ? pair.candidate : pair.rival;
      const uint32_t slot = 2 * static_cast<uint32_t>(p) + (candidate ? 1 : 0);
      const uint32_t key = (2 * static_cast<uint32_t>(p) + turn) * 2 + (candidate ? 1 : 0);
      KS_RETURN_IF_ERROR(TimeOne(*side.call, arena, seed + turn, slot, key));
    }
    clocks.push_back(api_.ClockMhz());
  }
  KS_RETURN_IF_ERROR(helpers_.StartHash(buffers.hashed(), arena, false, hash_salt, 1));
  KS_ASSIGN_OR_RETURN(const uint32_t broken, helpers_.ReadBroken());
  PairRound round;
  if (broken != Helpers::kNotBroken) {
    const bool by_candidate = ((broken >> 12) & 1) != 0;
    const Side& side = by_candidate ? pair.candidate : pair.rival;
    (by_candidate ? round.broken_guard : round.rival_broken_guard) =
        Describe(*side.call, request.workload, broken);
  }
  KS_ASSIGN_OR_RETURN(const auto before, helpers_.FinishHash(buffers.hashed(), 0));
  KS_ASSIGN_OR_RETURN(const auto after, helpers_.FinishHash(buffers.hashed(), 1));
  for (size_t i = 0; i < before.size() && !round.broken_guard; ++i) {
    if (before[i] == after[i]) continue;
    round.broken_guard = OutOfBounds{task_.workloads[request.workload].name, buffers.input_name(i),
                                     "write to input"};
  }
  KS_RETURN_IF_ERROR(CollectTimes(request, clocks, &round));
  return Answer(std::move(round));
}

Status Session::CollectTimes(const PairRequest& request, const std::vector<double>& clocks,
                             PairRound* round) {
  const double highest = *std::max_element(clocks.begin(), clocks.end());
  for (size_t p = 0; p < static_cast<size_t>(request.pairs); ++p) {
    DevicePair times;
    KS_ASSIGN_OR_RETURN(times.rival_ns, api_.SpanNs(2 * p));
    KS_ASSIGN_OR_RETURN(times.candidate_ns, api_.SpanNs(2 * p + 1));
    times.throttled = clocks[p] < kThrottledBelow * highest;
    round->device_ns += times.rival_ns + times.candidate_ns;
    round->pairs.push_back(times);
  }
  round->clock_mhz = Median(clocks);
  return {};
}

}  // namespace ks

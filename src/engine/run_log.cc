#include "engine/run_log.h"

#include <array>
#include <utility>

#include "base/hash.h"

namespace ks {
namespace {

constexpr int64_t kTickNs = 250'000'000;

}  // namespace

RunLog::RunLog(Store& store, SourceCache& sources, const Clock& clock,
               std::vector<Observer*> observers, int64_t recorded, double elapsed_before_s,
               std::function<void()> committed)
    : clock_(clock),
      observers_(std::move(observers)),
      start_ns_(clock.MonotonicNs()),
      elapsed_before_s_(elapsed_before_s),
      last_tick_ns_(start_ns_),
      recorder_(store, sources, recorded, !observers_.empty(), std::move(committed)) {}

double RunLog::Elapsed() const {
  return elapsed_before_s_ + static_cast<double>(clock_.MonotonicNs() - start_ns_) * 1e-9;
}

Event RunLog::Stamped(decltype(Event::body) body) const {
  return {0, clock_.UnixMs(), Elapsed(), std::move(body)};
}

Result<int64_t> RunLog::Add(decltype(Event::body) body) {
  Event event = Stamped(std::move(body));
  return recorder_.Add({&event, 1}, std::nullopt);
}

Result<int64_t> RunLog::Add(CandidateProposed& proposed, std::shared_ptr<const std::string> source,
                            const std::optional<Evaluation>& outcome) {
  std::string hash = Sha256Hex(*source);
  NewSource stored{std::move(hash), std::move(source)};
  proposed.source_hash = stored.hash;
  if (!outcome) {
    Event event = Stamped(proposed);
    return recorder_.Add({&event, 1}, std::move(stored));
  }
  std::array events = {Stamped(proposed), Stamped(CandidateEvaluated{proposed.id, *outcome})};
  KS_ASSIGN_OR_RETURN(const int64_t last, recorder_.Add(events, std::move(stored)));
  return last - 1;
}

Status RunLog::Flush() {
  const Status status = recorder_.Flush();
  TellObservers();
  return status;
}

void RunLog::TellObservers() {
  if (observers_.empty()) return;
  for (const Event& event : recorder_.TakeCommitted()) {
    for (Observer* observer : observers_) observer->OnEvent(event);
  }
}

void RunLog::Tick() {
  const int64_t now_ns = clock_.MonotonicNs();
  if (now_ns - last_tick_ns_ < kTickNs) return;
  last_tick_ns_ = now_ns;
  for (Observer* observer : observers_) observer->OnTick(Elapsed());
}

}  // namespace ks

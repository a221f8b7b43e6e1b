// What a run says about itself: events to the record, and to the observers once they are there.
#ifndef KS_ENGINE_RUN_LOG_H_
#define KS_ENGINE_RUN_LOG_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/event.h"
#include "core/observer.h"
#include "core/store.h"
#include "engine/recorder.h"
#include "engine/source_cache.h"

namespace ks {

// Single thread. All references outlive it.
class RunLog {
 public:
  // `recorded` is the sequence of the last event that is there already, `elapsed_before_s` the run
  // time up to it. `committed` is called from another thread when there is something to tell.
  RunLog(Store& store, SourceCache& sources, const Clock& clock, std::vector<Observer*> observers,
         int64_t recorded, double elapsed_before_s, std::function<void()> committed);

  double Elapsed() const;
  // Returns the event's sequence. ERRORS: the store's first one.
  Result<int64_t> Add(decltype(Event::body) body);
  // A proposal with its source, and its outcome when that is known already: never apart. Sets the
  // source hash. Returns the sequence of the proposal, that of the outcome is the next one.
  // ERRORS: the store's first one.
  Result<int64_t> Add(CandidateProposed& proposed, std::shared_ptr<const std::string> source,
                      const std::optional<Evaluation>& outcome);
  // Waits for the commit of everything so far and tells the observers. ERRORS: as Add.
  Status Flush();
  // Tells what was committed meanwhile.
  void TellObservers();
  // Lets live views redraw, some times a second.
  void Tick();

 private:
  Event Stamped(decltype(Event::body) body) const;

  const Clock& clock_;
  const std::vector<Observer*> observers_;
  const int64_t start_ns_;
  const double elapsed_before_s_;
  int64_t last_tick_ns_;
  Recorder recorder_;
};

}  // namespace ks

#endif  // KS_ENGINE_RUN_LOG_H_

// Port: watches a run. Progress lines, the live view and dashboards are observers; the loop itself
// never prints.
#ifndef KS_CORE_OBSERVER_H_
#define KS_CORE_OBSERVER_H_

#include "core/event.h"

namespace ks {

// Called from the engine's thread, in event order, after the event was committed.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnEvent(const Event& event) = 0;
  // About four times a second while the engine waits: lets a live view redraw.
  virtual void OnTick(double elapsed_s) { static_cast<void>(elapsed_s); }
};

}  // namespace ks

#endif  // KS_CORE_OBSERVER_H_

// Records how the candidate died in the control memory, from a signal handler.
#ifndef KS_RUNNER_FAULT_HANDLER_H_
#define KS_RUNNER_FAULT_HANDLER_H_

#include <cstdint>

#include "backend/cpu/protocol.h"

namespace ks {

// Installs handlers on an alternate stack for the signals that a candidate can raise. False:
// refused by the system. `channel` must stay mapped.
bool InstallFaultHandlers(RunnerChannel* channel);

// The size of an allocation that did not succeed. Before InstallFaultHandlers: ignored.
void NoteFailedRequest(uint64_t bytes);

// Sets `word` and wakes who waits for it, in whatever process.
void SetAndWake(uint32_t* word, uint32_t value);

}  // namespace ks

#endif  // KS_RUNNER_FAULT_HANDLER_H_

// `ksmith devices`: the accelerators of this machine, by the backends that use them.
#include "cli/commands.h"
#include "cli/device_wiring.h"
#include "cli/exit_code.h"
#include "report/show.h"

namespace ks {

int Devices(const DevicesOptions& options, const Console& console) {
  const std::vector<DeviceListing> found = FindDevices();
  console.Out(options.json ? DevicesJson(found) + "\n" : DevicesTable(found, console.style));
  for (const DeviceListing& one : found) {
    if (!one.devices.empty()) return kExitFine;
  }
  return kExitFailed;
}

}  // namespace ks

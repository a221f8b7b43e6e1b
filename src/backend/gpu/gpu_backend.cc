#include "backend/gpu/gpu_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace ks {
namespace {

Machine MachineOf(const GpuBackendParts& parts) {
  KS_CHECK(parts.pool != nullptr && parts.host != nullptr && parts.compile != nullptr);
  const DeviceInfo& device = parts.pool->info();
  Machine machine = parts.host->machine();
  machine.device = device;
  machine.compilers.push_back(parts.compiler);
  machine.id = Sha256Hex(fmt::format("{}/{}/{}/{}/{}/{}", machine.id, device.api, device.name,
                                     device.arch, device.driver, parts.compiler))
                   .substr(0, 16);
  return machine;
}

}  // namespace

GpuBackend::GpuBackend(GpuBackendParts parts)
    : parts_(std::move(parts)), machine_(MachineOf(parts_)) {}

LaunchLimits GpuLimits(const DeviceInfo& device) {
  LaunchLimits limits;  // grid and block by axis are the same on all of them
  limits.max_threads_per_block = device.max_threads_per_block;
  limits.max_shared_bytes = device.shared_bytes_per_block;
  limits.warp_size = static_cast<uint32_t>(std::max(1, device.warp_size));
  limits.sm_count = std::max(1, device.sm_count);
  if (device.memory_bytes > 0) {
    limits.max_scratch_bytes = std::min(limits.max_scratch_bytes, device.memory_bytes / 4);
  }
  return limits;
}

}  // namespace ks

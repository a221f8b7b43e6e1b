// The one seam to a driver: what everything else in this program needs of a device.
//
// Each driver is one implementation (cuda_api.cc, opencl_api.cc); nothing above knows which. All
// work goes to one in-order queue; copies, fills and launches return before they are done.
//
// ERRORS of all methods: kResourceExhausted: no memory on the device; kInvalidArgument: the module,
// kernel or launch was refused (the candidate's fault); kDataLoss: the candidate's code failed on
// the device, and nothing works any more; kFailedPrecondition: no driver or device;
// kInternal: anything else.
#ifndef KS_RUNNER_DEVICE_DEVICE_API_H_
#define KS_RUNNER_DEVICE_DEVICE_API_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/device/program.h"
#include "base/result.h"
#include "core/machine.h"

namespace ks {

using BufferId = int;
using ModuleId = int;
using KernelId = int;

// A stretch of a buffer; {buffer, 0, 0} is all of it. In kernels it appears as a pointer to its
// first byte.
struct BufferView {
  BufferId buffer = -1;
  uint64_t offset = 0;  // a multiple of DeviceApi::alignment()
  uint64_t bytes = 0;
};

struct KernelParameter {
  enum class Kind : uint8_t {
    kUnknown,  // CUDA tells sizes only
    kBuffer,
    kValue,
    kFloat,
    kLocal,  // OpenCL's __local pointers: sized by the launch, not passed by the plan
  };
  Kind kind = Kind::kUnknown;
  uint32_t bytes = 0;
};

struct KernelInfo {
  KernelId id = -1;
  std::vector<KernelParameter> parameters;
  bool has_parameters = false;  // false: the driver does not tell
  int registers = 0;
  int64_t spill_bytes = 0;
  int64_t static_shared_bytes = 0;
  int max_threads = 0;
};

struct LaunchShape {
  std::array<uint32_t, 3> grid = {1, 1, 1};
  std::array<uint32_t, 3> block = {1, 1, 1};
  uint32_t shared_bytes = 0;
  uint32_t cluster = 1;
  bool cooperative = false;
};

struct LaunchArgument {
  enum class Kind : uint8_t { kBuffer, kValue, kLocal } kind = Kind::kValue;
  BufferView view;
  uint32_t bytes = 0;  // of the value or the local memory
  std::array<std::byte, 8> value{};
};

// Single thread.
class DeviceApi {
 public:
  virtual ~DeviceApi() = default;
  virtual const DeviceInfo& info() const = 0;
  // Least alignment of a BufferView's offset: 256 or more.
  virtual uint64_t alignment() const = 0;

  virtual Result<BufferId> Allocate(uint64_t bytes) = 0;
  virtual void Free(BufferId buffer) = 0;
  // Host memory stays untouched until the next Sync. CopyOut's is complete after it.
  virtual Status CopyIn(const BufferView& to, const void* from) = 0;
  virtual Status CopyOut(void* to, const BufferView& from) = 0;
  virtual Status Copy(const BufferView& to, const BufferView& from) = 0;
  // `view.bytes` bytes of the repeated word; a last part of it at the end.
  virtual Status Fill(const BufferView& view, uint32_t word) = 0;
  // Makes copies from and to this host memory fast. Unregister before it is unmapped.
  virtual Status RegisterHost(void* data, size_t bytes) = 0;
  virtual void UnregisterHost(void* data) = 0;

  // Fresh globals with every load. kInvalidArgument: does not load or build; the log says why.
  virtual Result<ModuleId> LoadModule(const DeviceModule& module) = 0;
  virtual void UnloadModule(ModuleId module) = 0;
  virtual Result<KernelInfo> FindKernel(ModuleId module, const std::string& symbol) = 0;
  // Blocks resident on one multiprocessor; 0: unknown.
  virtual int ResidentBlocks(KernelId kernel, int threads, uint32_t shared_bytes) = 0;
  virtual Status Launch(KernelId kernel, const LaunchShape& shape,
                        std::span<const LaunchArgument> arguments) = 0;

  // The device's time between Begin and End of one slot, valid after a Sync.
  virtual Status BeginSpan(size_t slot) = 0;
  virtual Status EndSpan(size_t slot) = 0;
  virtual Result<double> SpanNs(size_t slot) = 0;
  // Gives lines that a kernel made persistent in the last-level cache back. No-op where there are
  // none. REQUIRES: nothing in flight.
  virtual Status ResetPersistingCache() = 0;
  virtual Status Sync() = 0;
  // Of the processing units, now; 0 unknown.
  virtual double ClockMhz() = 0;

  // The trusted helper kernels (helper_source.h) as a module. `image`: HelperImage of an earlier
  // start on this device, which saves the compilation; or empty.
  virtual Result<ModuleId> LoadHelpers(const std::string& source, const std::string& image) = 0;
  // Best taken once every kernel was launched, so that what was compiled on launch is in it. Empty:
  // the driver does not give it.
  virtual std::string HelperImage(ModuleId helpers) = 0;
};

struct DeviceApiOptions {
  int index = 0;              // among the devices of this api
  std::string compiler_path;  // CUDA: libnvrtc; empty: where the loader finds it
};
Result<std::unique_ptr<DeviceApi>> OpenCudaDevice(const DeviceApiOptions& options);
Result<std::unique_ptr<DeviceApi>> OpenOpenClDevice(const DeviceApiOptions& options);

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_DEVICE_API_H_

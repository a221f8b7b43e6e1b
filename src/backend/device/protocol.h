// What the client (device_runner_process.h) and `ksmith-device-runner` say to each other.
//
// One stream socket; a message is a FrameHeader and a payload. The client asks, the runner answers,
// one at a time. Contents of buffers travel through a memory file that both map (`Span`s of it);
// the client alone chooses the places. An answer may come from a process that a candidate took
// over (OpenCL on a CPU), so that the client checks it like any other input. docs/device_runner.md
// describes the format.
#ifndef KS_BACKEND_DEVICE_PROTOCOL_H_
#define KS_BACKEND_DEVICE_PROTOCOL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/device/device_backend.h"
#include "base/result.h"
#include "core/machine.h"
#include "core/outcome.h"

namespace ks {

inline constexpr uint32_t kDeviceProtocolVersion = 1;
inline constexpr int kDeviceSocketFd = 3;
inline constexpr int kDeviceStagingFd = 4;
inline constexpr uint64_t kMaxFrameBytes = uint64_t{256} << 20;

enum class DeviceCommand : uint32_t {
  kOpen,
  kOpenTask,
  kSetContents,
  kDropContents,
  kLoad,
  kUnload,
  kCall,
  kTimePairs,
  kCompare,
  kProbe,
  kMeasureCopy,
};
enum class AnswerKind : uint32_t { kDone, kFault, kError };

// `what`: a DeviceCommand or AnswerKind.
struct FrameHeader {
  uint32_t version = kDeviceProtocolVersion;
  uint32_t what = 0;
  uint64_t bytes = 0;
};

// Blocking, whole messages. ERRORS: kUnavailable: the other side has gone; kDataLoss: another
// version or an absurd length.
Status WriteFrame(int socket, uint32_t what, std::string_view payload);
struct Frame {
  uint32_t what = 0;
  std::string payload;
};
Result<Frame> ReadFrame(int socket);

// A stretch of the shared memory file.
struct StagingSpan {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct OpenRequest {
  std::string api;  // "cuda", "opencl"
  uint32_t index = 0;
  std::string compiler_path;   // CUDA: libnvrtc; empty: the loader finds it
  std::string helper_image;    // from an earlier runner on this device; may be empty
  bool describe_only = false;  // no helper kernels: the runner ends after its answer
};
struct OpenAnswer {
  DeviceInfo info;
  std::string helper_image;
};

// The task as the runner needs it: no source, no reference, no fill.
struct InputLayout {
  std::string name;
  DType dtype = DType::kF32;
  bool scalar = false;
  bool exchange = false;  // elements may change places
};
struct OutputLayout {
  std::string name;
  DType dtype = DType::kF32;
};
struct WorkloadLayout {
  std::string name;
  std::vector<uint64_t> input_counts, output_counts;  // elements
};
struct TaskLayout {
  std::vector<InputLayout> inputs;
  std::vector<OutputLayout> outputs;
  std::vector<WorkloadLayout> workloads;
  uint32_t feature_workload = 0;  // whose launches Load describes
};
// ERRORS: as ElementCount.
Result<TaskLayout> LayoutOf(const Task& task);

struct ContentsRequest {
  uint32_t workload = 0;
  uint64_t placement = 0;      // where the buffers lie from now on
  uint64_t staging_bytes = 0;  // size of the memory file
  std::vector<StagingSpan> inputs;
};
struct CallRequest {
  int32_t program = -1;
  uint32_t workload = 0;
  uint64_t salt = 0;
  uint64_t staging_bytes = 0;
  std::vector<StagingSpan> outputs;
};
struct PairsMessage {
  PairRequest pairs;
  Tolerance tolerance;  // for kCompare
};

std::string Encode(const OpenRequest& message);
std::string Encode(const OpenAnswer& message);
std::string Encode(const TaskLayout& message);
std::string Encode(const ContentsRequest& message);
std::string Encode(const CallRequest& message);
std::string Encode(const PairsMessage& message);
std::string Encode(const LoadedProgram& message);
std::string Encode(const PairRound& message);
std::string Encode(const Agreement& message);
std::string Encode(const Error& message);
// Only the kinds that a device runner can find: CompileFailed, LaunchFailed, OutOfBounds, Crashed,
// OutOfMemory.
std::string Encode(const Outcome& message);
std::string EncodeNumber(double number);

// ERRORS of all: kDataLoss.
Status Decode(std::string_view bytes, OpenRequest* message);
Status Decode(std::string_view bytes, OpenAnswer* message);
Status Decode(std::string_view bytes, TaskLayout* message);
Status Decode(std::string_view bytes, ContentsRequest* message);
Status Decode(std::string_view bytes, CallRequest* message);
Status Decode(std::string_view bytes, PairsMessage* message);
Status Decode(std::string_view bytes, LoadedProgram* message);
Status Decode(std::string_view bytes, PairRound* message);
Status Decode(std::string_view bytes, Agreement* message);
Status Decode(std::string_view bytes, Error* message);
Status Decode(std::string_view bytes, Outcome* message);
Result<double> DecodeNumber(std::string_view bytes);

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_PROTOCOL_H_

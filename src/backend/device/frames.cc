#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cstring>

#include "backend/device/protocol.h"

namespace ks {
namespace {

Status SendAll(int socket, const char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = send(socket, data, bytes, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{ErrorCode::kUnavailable, "the device runner has gone"};
    data += n;
    bytes -= static_cast<size_t>(n);
  }
  return {};
}

Status ReceiveAll(int socket, char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = recv(socket, data, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{ErrorCode::kUnavailable, "the other side of the socket has gone"};
    data += n;
    bytes -= static_cast<size_t>(n);
  }
  return {};
}

Result<std::vector<uint64_t>> Counts(const std::vector<BufferSpec>& buffers,
                                     const AxisValues& axes) {
  std::vector<uint64_t> counts;
  for (const BufferSpec& buffer : buffers) {
    KS_ASSIGN_OR_RETURN(const int64_t count, ElementCount(buffer, axes));
    counts.push_back(static_cast<uint64_t>(count));
  }
  return counts;
}

}  // namespace

Status WriteFrame(int socket, uint32_t what, std::string_view payload) {
  FrameHeader header;
  header.what = what;
  header.bytes = payload.size();
  std::string frame(sizeof header, '\0');
  std::memcpy(frame.data(), &header, sizeof header);
  // One packet and one wake-up for what is small.
  constexpr size_t kSmall = 64u << 10;
  if (payload.size() <= kSmall) frame.append(payload);
  KS_RETURN_IF_ERROR(SendAll(socket, frame.data(), frame.size()));
  if (payload.size() <= kSmall) return {};
  return SendAll(socket, payload.data(), payload.size());
}

Result<Frame> ReadFrame(int socket) {
  FrameHeader header;
  KS_RETURN_IF_ERROR(ReceiveAll(socket, reinterpret_cast<char*>(&header), sizeof header));
  if (header.version != kDeviceProtocolVersion || header.bytes > kMaxFrameBytes) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("a device message of version {} and {} bytes; expected version {} and "
                             "at most {}",
                             header.version, header.bytes, kDeviceProtocolVersion, kMaxFrameBytes)};
  }
  Frame frame;
  frame.what = header.what;
  frame.payload.resize(header.bytes);
  KS_RETURN_IF_ERROR(ReceiveAll(socket, frame.payload.data(), frame.payload.size()));
  return frame;
}

Result<TaskLayout> LayoutOf(const Task& task) {
  TaskLayout layout;
  for (const BufferSpec& input : task.inputs) {
    // Row pointers and column indices mean something only in their places.
    const bool structural = input.fill.kind == "csr_row_ptr" || input.fill.kind == "csr_col_idx";
    layout.inputs.push_back({input.name, input.dtype, input.scalar, !input.scalar && !structural});
  }
  for (const BufferSpec& output : task.outputs)
    layout.outputs.push_back({output.name, output.dtype});
  bool found = false;
  for (size_t i = 0; i < task.workloads.size(); ++i) {
    const Workload& workload = task.workloads[i];
    WorkloadLayout sizes;
    sizes.name = workload.name;
    KS_ASSIGN_OR_RETURN(sizes.input_counts, Counts(task.inputs, workload.axes));
    KS_ASSIGN_OR_RETURN(sizes.output_counts, Counts(task.outputs, workload.axes));
    layout.workloads.push_back(std::move(sizes));
    if (!found && workload.role == WorkloadRole::kTime) {
      found = true;
      layout.feature_workload = static_cast<uint32_t>(i);
    }
  }
  return layout;
}

}  // namespace ks

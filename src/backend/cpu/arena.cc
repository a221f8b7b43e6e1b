#include "backend/cpu/arena.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/elements.h"

namespace ks {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kAlignment = 64;
// Below the places that a Linux process uses without address randomisation.
constexpr uint64_t kLowestBase = 0x2000'0000'0000;
constexpr uint64_t kBaseStep = 2u << 20;
constexpr uint64_t kBaseChoices = 1u << 20;
constexpr std::byte kInputSlack{0xff};  // a NaN in every float type

constexpr size_t RoundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

uint64_t Mix(uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9;
  value ^= value >> 27;
  value *= 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// The canary of a whole page range: byte `at` is the same whatever part of it is asked for.
class Canary {
 public:
  Canary(uint64_t secret, uint64_t salt) : key_(secret ^ Mix(salt)) {}
  std::byte At(size_t at) {
    if (at / 8 != index_) {
      index_ = at / 8;
      word_ = Mix(key_ + index_);
    }
    return static_cast<std::byte>(word_ >> (at % 8 * 8));
  }

 private:
  uint64_t key_;
  size_t index_ = ~size_t{0};
  uint64_t word_ = 0;
};

template <typename Word>
void Repeat(std::span<std::byte> bytes, uint64_t pattern) {
  const auto word = static_cast<Word>(pattern);
  for (size_t i = 0; i + sizeof word <= bytes.size(); i += sizeof word) {
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
}

// Poisons every element; the low bits vary with `salt`.
void FillPoison(std::span<std::byte> bytes, DType dtype, uint64_t salt) {
  const uint64_t pattern = PoisonPattern(dtype, Mix(salt));
  switch (SizeOf(dtype)) {
    case 1:
      return Repeat<uint8_t>(bytes, pattern);
    case 2:
      return Repeat<uint16_t>(bytes, pattern);
    case 4:
      return Repeat<uint32_t>(bytes, pattern);
    default:
      return Repeat<uint64_t>(bytes, pattern);
  }
}

Result<UniqueFd> NewMemoryFile(const char* name, size_t bytes) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    Error error = ErrnoError(errno, "memory for the buffers of a task");
    error.code = ErrorCode::kResourceExhausted;
    return error;
  }
  return file;
}

}  // namespace

Result<SharedMapping> SharedMapping::Map(int fd, size_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    Error error = ErrnoError(
        errno, fmt::format("mapping {} of shared memory", FormatBytes(static_cast<double>(bytes))));
    error.code = ErrorCode::kResourceExhausted;
    return error;
  }
  SharedMapping mapping;
  mapping.data_ = static_cast<std::byte*>(data);
  mapping.bytes_ = bytes;
  return mapping;
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

Result<std::unique_ptr<CpuArena>> CpuArena::Create(const Task& task,
                                                   const std::vector<const Workload*>& workloads,
                                                   bool widened, int64_t max_bytes) {
  std::unique_ptr<CpuArena> arena(new CpuArena);  // private constructor
  arena->inputs_ = task.inputs.size();
  arena->outputs_ = task.outputs.size();
  arena->axis_count_ = task.axes.size();
  arena->secret_ = SecretSeed();
  arena->base_ = kLowestBase + SecretSeed() % kBaseChoices * kBaseStep;
  arena->reserve_bytes_ = kGuardBytes;
  for (const Workload* workload : workloads) {
    KS_RETURN_IF_ERROR(arena->AddWorkload(task, *workload, widened));
  }
  const size_t total = arena->input_bytes_ + arena->output_bytes_;
  if (total > static_cast<size_t>(max_bytes)) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("the buffers of task {} need {}, this machine has {}", task.name,
                             FormatBytes(static_cast<double>(total)),
                             FormatBytes(static_cast<double>(max_bytes)))};
  }
  KS_RETURN_IF_ERROR(arena->MakeFiles());
  for (size_t w = 0; w < workloads.size(); ++w) arena->Poison(w, 0);
  return arena;
}

Status CpuArena::AddWorkload(const Task& task, const Workload& workload, bool widened) {
  for (const std::string& axis : task.axes) {
    const auto it = workload.axes.find(axis);
    if (it == workload.axes.end()) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("workload {} of task {} does not say {}", workload.name, task.name, axis)};
    }
    axes_.push_back(it->second);
  }
  for (const BufferSpec& spec : task.inputs) {
    KS_RETURN_IF_ERROR(AddBuffer(spec, workload.axes, false, widened));
  }
  for (const BufferSpec& spec : task.outputs) {
    KS_RETURN_IF_ERROR(AddBuffer(spec, workload.axes, true, widened));
  }
  names_.push_back(workload.name);
  salts_.push_back(0);
  return {};
}

Status CpuArena::AddBuffer(const BufferSpec& spec, const AxisValues& axes, bool is_output,
                           bool widened) {
  KS_ASSIGN_OR_RETURN(const int64_t count, ElementCount(spec, axes));
  Buffer buffer;
  buffer.name = spec.name;
  buffer.dtype = widened ? OracleType(spec.dtype) : spec.dtype;
  buffer.is_output = is_output;
  buffer.bytes = static_cast<size_t>(count) * SizeOf(buffer.dtype);
  const size_t slot = spec.scalar ? std::max<size_t>(8, buffer.bytes) : buffer.bytes;
  buffer.page_bytes = std::max(kPageBytes, RoundUp(slot, kPageBytes));
  if (names_.size() % 2 == 0) buffer.start = buffer.page_bytes - RoundUp(slot, kAlignment);
  size_t& file_bytes = is_output ? output_bytes_ : input_bytes_;
  buffer.file_offset = file_bytes;
  file_bytes += buffer.page_bytes;
  buffer.address = base_ + reserve_bytes_;
  reserve_bytes_ += buffer.page_bytes + kGuardBytes;
  buffers_.push_back(std::move(buffer));
  return {};
}

Status CpuArena::MakeFiles() {
  input_bytes_ = std::max(input_bytes_, kPageBytes);
  output_bytes_ = std::max(output_bytes_, kPageBytes);
  KS_ASSIGN_OR_RETURN(input_file_, NewMemoryFile("ks-inputs", input_bytes_));
  KS_ASSIGN_OR_RETURN(output_file_, NewMemoryFile("ks-outputs", output_bytes_));
  KS_ASSIGN_OR_RETURN(input_map_, SharedMapping::Map(input_file_.get(), input_bytes_));
  KS_ASSIGN_OR_RETURN(output_map_, SharedMapping::Map(output_file_.get(), output_bytes_));
  const int fixed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  // This process's mapping above stays writable; no later one can be.
  if (fcntl(input_file_.get(), F_ADD_SEALS, fixed | F_SEAL_FUTURE_WRITE) != 0 ||
      fcntl(output_file_.get(), F_ADD_SEALS, fixed) != 0) {
    return ErrnoError(errno, "sealing the input buffers");
  }
  for (const Buffer& buffer : buffers_) {
    if (buffer.is_output) continue;
    const std::span<std::byte> pages = Pages(buffer);
    std::fill_n(pages.begin(), buffer.start, kInputSlack);
    std::fill(pages.begin() + static_cast<std::ptrdiff_t>(buffer.start + buffer.bytes), pages.end(),
              kInputSlack);
  }
  return {};
}

const CpuArena::Buffer& CpuArena::At(size_t workload, size_t index) const {
  KS_CHECK(workload < names_.size() && index < buffers_per_workload());
  return buffers_[workload * buffers_per_workload() + index];
}

std::span<std::byte> CpuArena::Pages(const Buffer& buffer) const {
  const SharedMapping& map = buffer.is_output ? output_map_ : input_map_;
  return {map.data() + buffer.file_offset, buffer.page_bytes};
}

std::span<std::byte> CpuArena::Data(const Buffer& buffer) const {
  return Pages(buffer).subspan(buffer.start, buffer.bytes);
}

std::span<std::byte> CpuArena::input(size_t workload, size_t index) {
  KS_CHECK(index < inputs_);
  return Data(At(workload, index));
}

std::span<std::byte> CpuArena::output(size_t workload, size_t index) {
  KS_CHECK(index < outputs_);
  return Data(At(workload, inputs_ + index));
}

void CpuArena::Poison(size_t workload, uint64_t salt) {
  salts_[workload] = salt;
  for (size_t i = inputs_; i < buffers_per_workload(); ++i) {
    const Buffer& buffer = At(workload, i);
    FillPoison(Data(buffer), buffer.dtype, salt + i);
    const std::span<std::byte> pages = Pages(buffer);
    const size_t end = buffer.start + buffer.bytes;
    Canary canary(secret_ + i, salt);
    for (size_t at = 0; at < buffer.start; ++at) pages[at] = canary.At(at);
    for (size_t at = end; at < pages.size(); ++at) pages[at] = canary.At(at);
  }
}

std::optional<OutOfBounds> CpuArena::BrokenGuard(size_t workload) const {
  for (size_t i = inputs_; i < buffers_per_workload(); ++i) {
    const Buffer& buffer = At(workload, i);
    const std::span<std::byte> pages = Pages(buffer);
    Canary canary(secret_ + i, salts_[workload]);
    const auto intact = [&](size_t at) { return pages[at] == canary.At(at); };
    for (size_t at = buffer.start + buffer.bytes; at < pages.size(); ++at) {
      if (!intact(at)) return OutOfBounds{names_[workload], buffer.name, "write past end"};
    }
    for (size_t at = 0; at < buffer.start; ++at) {
      if (!intact(at)) return OutOfBounds{names_[workload], buffer.name, "write before start"};
    }
  }
  return std::nullopt;
}

std::vector<RunnerMapping> CpuArena::Mappings() const {
  std::vector<RunnerMapping> mappings;
  for (const Buffer& buffer : buffers_) {
    mappings.push_back(
        {buffer.address, buffer.file_offset, buffer.page_bytes, buffer.is_output ? 1u : 0u, 0});
  }
  return mappings;
}

std::vector<uint64_t> CpuArena::BufferAddresses() const {
  std::vector<uint64_t> addresses;
  for (const Buffer& buffer : buffers_) addresses.push_back(buffer.address + buffer.start);
  return addresses;
}

std::optional<OutOfBounds> CpuArena::ExplainFault(uint64_t address, bool is_write,
                                                  size_t workload) const {
  if (address < base_ || address >= base_ + reserve_bytes_ || workload >= names_.size()) {
    return std::nullopt;
  }
  // The guard between two neighbours belongs half to each.
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    const bool last = i + 1 == buffers_.size();
    if (!last && address >= buffer.address + buffer.page_bytes + kGuardBytes / 2) continue;
    OutOfBounds fault;
    fault.workload = names_[workload];
    fault.buffer = buffer.name;
    const uint64_t data = buffer.address + buffer.start;
    if (address >= buffer.address && address < buffer.address + buffer.page_bytes) {
      fault.access = is_write && !buffer.is_output ? "write to input" : "access";
    } else {
      fault.access = fmt::format("{} {}", is_write ? "write" : "read",
                                 address < data ? "before start" : "past end");
    }
    return fault;
  }
  return std::nullopt;
}

}  // namespace ks

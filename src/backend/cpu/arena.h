// Shared buffers of a CPU task, between guard pages in the runner's address space.
#ifndef KS_BACKEND_CPU_ARENA_H_
#define KS_BACKEND_CPU_ARENA_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/protocol.h"
#include "sandbox/unique_fd.h"

namespace ks {

// A shared mapping of a whole file, unmapped on destruction. Move-only.
class SharedMapping {
 public:
  SharedMapping() = default;
  static Result<SharedMapping> Map(int fd, size_t bytes);
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();
  std::byte* data() const { return data_; }
  size_t size() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

// Two memory files. The inputs file is sealed so that no other mapping than this process's can ever
// be writable. Each buffer starts on a 64-byte boundary and lies at the end of its pages (even
// workloads) or at their start (odd ones); the runner sees at least kGuardBytes without access on
// both sides. The slack inside the pages holds NaN (inputs) or canaries (outputs). All runners map
// the arena at one random address. Thread-compatible.
class CpuArena final : public Arena {
 public:
  static constexpr size_t kGuardBytes = 1u << 20;

  // ERRORS: kResourceExhausted (more than the machine's memory), kInvalidArgument (a bad shape).
  static Result<std::unique_ptr<CpuArena>> Create(const Task& task,
                                                  const std::vector<const Workload*>& workloads,
                                                  bool widened, int64_t max_bytes);

  size_t workloads() const override { return names_.size(); }
  std::span<std::byte> input(size_t workload, size_t index) override;
  std::span<std::byte> output(size_t workload, size_t index) override;
  void Poison(size_t workload, uint64_t salt) override;
  std::optional<OutOfBounds> BrokenGuard(size_t workload) const override;

  // What a runner needs.
  const std::string& workload_name(size_t workload) const { return names_[workload]; }
  std::vector<RunnerMapping> Mappings() const;
  std::vector<uint64_t> BufferAddresses() const;
  const std::vector<int64_t>& axes() const { return axes_; }
  size_t buffers_per_workload() const { return inputs_ + outputs_; }
  size_t axes_per_workload() const { return axis_count_; }
  uint64_t reserve_address() const { return base_; }
  uint64_t reserve_bytes() const { return reserve_bytes_; }
  int inputs_fd() const { return input_file_.get(); }
  int outputs_fd() const { return output_file_.get(); }

  // The buffer at or nearest to a faulting address of the runner, seen from `workload`. None: the
  // address is not in the arena.
  std::optional<OutOfBounds> ExplainFault(uint64_t address, bool is_write, size_t workload) const;

 private:
  struct Buffer {
    std::string name;
    DType dtype = DType::kF32;
    bool is_output = false;
    size_t file_offset = 0;  // of its first page
    size_t page_bytes = 0;
    size_t start = 0;  // of the data, in its pages
    size_t bytes = 0;
    uint64_t address = 0;  // of its first page, in the runner
  };

  CpuArena() = default;
  Status AddWorkload(const Task& task, const Workload& workload, bool widened);
  Status AddBuffer(const BufferSpec& spec, const AxisValues& axes, bool is_output, bool widened);
  Status MakeFiles();
  const Buffer& At(size_t workload, size_t index) const;
  std::span<std::byte> Pages(const Buffer& buffer) const;
  std::span<std::byte> Data(const Buffer& buffer) const;

  // Constant after Create.
  std::vector<std::string> names_;
  std::vector<int64_t> axes_;
  std::vector<Buffer> buffers_;  // workload by workload, inputs first
  size_t inputs_ = 0, outputs_ = 0, axis_count_ = 0;
  uint64_t base_ = 0;
  uint64_t reserve_bytes_ = 0;
  uint64_t secret_ = 0;
  size_t input_bytes_ = 0, output_bytes_ = 0;
  UniqueFd input_file_, output_file_;
  SharedMapping input_map_, output_map_;

  std::vector<uint64_t> salts_;  // of the canaries, by workload
};

}  // namespace ks

#endif  // KS_BACKEND_CPU_ARENA_H_

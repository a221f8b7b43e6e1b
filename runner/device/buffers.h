// The device memory of one workload: inputs and outputs between guards, in one allocation, and the
// layout of scratch buffers.
#ifndef KS_RUNNER_DEVICE_BUFFERS_H_
#define KS_RUNNER_DEVICE_BUFFERS_H_

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/device/protocol.h"
#include "helpers.h"

namespace ks {

inline constexpr uint64_t kGuardBytes = 4096;

// What a row of a region table is, for reports.
struct RegionLabel {
  std::string buffer;
  bool after = false;  // the guard after the buffer
};

// Places buffers one after the other, each with a guard of kGuardBytes directly before its first
// and directly after its last byte. Value.
class ArenaLayout {
 public:
  ArenaLayout(uint64_t base, uint64_t alignment) : base_(base), alignment_(alignment) {}
  // The offset of the new buffer. `poison`: kPoisonFloat, kPoisonInteger; -1: keeps its contents.
  uint64_t Add(const std::string& name, uint64_t bytes, int poison);
  uint64_t bytes() const { return end_; }
  const std::vector<Region>& rows() const { return rows_; }
  const std::vector<RegionLabel>& labels() const { return labels_; }

 private:
  uint64_t base_;
  uint64_t alignment_;
  uint64_t end_ = 0;
  std::vector<Region> rows_;
  std::vector<RegionLabel> labels_;
};

// A candidate must not know addresses from the trial before: buffers lie at one of so many places
// of a larger piece of memory, DeviceApi::alignment() apart. Its bytes beyond the buffers':
inline constexpr uint64_t kPlaces = 64;
inline uint64_t SpareBytes(uint64_t alignment) { return (kPlaces - 1) * alignment; }
inline uint64_t ShiftOf(uint64_t placement, uint64_t alignment) {
  return placement % kPlaces * alignment;
}

// Inputs and outputs of one workload. Frees its memory in the destructor. Single thread.
class WorkloadBuffers {
 public:
  // ERRORS: kResourceExhausted.
  static Result<std::unique_ptr<WorkloadBuffers>> Create(DeviceApi& api, Helpers& helpers,
                                                         const TaskLayout& task, size_t workload);
  ~WorkloadBuffers();

  // Moves all buffers within their memory, to one of kPlaces places that `placement` picks; returns
  // by how many bytes. Contents do not move with them.
  int64_t MoveTo(uint64_t placement);
  // The scalars among these inputs are those that are there.
  bool SameScalars(std::span<const std::span<const std::byte>> inputs) const;
  // Copies the contents in; complete when it returns. An input that is shorter than its buffer is a
  // sample that `seed` spreads over it. REQUIRES: FitsLayout.
  Status SetInputs(std::span<const std::span<const std::byte>> inputs, uint64_t seed);

  // What the regions' offsets count from.
  BufferView arena() const { return {arena_, shift_, layout_.bytes()}; }
  BufferView input(size_t index) const { return Shifted(inputs_[index]); }
  BufferView output(size_t index) const { return Shifted(outputs_[index]); }
  const std::array<std::byte, 8>& scalar(size_t index) const { return scalars_[index]; }
  const ArenaLayout& layout() const { return layout_; }
  const RegionTable& hashed() const { return hashed_; }        // all inputs
  const RegionTable& exchanged() const { return exchanged_; }  // whose elements change places
  const std::string& input_name(size_t row_of_hashed) const { return hashed_names_[row_of_hashed]; }
  // A second place for all outputs, made on first use. ERRORS: kResourceExhausted.
  Result<BufferId> Copies();
  BufferView CopyOf(size_t output) const { return copies_[output]; }

 private:
  WorkloadBuffers(DeviceApi& api, Helpers& helpers, uint64_t alignment)
      : api_(api), helpers_(helpers), layout_(0, alignment) {}
  Status Place(const TaskLayout& task, size_t workload);
  Status Spread(size_t index, std::span<const std::byte> sample, uint64_t seed);
  BufferView Shifted(BufferView view) const {
    view.offset += shift_;
    return view;
  }

  DeviceApi& api_;
  Helpers& helpers_;
  ArenaLayout layout_;
  BufferId arena_ = -1;
  BufferId copy_arena_ = -1;
  uint64_t shift_ = 0;
  std::vector<BufferView> inputs_, outputs_, copies_;  // the first two before the shift
  std::vector<std::array<std::byte, 8>> scalars_;      // by input
  std::vector<uint64_t> scalar_bytes_;                 // 0: a buffer
  std::vector<uint64_t> element_bytes_;                // by input
  RegionTable hashed_, exchanged_;
  std::vector<std::string> hashed_names_;
};

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_BUFFERS_H_

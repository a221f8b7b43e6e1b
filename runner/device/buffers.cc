#include "buffers.h"

#include <cstring>

#include "base/rng.h"
#include "helper_source.h"

namespace ks {
namespace {

constexpr uint64_t kHashedBytesABlock = 32u << 10;
constexpr uint64_t kExchangedBytesABlock = 64u << 10;

uint64_t RoundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

int PoisonOf(DType dtype) {
  return static_cast<int>(IsFloat(dtype) ? kPoisonFloat : kPoisonInteger);
}

}  // namespace

uint64_t ArenaLayout::Add(const std::string& name, uint64_t bytes, int poison) {
  const uint64_t offset = RoundUp(end_ + kGuardBytes, alignment_);
  rows_.push_back({base_, offset - kGuardBytes, kGuardBytes, kCanary});
  labels_.push_back({name, false});
  rows_.push_back({base_, offset + bytes, kGuardBytes, kCanary});
  labels_.push_back({name, true});
  if (poison >= 0 && bytes > 0) {
    rows_.push_back({base_, offset, bytes, static_cast<uint64_t>(poison)});
    labels_.push_back({name, false});
  }
  end_ = offset + bytes + kGuardBytes;
  return offset;
}

Result<std::unique_ptr<WorkloadBuffers>> WorkloadBuffers::Create(DeviceApi& api, Helpers& helpers,
                                                                 const TaskLayout& task,
                                                                 size_t workload) {
  std::unique_ptr<WorkloadBuffers> self(  // private constructor
      new WorkloadBuffers(api, helpers, api.alignment()));
  KS_RETURN_IF_ERROR(self->Place(task, workload));
  return self;
}

WorkloadBuffers::~WorkloadBuffers() {
  helpers_.FreeTable(&hashed_);
  helpers_.FreeTable(&exchanged_);
  for (const BufferId buffer : {arena_, copy_arena_}) {
    if (buffer >= 0) api_.Free(buffer);
  }
}

Status WorkloadBuffers::Place(const TaskLayout& task, size_t workload) {
  const WorkloadLayout& sizes = task.workloads[workload];
  std::vector<Region> hashed;
  std::vector<Region> exchanged;
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    const InputLayout& input = task.inputs[i];
    const uint64_t element = SizeOf(input.dtype);
    const uint64_t bytes = sizes.input_counts[i] * element;
    scalars_.emplace_back();
    scalar_bytes_.push_back(input.scalar ? element : 0);
    element_bytes_.push_back(element);
    inputs_.emplace_back();
    if (input.scalar) continue;
    inputs_.back() = {-1, layout_.Add(input.name, bytes, -1), bytes};
    if (bytes == 0) continue;
    hashed.push_back({0, inputs_.back().offset, bytes, element});
    hashed_names_.push_back(input.name);
    if (input.exchange) exchanged.push_back(hashed.back());
  }
  for (size_t i = 0; i < task.outputs.size(); ++i) {
    const OutputLayout& output = task.outputs[i];
    const uint64_t bytes = sizes.output_counts[i] * SizeOf(output.dtype);
    outputs_.push_back({-1, layout_.Add(output.name, bytes, PoisonOf(output.dtype)), bytes});
  }
  KS_ASSIGN_OR_RETURN(arena_, api_.Allocate(layout_.bytes() + SpareBytes(api_.alignment())));
  for (auto* views : {&inputs_, &outputs_}) {
    for (BufferView& view : *views) view.buffer = arena_;
  }
  KS_ASSIGN_OR_RETURN(hashed_, helpers_.NewTable(std::move(hashed), kHashedBytesABlock));
  KS_ASSIGN_OR_RETURN(exchanged_, helpers_.NewTable(std::move(exchanged), kExchangedBytesABlock));
  return {};
}

int64_t WorkloadBuffers::MoveTo(uint64_t placement) {
  const uint64_t before = shift_;
  shift_ = ShiftOf(placement, api_.alignment());
  return static_cast<int64_t>(shift_) - static_cast<int64_t>(before);
}

bool WorkloadBuffers::SameScalars(std::span<const std::span<const std::byte>> inputs) const {
  for (size_t i = 0; i < scalar_bytes_.size(); ++i) {
    if (std::memcmp(scalars_[i].data(), inputs[i].data(), scalar_bytes_[i]) != 0) return false;
  }
  return true;
}

Status WorkloadBuffers::SetInputs(std::span<const std::span<const std::byte>> inputs,
                                  uint64_t seed) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (scalar_bytes_[i] > 0) {
      std::memcpy(scalars_[i].data(), inputs[i].data(), scalar_bytes_[i]);
    } else if (inputs[i].size() == input(i).bytes) {
      KS_RETURN_IF_ERROR(api_.CopyIn(input(i), inputs[i].data()));
    } else {
      KS_RETURN_IF_ERROR(Spread(i, inputs[i], DeriveSeed(seed, "spread", i)));
    }
  }
  return api_.Sync();
}

Status WorkloadBuffers::Spread(size_t index, std::span<const std::byte> sample, uint64_t seed) {
  KS_ASSIGN_OR_RETURN(const BufferId buffer, api_.Allocate(sample.size()));
  const BufferView view = {buffer, 0, sample.size()};
  const auto spread = [&]() -> Status {
    KS_RETURN_IF_ERROR(api_.CopyIn(view, sample.data()));
    KS_RETURN_IF_ERROR(helpers_.Expand(input(index), view, element_bytes_[index], seed));
    return api_.Sync();
  };
  const Status status = spread();
  api_.Free(buffer);
  return status;
}

Result<BufferId> WorkloadBuffers::Copies() {
  if (copy_arena_ >= 0) return copy_arena_;
  uint64_t end = 0;
  copies_.clear();
  for (const BufferView& output : outputs_) {
    copies_.push_back({-1, end, output.bytes});
    end = RoundUp(end + std::max<uint64_t>(output.bytes, 1), api_.alignment());
  }
  KS_ASSIGN_OR_RETURN(copy_arena_, api_.Allocate(end));
  for (BufferView& view : copies_) view.buffer = copy_arena_;
  return copy_arena_;
}

}  // namespace ks

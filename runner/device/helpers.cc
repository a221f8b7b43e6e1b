#include "helpers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "helper_source.h"

namespace ks {
namespace {

constexpr uint32_t kMaxBlocks = 1024;
constexpr uint64_t kSlotBytes = 4u << 20;  // partial results of one slot
constexpr uint32_t kProbeItems = 4096;

LaunchArgument Buffer(const BufferView& view) {
  LaunchArgument argument;
  argument.kind = LaunchArgument::Kind::kBuffer;
  argument.view = view;
  return argument;
}

template <typename T>
LaunchArgument Value(T value) {
  LaunchArgument argument;
  argument.bytes = sizeof value;
  std::memcpy(argument.value.data(), &value, sizeof value);
  return argument;
}

// As the helper kernels number types.
uint32_t TypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF64:
      return 1;
    case DType::kF16:
      return 2;
    case DType::kBF16:
      return 3;
    case DType::kI32:
      return 4;
    case DType::kI64:
      return 5;
    case DType::kU8:
      return 6;
  }
  return 0;
}

BufferView Whole(BufferId buffer) { return {buffer, 0, 0}; }

}  // namespace

Result<std::unique_ptr<Helpers>> Helpers::Load(DeviceApi& api, std::string* image) {
  std::unique_ptr<Helpers> self(new Helpers(api));  // private constructor
  Result<ModuleId> module = api.LoadHelpers(kHelperSource, *image);
  if (!module.ok()) {
    const bool ours = module.error().code == ErrorCode::kInvalidArgument;
    return Error{ours ? ErrorCode::kInternal : module.error().code,
                 "the helper kernels: " + module.error().message};
  }
  self->module_ = *module;
  KS_RETURN_IF_ERROR(self->FindKernels());
  KS_RETURN_IF_ERROR(self->MakeBuffers());
  if (!image->empty()) return self;
  KS_RETURN_IF_ERROR(self->WarmUp());
  *image = api.HelperImage(self->module_);
  return self;
}

Helpers::~Helpers() {
  for (const BufferId buffer : {broken_, partial_}) {
    if (buffer >= 0) api_.Free(buffer);
  }
  if (module_ >= 0) api_.UnloadModule(module_);
}

Status Helpers::FindKernels() {
  const auto find = [&](const char* name, KernelInfo* to) -> Status {
    KS_ASSIGN_OR_RETURN(*to, api_.FindKernel(module_, name));
    return {};
  };
  KS_RETURN_IF_ERROR(find("ks_prepare", &prepare_));
  KS_RETURN_IF_ERROR(find("ks_check", &check_));
  KS_RETURN_IF_ERROR(find("ks_hash", &hash_));
  KS_RETURN_IF_ERROR(find("ks_exchange", &exchange_));
  KS_RETURN_IF_ERROR(find("ks_expand", &expand_));
  KS_RETURN_IF_ERROR(find("ks_probe", &probe_));
  KS_RETURN_IF_ERROR(find("ks_squares", &squares_));
  KS_RETURN_IF_ERROR(find("ks_compare", &compare_));
  return {};
}

Status Helpers::MakeBuffers() {
  KS_ASSIGN_OR_RETURN(broken_, api_.Allocate(sizeof(uint32_t)));
  KS_ASSIGN_OR_RETURN(partial_, api_.Allocate(2 * kSlotBytes));
  return ClearBroken();
}

// Every kernel once, on a corner of the buffer for partial results.
Status Helpers::WarmUp() {
  constexpr uint64_t kBytes = 1024;
  KS_ASSIGN_OR_RETURN(RegionTable table, NewTable({{0, 0, kBytes, kCanary}}, kBytes));
  KS_ASSIGN_OR_RETURN(RegionTable elements, NewTable({{0, 0, kBytes, 4}}, kBytes));
  KS_RETURN_IF_ERROR(Prepare(table, Whole(partial_), {}, 1));
  KS_RETURN_IF_ERROR(Check(table, Whole(partial_), {}, 1, 0));
  KS_RETURN_IF_ERROR(StartHash(elements, Whole(partial_), true, 1, 1));
  KS_RETURN_IF_ERROR(Exchange(elements, Whole(partial_), 1));
  const BufferView side = {partial_, kSlotBytes, kBytes};
  KS_RETURN_IF_ERROR(Expand({partial_, 0, kBytes}, side, sizeof(float), 1));
  KS_RETURN_IF_ERROR(Compare(DType::kF32, side, side, {}));
  KS_RETURN_IF_ERROR(Probe());
  FreeTable(&table);
  FreeTable(&elements);
  return ClearBroken();
}

uint32_t Helpers::BlocksFor(uint64_t items) const {
  const auto units = static_cast<uint32_t>(std::max(api_.info().sm_count, 1));
  const uint32_t most = std::min(kMaxBlocks, units * 8);
  const uint64_t wanted = (items + kHelperThreads - 1) / kHelperThreads;
  return static_cast<uint32_t>(std::clamp<uint64_t>(wanted, 1, most));
}

Status Helpers::Launch(const KernelInfo& kernel, uint32_t blocks, size_t rows,
                       std::vector<LaunchArgument> arguments) {
  LaunchShape shape;
  shape.grid = {blocks, static_cast<uint32_t>(rows), 1};
  shape.block = {kHelperThreads, 1, 1};
  return api_.Launch(kernel.id, shape, arguments);
}

Result<RegionTable> Helpers::NewTable(std::vector<Region> rows, uint64_t bytes_a_block) {
  RegionTable table;
  table.rows = std::move(rows);
  if (table.rows.size() > 4096) {
    return Error{ErrorCode::kInvalidArgument, "more than 2,000 buffers in one call"};
  }
  if (table.rows.empty()) return table;
  uint64_t largest = 0;
  for (const Region& row : table.rows) largest = std::max(largest, row.bytes);
  table.blocks = BlocksFor(largest / std::max<uint64_t>(bytes_a_block / kHelperThreads, 1));
  const uint64_t bytes = table.rows.size() * sizeof(Region);
  KS_ASSIGN_OR_RETURN(const BufferId buffer, api_.Allocate(bytes));
  table.view = {buffer, 0, bytes};
  KS_RETURN_IF_ERROR(api_.CopyIn(table.view, table.rows.data()));
  KS_RETURN_IF_ERROR(api_.Sync());
  return table;
}

void Helpers::FreeTable(RegionTable* table) {
  if (table->view.buffer >= 0) api_.Free(table->view.buffer);
  *table = {};
}

Status Helpers::Prepare(const RegionTable& table, const BufferView& arena,
                        const BufferView& scratch, uint64_t salt) {
  if (table.rows.empty()) return {};
  const BufferView& second = scratch.buffer >= 0 ? scratch : arena;
  return Launch(prepare_, table.blocks, table.rows.size(),
                {Buffer(arena), Buffer(second), Buffer(table.view), Value(salt)});
}

Status Helpers::Check(const RegionTable& table, const BufferView& arena, const BufferView& scratch,
                      uint64_t salt, uint32_t key) {
  if (table.rows.empty()) return {};
  const BufferView& second = scratch.buffer >= 0 ? scratch : arena;
  return Launch(check_, 32, table.rows.size(),
                {Buffer(arena), Buffer(second), Buffer(table.view), Value(salt), Value(key),
                 Buffer({broken_, 0, sizeof(uint32_t)})});
}

Status Helpers::ClearBroken() { return api_.Fill({broken_, 0, sizeof(uint32_t)}, kNotBroken); }

Result<uint32_t> Helpers::ReadBroken() {
  uint32_t broken = 0;
  KS_RETURN_IF_ERROR(api_.CopyOut(&broken, {broken_, 0, sizeof broken}));
  KS_RETURN_IF_ERROR(api_.Sync());
  return broken;
}

BufferView Helpers::HashSlot(const RegionTable& table, int slot) const {
  return {partial_, static_cast<uint64_t>(slot) * kSlotBytes,
          table.rows.size() * table.blocks * sizeof(uint64_t)};
}

Status Helpers::StartHash(const RegionTable& table, const BufferView& arena, bool positional,
                          uint64_t salt, int slot) {
  if (table.rows.empty()) return {};
  const BufferView partial = HashSlot(table, slot);
  if (partial.bytes > kSlotBytes) {
    return Error{ErrorCode::kInvalidArgument, "more inputs than can be hashed in one call"};
  }
  return Launch(hash_, table.blocks, table.rows.size(),
                {Buffer(arena), Buffer(table.view), Value(uint32_t{positional ? 1u : 0u}),
                 Value(salt), Buffer(partial)});
}

Result<std::vector<uint64_t>> Helpers::FinishHash(const RegionTable& table, int slot) {
  std::vector<uint64_t> sums(table.rows.size());
  if (sums.empty()) return sums;
  const BufferView view = HashSlot(table, slot);
  std::vector<uint64_t> partial(table.rows.size() * table.blocks);
  KS_RETURN_IF_ERROR(api_.CopyOut(partial.data(), view));
  KS_RETURN_IF_ERROR(api_.Sync());
  for (size_t i = 0; i < partial.size(); ++i) sums[i / table.blocks] += partial[i];
  return sums;
}

Status Helpers::Exchange(const RegionTable& table, const BufferView& arena, uint64_t seed) {
  if (table.rows.empty()) return {};
  return Launch(exchange_, table.blocks, table.rows.size(),
                {Buffer(arena), Buffer(table.view), Value(seed)});
}

Status Helpers::Expand(const BufferView& to, const BufferView& sample, uint64_t element,
                       uint64_t seed) {
  const uint64_t elements = to.bytes / element;
  if (elements == 0) return {};
  return Launch(expand_, BlocksFor(elements / 4), 1,
                {Buffer(to), Value(elements), Buffer(sample), Value(sample.bytes / element),
                 Value(static_cast<uint32_t>(element)), Value(seed)});
}

Result<double> Helpers::Squares(DType dtype, const BufferView& want, uint64_t count) {
  if (!IsFloat(dtype)) return 0.0;
  const uint32_t blocks = BlocksFor(count / 4);
  std::vector<double> partial(blocks);
  const BufferView view = {partial_, 0, blocks * sizeof(double)};
  KS_RETURN_IF_ERROR(Launch(squares_, blocks, 1,
                            {Buffer(want), Value(count), Value(TypeOf(dtype)), Buffer(view)}));
  KS_RETURN_IF_ERROR(api_.CopyOut(partial.data(), view));
  KS_RETURN_IF_ERROR(api_.Sync());
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

Result<OutputVerdict> Helpers::Compare(DType dtype, const BufferView& got, const BufferView& want,
                                       const Tolerance& tolerance) {
  const uint64_t count = want.bytes / SizeOf(dtype);
  OutputVerdict verdict;
  if (count == 0) return verdict;
  KS_ASSIGN_OR_RETURN(const double squares, Squares(dtype, want, count));
  const double least = tolerance.scale * std::sqrt(squares / static_cast<double>(count));
  const uint32_t blocks = BlocksFor(count / 4);
  std::vector<double> partial(size_t{blocks} * kCompareFields);
  const BufferView view = {partial_, 0, partial.size() * sizeof(double)};
  KS_RETURN_IF_ERROR(
      Launch(compare_, blocks, 1,
             {Buffer(got), Buffer(want), Value(count), Value(TypeOf(dtype)),
              Value(tolerance.absolute), Value(tolerance.relative), Value(least), Buffer(view)}));
  KS_RETURN_IF_ERROR(api_.CopyOut(partial.data(), view));
  KS_RETURN_IF_ERROR(api_.Sync());
  double first = static_cast<double>(count);
  for (uint32_t block = 0; block < blocks; ++block) {
    const double* fields = partial.data() + size_t{block} * kCompareFields;
    verdict.mismatches += static_cast<int64_t>(fields[0]);
    first = std::min(first, fields[1]);
    verdict.max_error = std::max(verdict.max_error, fields[2]);
    verdict.error_squares += fields[3];
    verdict.want_squares += fields[4];
  }
  if (verdict.mismatches > 0) verdict.first_index = static_cast<int64_t>(first);
  return verdict;
}

Result<bool> Helpers::Probe() {
  std::vector<uint32_t> data(kProbeItems);
  for (uint32_t i = 0; i < kProbeItems; ++i) data[i] = i ^ 0x5bd1e995u;
  const uint64_t bytes = kProbeItems * sizeof(uint32_t);
  const BufferView in = {partial_, 0, bytes};
  const BufferView out = {partial_, kSlotBytes, bytes};
  KS_RETURN_IF_ERROR(api_.CopyIn(in, data.data()));
  KS_RETURN_IF_ERROR(Launch(probe_, 8, 1, {Buffer(in), Buffer(out), Value(kProbeItems)}));
  std::vector<uint32_t> answer(kProbeItems);
  KS_RETURN_IF_ERROR(api_.CopyOut(answer.data(), out));
  KS_RETURN_IF_ERROR(api_.Sync());
  for (uint32_t i = 0; i < kProbeItems; ++i) {
    if (answer[i] != data[i] * 2654435761u + i) return false;
  }
  return true;
}

}  // namespace ks

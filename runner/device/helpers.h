// The trusted helper kernels with typed arguments.
#ifndef KS_RUNNER_DEVICE_HELPERS_H_
#define KS_RUNNER_DEVICE_HELPERS_H_

#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/task.h"
#include "device_api.h"

namespace ks {

// A row of a region table (helper_source.h).
struct Region {
  uint64_t base = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t kind = 0;  // or bytes of an element
};

// Rows that lie on the device. Value; freed with Helpers::FreeTable.
struct RegionTable {
  BufferView view;
  std::vector<Region> rows;
  uint32_t blocks = 1;  // so many fit the largest region
};

struct OutputVerdict {
  int64_t mismatches = 0, first_index = -1;
  double max_error = 0, error_squares = 0, want_squares = 0;
};

// Single thread. `api` must outlive it. ERRORS: DeviceApi's.
class Helpers {
 public:
  // `image`: of an earlier start on this device, or empty; then it is filled.
  static Result<std::unique_ptr<Helpers>> Load(DeviceApi& api, std::string* image);
  ~Helpers();

  Result<RegionTable> NewTable(std::vector<Region> rows, uint64_t bytes_a_block);
  void FreeTable(RegionTable* table);

  // `scratch`: -1 when no row lies there.
  Status Prepare(const RegionTable& table, const BufferView& arena, const BufferView& scratch,
                 uint64_t salt);
  // Writes to the broken-guard word when a guard differs; `key` < 2^20 tells the call.
  Status Check(const RegionTable& table, const BufferView& arena, const BufferView& scratch,
               uint64_t salt, uint32_t key);
  Status ClearBroken();
  // Syncs. kNotBroken, or key << 12 | row.
  Result<uint32_t> ReadBroken();
  static constexpr uint32_t kNotBroken = 0xFFFFFFFF;

  // Starts a hash of every region; the result is complete in `*sums` (one a region) after
  // FinishHash.
  Status StartHash(const RegionTable& table, const BufferView& arena, bool positional,
                   uint64_t salt, int slot);
  // Syncs.
  Result<std::vector<uint64_t>> FinishHash(const RegionTable& table, int slot);

  Status Exchange(const RegionTable& table, const BufferView& arena, uint64_t seed);
  // Elements of `element` bytes: each of `to` becomes one of `sample` (at most 2^32 elements) that
  // `seed` picks.
  Status Expand(const BufferView& to, const BufferView& sample, uint64_t element, uint64_t seed);
  // Syncs.
  Result<OutputVerdict> Compare(DType dtype, const BufferView& got, const BufferView& want,
                                const Tolerance& tolerance);
  // A known kernel on known data gives the known result. False: the device is not to be trusted.
  Result<bool> Probe();

 private:
  explicit Helpers(DeviceApi& api) : api_(api) {}
  Status FindKernels();
  Status MakeBuffers();
  Status WarmUp();
  Status Launch(const KernelInfo& kernel, uint32_t blocks, size_t rows,
                std::vector<LaunchArgument> arguments);
  uint32_t BlocksFor(uint64_t items) const;
  Result<double> Squares(DType dtype, const BufferView& want, uint64_t count);
  BufferView HashSlot(const RegionTable& table, int slot) const;

  DeviceApi& api_;
  ModuleId module_ = -1;
  KernelInfo prepare_, check_, hash_, exchange_, expand_, probe_;
  KernelInfo squares_, compare_;
  BufferId broken_ = -1;
  BufferId partial_ = -1;  // of hashes (two slots) and comparisons
};

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_HELPERS_H_

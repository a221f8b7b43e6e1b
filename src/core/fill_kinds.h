// The distributions behind core/fill.h: what each kind of fill means and how its elements are
// drawn.
#ifndef KS_CORE_FILL_KINDS_H_
#define KS_CORE_FILL_KINDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/elements.h"
#include "core/task.h"

namespace ks {

// xoshiro128+ (Blackman and Vigna) in eight independent lanes, so that drawing vectorises.
// Thread-compatible. The sequence for a seed is stable across platforms.
class BitLanes {
 public:
  static constexpr size_t kLanes = 8;
  explicit BitLanes(uint64_t seed);
  // Replaces `out` by random words. REQUIRES: out.size() % kLanes == 0.
  void Fill(std::span<uint32_t> out);
  // One word; as expensive as kLanes of them.
  uint32_t One();

 private:
  alignas(32) std::array<std::array<uint32_t, kLanes>, 4> state_;
};

enum class FillKind {
  kNormal,
  kUniform,
  kIntegers,
  kZerosOnes,
  kLabels,
  kZipf,
  kConstant,
  kPermutation,
  kCsrRowPtr,
  kCsrColIdx
};

// A FillSpec with its parameters evaluated for one workload. The meaning of the numbers: see
// docs/task_format.md.
struct ResolvedFill {
  FillKind kind = FillKind::kNormal;
  double first = 0;       // mean, low, probability, classes, value, nnz or cols
  double second = 0;      // std, high or exponent
  std::string row_ptr;    // csr_col_idx: the input that holds the row pointers; may be empty
  int bits = 0;           // significant bits that contents are rounded to; 0: as drawn
  bool variants = false;  // takes part in the distribution mix
};

// Names of all kinds, in the order of FillKind.
std::vector<std::string> FillKindNames();
// ERRORS: kInvalidArgument: unknown kind or parameter, parameter missing or out of the range of the
// element type, kind that does not fit the element type.
Result<ResolvedFill> ResolveFill(const BufferSpec& buffer, const AxisValues& axes);

// True when every element is drawn on its own, so that a part can be drawn anew.
bool IsElementwise(FillKind kind);
// Draws out.size() / SizeOf(dtype) elements as the law says; fill.bits is left to the caller.
// REQUIRES: IsElementwise(fill.kind); dtype is no 16-bit float.
void DrawElements(const ResolvedFill& fill, DType dtype, BitLanes& bits, std::span<std::byte> out);
// Draws a whole structural input. `row_ptr`: contents of the input named by fill.row_ptr, widened
// to int64; empty when there is none. ERRORS: kInvalidArgument when row_ptr does not end at the
// count.
Status DrawStructure(const ResolvedFill& fill, DType dtype, std::span<const int64_t> row_ptr,
                     BitLanes& bits, std::span<std::byte> out);

}  // namespace ks

#endif  // KS_CORE_FILL_KINDS_H_

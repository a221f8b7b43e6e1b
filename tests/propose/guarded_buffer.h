// Buffers of kernels under test: each ends (rounded up to 64 bytes) at an unreadable page, and what
// lies around it is known.
#ifndef KS_TESTS_PROPOSE_GUARDED_BUFFER_H_
#define KS_TESTS_PROPOSE_GUARDED_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/rng.h"
#include "core/task.h"

namespace ks {

// Its memory holds 0xA5 at first. Single thread.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t bytes);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // The bytes around the buffer are still 0xA5.
  bool Intact() const;

 private:
  size_t bytes_, mapped_bytes_ = 0;
  char* base_ = nullptr;
  char* data_ = nullptr;
};

// Shapes as BufferOf (kernel_equality.h) has them: axis names, integers, sums and products.
int64_t ExtentOf(const std::string& text, const AxisValues& axes);
size_t BytesOf(const BufferSpec& spec, const AxisValues& axes);
// Random contents as the buffer's fill says.
void FillBuffer(const BufferSpec& spec, const AxisValues& axes, GuardedBuffer& buffer, Rng& rng);
// Empty: `got` holds what `want` holds (floats within `tolerance` of the largest magnitude).
std::string CompareBuffers(DType dtype, const GuardedBuffer& want, const GuardedBuffer& got,
                           double tolerance);
// " at m=1 n=2"
std::string SizesText(const AxisValues& axes);

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_GUARDED_BUFFER_H_

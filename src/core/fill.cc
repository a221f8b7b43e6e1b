#include "core/fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>
#include <type_traits>

#include "base/hash.h"
#include "base/rng.h"
#include "core/fill_kinds.h"

namespace ks {
namespace {

constexpr int kVariants = 5;  // 0: the task's own fill
constexpr size_t kWords = 1024;
constexpr size_t kPieceElements = size_t{1} << 20;
constexpr size_t kMostThreads = 16;

Error Bad(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

uint64_t InputSeed(uint64_t seed, const BufferSpec& input, int variant) {
  return DeriveSeed(seed, input.name, static_cast<uint64_t>(variant));
}

double Deviation(const ResolvedFill& fill) {
  return fill.kind == FillKind::kNormal ? fill.second
                                        : (fill.second - fill.first) / std::sqrt(12.0);
}

// Rewrites freshly drawn normal or uniform contents into variant 1 to 4 of the mix.
template <typename T>
void ApplyVariant(const ResolvedFill& fill, int variant, BitLanes& bits, T* data, size_t count) {
  const T offset = static_cast<T>(32.0 * Deviation(fill));
  const bool signs = fill.kind == FillKind::kNormal || fill.first < 0;
  std::array<T, 17> powers;
  for (int i = 0; i < 17; ++i)
    powers[static_cast<size_t>(i)] = static_cast<T>(std::ldexp(1.0, i - 8));
  std::array<uint32_t, kWords> words;
  for (size_t done = 0; done < count; done += kWords) {
    bits.Fill(words);
    for (size_t i = done; i < std::min(done + kWords, count); ++i) {
      const uint32_t word = words[i - done];
      switch (variant) {
        case 1:
          data[i] += offset;
          break;
        case 2:
          data[i] *= powers[(uint64_t{word} * 17) >> 32];
          break;
        case 3:
          data[i] = (word >> 29) == 0 ? data[i] : T{0};
          break;
        default:
          data[i] = static_cast<T>(static_cast<int>((uint64_t{word} * 9) >> 32) - (signs ? 4 : 0));
      }
    }
  }
}

std::vector<int64_t> Widened(DType dtype, const Bytes& bytes) {
  std::vector<int64_t> values(bytes.size() / SizeOf(dtype));
  WithElements(dtype, const_cast<std::byte*>(bytes.data()), [&](const auto* data) {
    if constexpr (std::is_integral_v<std::remove_const_t<std::remove_pointer_t<decltype(data)>>>) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(data[i]);
    } else {
      KS_CHECK(false);  // ResolveFill lets row pointers be integers only
    }
  });
  return values;
}

// Contents of the input named by `fill.row_ptr` among those drawn so far.
Result<std::vector<int64_t>> RowPointers(const Task& task, const ResolvedFill& fill,
                                         const std::vector<Bytes>& drawn) {
  if (fill.row_ptr.empty()) return std::vector<int64_t>();
  for (size_t i = 0; i < drawn.size(); ++i) {
    const BufferSpec& input = task.inputs[i];
    if (input.name == fill.row_ptr && input.fill.kind == "csr_row_ptr") {
      return Widened(input.dtype, drawn[i]);
    }
  }
  return Bad(fmt::format("row_ptr names '{}', which is no csr_row_ptr input before this one",
                         fill.row_ptr));
}

// Rounds to `keep` significant bits, to nearest, ties to even.
template <typename T>
void RoundSignificands(int keep, T* data, size_t count) {
  using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const int drop = std::numeric_limits<T>::digits - keep;
  if (drop <= 0) return;
  const Word mask = (Word{1} << drop) - 1;
  for (size_t i = 0; i < count; ++i) {
    auto word = std::bit_cast<Word>(data[i]);
    word += (mask >> 1) + ((word >> drop) & 1);  // a carry raises the exponent, as it should
    data[i] = std::bit_cast<T>(word & ~mask);
  }
}

// `count` elements in `variant` of the mix. 16-bit floats are drawn as f32 and rounded at the end.
void DrawInto(const ResolvedFill& fill, DType dtype, int variant, BitLanes& bits,
              std::span<std::byte> to, size_t count) {
  const bool narrow = dtype == DType::kF16 || dtype == DType::kBF16;
  const DType drawn_as = narrow ? DType::kF32 : dtype;
  Bytes wide(narrow ? count * SizeOf(drawn_as) : 0);
  const std::span<std::byte> drawn = narrow ? std::span<std::byte>(wide) : to;
  DrawElements(fill, drawn_as, bits, drawn);
  WithElements(drawn_as, drawn.data(), [&](auto* data) {
    if constexpr (std::is_floating_point_v<std::remove_pointer_t<decltype(data)>>) {
      if (variant != 0) ApplyVariant(fill, variant, bits, data, count);
      if (fill.bits != 0) RoundSignificands(fill.bits, data, count);
    }
  });
  if (!narrow) return;
  const auto* from = reinterpret_cast<const float*>(wide.data());
  WithElements(dtype, to.data(), [&](auto* narrowed) {
    using T = std::remove_pointer_t<decltype(narrowed)>;
    if constexpr (kIsFloatElement<T>) {
      for (size_t i = 0; i < count; ++i) narrowed[i] = static_cast<T>(from[i]);
    }
  });
}

// The pieces of a large buffer have generators of their own, so that any number of threads draws
// the same contents.
Bytes DrawContents(const ResolvedFill& fill, DType dtype, int variant, uint64_t seed,
                   size_t count) {
  Bytes bytes(count * SizeOf(dtype));
  const size_t pieces = std::max<size_t>(1, (count + kPieceElements - 1) / kPieceElements);
  std::atomic<size_t> next = 0;
  const auto draw = [&] {
    for (size_t piece = next++; piece < pieces; piece = next++) {
      const size_t first = piece * kPieceElements;
      const size_t elements = std::min(kPieceElements, count - first);
      BitLanes bits(piece == 0 ? seed : DeriveSeed(seed, "piece", piece));
      DrawInto(fill, dtype, variant, bits,
               std::span(bytes).subspan(first * SizeOf(dtype), elements * SizeOf(dtype)), elements);
    }
  };
  const size_t cores = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  std::vector<std::jthread> helpers;  // joined when they go out of scope
  for (size_t i = 1; i < std::min(cores, pieces); ++i) helpers.emplace_back(draw);
  draw();
  return bytes;
}

struct DrawPlan {
  uint64_t seed = 0;
  int variant = 0;
  size_t most = std::numeric_limits<size_t>::max();  // elements of an elementwise input
};

Result<Bytes> FillOne(const Task& task, const Workload& workload, const BufferSpec& input,
                      const DrawPlan& plan, const std::vector<Bytes>& drawn) {
  KS_ASSIGN_OR_RETURN(const ResolvedFill fill, ResolveFill(input, workload.axes));
  KS_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(input, workload.axes));
  const auto count = static_cast<size_t>(elements);
  const int variant = fill.variants ? plan.variant : 0;
  const uint64_t own_seed = InputSeed(plan.seed, input, variant);
  if (IsElementwise(fill.kind)) {
    return DrawContents(fill, input.dtype, variant, own_seed, std::min(count, plan.most));
  }
  BitLanes bits(own_seed);
  Bytes bytes(count * SizeOf(input.dtype));
  auto row_ptr = RowPointers(task, fill, drawn);
  if (!row_ptr) return row_ptr.error().Under(fmt::format("fill of '{}'", input.name));
  const Status status = DrawStructure(fill, input.dtype, *row_ptr, bits, bytes);
  if (!status) return status.error().Under(fmt::format("fill of '{}'", input.name));
  return bytes;
}

Result<std::vector<Bytes>> FillAll(const Task& task, const Workload& workload,
                                   const DrawPlan& plan) {
  std::vector<Bytes> inputs;
  for (const BufferSpec& input : task.inputs) {
    auto bytes = FillOne(task, workload, input, plan, inputs);
    if (!bytes) return bytes.error().Under(fmt::format("workload {}", workload.name));
    inputs.push_back(*std::move(bytes));
  }
  return inputs;
}

// Draws one element anew in each of `draws` equal stretches of the buffer.
template <typename T>
void Scatter(BitLanes& bits, const T* fresh, size_t draws, T* data, size_t count) {
  std::array<uint32_t, kWords> words;
  for (size_t i = 0; i < draws; ++i) {
    if (i % kWords == 0) bits.Fill(words);
    const size_t begin = count * i / draws;
    const size_t length = count * (i + 1) / draws - begin;
    data[begin + ((uint64_t{words[i % kWords]} * length) >> 32)] = fresh[i];
  }
}

}  // namespace

Result<std::vector<Bytes>> FillInputs(const Task& task, const Workload& workload, uint64_t seed,
                                      int variant) {
  KS_CHECK(variant >= 0);
  DrawPlan plan;
  plan.seed = seed;
  plan.variant = variant % kVariants;
  return FillAll(task, workload, plan);
}

Result<std::vector<Bytes>> FillSamples(const Task& task, const Workload& workload, uint64_t seed,
                                       size_t most) {
  KS_CHECK(most > 0);
  return FillAll(task, workload, {seed, 0, most});
}

Status PerturbInputs(const Task& task, const Workload& workload, uint64_t seed, double fraction,
                     std::span<const std::span<std::byte>> inputs) {
  KS_CHECK(inputs.size() == task.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const BufferSpec& input = task.inputs[i];
    if (input.scalar) continue;
    KS_ASSIGN_OR_RETURN(const ResolvedFill fill, ResolveFill(input, workload.axes));
    if (!IsElementwise(fill.kind) || fill.kind == FillKind::kConstant) continue;
    KS_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(input, workload.axes));
    const auto count = static_cast<size_t>(elements);
    if (count * SizeOf(input.dtype) > inputs[i].size()) {
      return Bad(fmt::format("input '{}' needs {} bytes, the view has {}", input.name,
                             count * SizeOf(input.dtype), inputs[i].size()));
    }
    if (count == 0) continue;
    const double wanted = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count);
    const size_t draws = std::clamp<size_t>(static_cast<size_t>(wanted), 1, count);
    BitLanes bits(DeriveSeed(seed, input.name, kVariants));
    Bytes fresh(draws * SizeOf(input.dtype));
    DrawInto(fill, input.dtype, 0, bits, fresh, draws);
    WithElements(input.dtype, inputs[i].data(), [&](auto* data) {
      using T = std::remove_pointer_t<decltype(data)>;
      Scatter(bits, reinterpret_cast<const T*>(fresh.data()), draws, data, count);
    });
  }
  return {};
}

}  // namespace ks

// Skill triton_batch_programs: a program handles several places of a grid axis.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/triton_batch.h"

namespace ks {
namespace {

constexpr int kSmallestDot = 16;

struct BatchShape {
  int places, warps;
  int step = 0;    // of the dots' numbered extents; 0: as they are
  int stages = 0;  // 0: as it is
};

class TritonBatchProgramsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_batch_programs"; }
  std::string_view summary() const override {
    return "A program that handles one row, query or channel loads for it alone what its "
           "neighbours "
           "load too. Let it handle a batch of them: shared blocks are loaded once a batch, and "
           "sums of products of a shared block with a row each become tl.dot. Costs registers.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1) continue;
      const PlanLaunch& launch = *context.launches()[kernel.launches[0]];
      // Exact products go to the tensor cores as three of parts, which keep f32's precision.
      const bool rounds = context.task().precision != "f32" && context.task().precision != "f64";
      const std::string precision = context.task().precision == "f64" ? "ieee"
                                    : rounds                          ? "tf32"
                                                                      : "tf32x3";
      for (size_t axis = 0; axis < launch.grid.size(); ++axis) {
        const auto batched = BatchPrograms(context, kernel, static_cast<int>(axis), precision);
        if (!batched || (batched->shared_loads == 0 && batched->own_ranges == 0)) continue;
        if (TooFew(context, launch, axis) || (batched->dots > 0 && !AllSingle(context))) continue;
        if (batched->dots > 0 && !context.task().allow_reassociation) continue;
        AddShapes(context, kernel, axis, *batched, edits);
      }
    }
    return edits;
  }

 private:
  // The factors of a product are of one type, whatever was loaded or computed.
  static bool AllSingle(const DeviceContext& context) {
    const std::vector<BufferSpec>& inputs = context.task().inputs;
    return std::all_of(inputs.begin(), inputs.end(), [](const BufferSpec& input) {
      return input.dtype != DType::kF16 && input.dtype != DType::kBF16 &&
             input.dtype != DType::kF64;
    });
  }

  // Fewer programs than the device runs at once: batches would leave more of it idle.
  static bool TooFew(const DeviceContext& context, const PlanLaunch& launch, size_t axis) {
    std::string programs = "ceil_div(" + launch.grid[axis].text + ", 8)";
    for (size_t i = 0; i < launch.grid.size(); ++i) {
      if (i != axis) programs += "*(" + launch.grid[i].text + ")";
    }
    const int64_t count = LargestGrid(context, programs);
    return count > 0 && count < context.device().sm_count;
  }

  static void AddShapes(const DeviceContext& context, const DeviceKernel& kernel, size_t axis,
                        const BatchedKernel& batched, std::vector<Edit>& edits) {
    static constexpr BatchShape kDots[] = {
        {64, 4, 32, 2}, {128, 8, 32, 1}, {64, 4, 64, 1}, {64, 4, 32, 1}};
    static constexpr BatchShape kPlain[] = {{16, 4}, {32, 4}, {8, 4}, {64, 8}};
    // Where each place has blocks of its own to load, those bound the kernel.
    double gain = batched.dots > 0         ? 8
                  : batched.own_ranges > 0 ? 1.3
                  : batched.own_loads > 0  ? 1.1
                                           : 3;
    for (const BatchShape& shape : batched.dots > 0 ? kDots : kPlain) {
      const auto source = Launched(context, kernel, axis, batched, shape);
      if (!source) continue;
      edits.push_back({*source,
                       "Handle " + std::to_string(shape.places) + " places of axis " +
                           std::to_string(axis) + " of the grid in a program of " + kernel.name +
                           (batched.dots > 0 ? ", with matrix products." : "."),
                       EditKind::kStrategy, gain});
      gain = std::max(1.1, 0.9 * gain);
    }
  }

  static std::optional<std::string> Launched(const DeviceContext& context,
                                             const DeviceKernel& kernel, size_t axis,
                                             const BatchedKernel& batched,
                                             const BatchShape& shape) {
    const size_t launch = kernel.launches[0];
    std::string source = batched.source;
    const auto apply = [&](std::optional<std::string> next) {
      const bool fits = next.has_value();
      if (fits) source = *std::move(next);
      return fits;
    };
    std::vector<std::string> grid;
    for (const PlanText& extent : context.launches()[launch]->grid) grid.push_back(extent.text);
    std::vector<std::string> args = context.LaunchArguments(launch);
    args.push_back(grid[axis]);
    grid[axis] = "ceil_div(" + grid[axis] + ", " + batched.places + ")";
    if (!apply(WithAllArguments(context, source)) ||
        !apply(WithLaunchOption(source, launch, "args", "(" + Join(args, ", ") + ")")) ||
        !apply(WithLaunchOption(source, launch, "grid", "(" + Join(grid, ", ") + ")")) ||
        !apply(WithLaunchOption(source, launch, "num_warps", std::to_string(shape.warps))) ||
        !apply(WithNewConstant(source, batched.places, std::to_string(shape.places)))) {
      return std::nullopt;
    }
    if (shape.stages > 0 &&
        !apply(WithLaunchOption(source, launch, "num_stages", std::to_string(shape.stages)))) {
      return std::nullopt;
    }
    for (const std::string& extent : batched.dot_axes) {
      if (!apply(WithDotExtent(context, source, extent, shape.step))) return std::nullopt;
    }
    return source;
  }

  // The source with that extent large enough for tl.dot: a number must be already; a block that is
  // the next power of two of a size has masked parts anyway and may be larger.
  static std::optional<std::string> WithDotExtent(const DeviceContext& context,
                                                  const std::string& source,
                                                  const std::string& extent, int step) {
    std::string value = extent;
    for (const PlanConstant& constant : context.plan().constants) {
      if (constant.name == extent) value = constant.value.text;
    }
    if (const auto number = ParseInt(value)) {
      if (step > 0 && context.HasConstant(extent)) {
        return WithConstant(source, extent, std::to_string(step));
      }
      return *number >= kSmallestDot ? std::optional(source) : std::nullopt;
    }
    if (value.starts_with("max(" + std::to_string(kSmallestDot) + ", ")) return source;
    if (!value.starts_with("next_pow2(")) return std::nullopt;
    return WithConstant(source, extent, "max(" + std::to_string(kSmallestDot) + ", " + value + ")");
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonBatchProgramsSkill() {
  return std::make_unique<TritonBatchProgramsSkill>();
}

}  // namespace ks

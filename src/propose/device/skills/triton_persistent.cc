// Skill triton_persistent: a grid of fixed size whose programs walk the blocks.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

class TritonPersistentSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_persistent"; }
  std::string_view summary() const override {
    return "One program a block starts and ends very many programs. A grid of a few programs a "
           "multiprocessor that walk the blocks in a loop starts each once, and the loop may load "
           "the next block while one is computed; loops inside it are flattened into it.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || kernel.parameters.empty() || !Fits(context, kernel))
        continue;
      const bool loops = !RangeLoops(kernel.body).empty();
      for (const int programs : {8, 4, 16}) {
        for (const char* how : {"", ", flatten=True", ", num_stages=3"}) {
          // Flattening needs a loop inside; stages without one overlap loads of blocks.
          const bool flat = std::string_view(how).find("flatten") != std::string_view::npos;
          if (*how != 0 && flat != loops) continue;
          auto source = Emit(context, kernel, programs, how);
          if (!source) continue;
          edits.push_back({*std::move(source),
                           "Walk the blocks of " + kernel.name + " with " +
                               std::to_string(programs) + " programs a multiprocessor.",
                           EditKind::kStructure, *how != 0 ? 1.06 : 1.05});
        }
      }
    }
    return edits;
  }

 private:
  static bool Fits(const DeviceContext& context, const DeviceKernel& kernel) {
    if (context.launches()[kernel.launches[0]]->grid.size() != 1) return false;
    const auto grid = GridUseOf(kernel);
    if (!grid || !grid->counts.empty() || !CallsOf(kernel.body, "tl.swizzle2d").empty()) {
      return false;
    }
    for (const int axis : grid->places) {
      if (axis != 0) return false;
    }
    for (Node node : kernel.body.Subtree()) {
      if (node.Is("return_statement") || node.Is("break_statement")) return false;
      // A parameter that moves (x += row) would go on moving with the next block.
      const std::string name = AssignedName(node);
      const auto& names = kernel.parameter_names;
      if (std::find(names.begin(), names.end(), name) != names.end()) return false;
    }
    return true;
  }

  static std::optional<std::string> Emit(const DeviceContext& context, const DeviceKernel& kernel,
                                         int programs, const char* how) {
    const size_t launch = kernel.launches[0];
    const std::string blocks = context.FreshName("blocks"), block = context.FreshName("block");
    const std::string each = context.FreshName("PROGRAMS_PER_UNIT");
    std::string body = "for " + block + " in tl.range(tl.program_id(0), " + blocks +
                       ", tl.num_programs(0)" + how + "):\n";
    for (Node statement : kernel.body.NamedChildren()) {
      std::string lines = LinesOf(statement);
      for (Node call : CallsOf(statement, "tl.program_id")) {
        lines = ReplaceAll(lines, call.text(), block);
      }
      body += Deeper(lines, 4);
    }
    TextEdits edits(context.source());
    edits.Replace(kernel.body, std::string(Trim(body)));
    edits.Insert(kernel.parameters.front().begin(), blocks + ", ");
    const std::string grid = context.launches()[launch]->grid[0].text;
    auto source = WithAllArguments(context, edits.Apply());
    if (!source) return source;
    source =
        WithLaunchOption(*source, launch, "args",
                         "(" + grid + ", " + Join(context.LaunchArguments(launch), ", ") + ")");
    if (source) source = WithNewConstant(*source, each, std::to_string(programs));
    if (!source) return source;
    return WithLaunchOption(*source, launch, "grid", "(min(" + grid + ", " + each + "*sm_count))");
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonPersistentSkill() {
  return std::make_unique<TritonPersistentSkill>();
}

}  // namespace ks

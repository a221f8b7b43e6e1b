// Skill triton_transpose_operand: the right operand of a tl.dot is transposed once, in front.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/dot_tile.h"
#include "propose/device/skills.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

constexpr int kExactSums = 64;  // registers of a thread for sums, where parts of operands need them

// base + down[:, None] * width + across[None, :], the address of the right operand
struct OperandLoad {
  Node address;
  std::string base, down, width, across;
  std::string buffer;         // of the task, that `base` is given
  std::string rows, columns;  // its shape
  std::string height;         // parameter that is given its rows
};

void Terms(Node node, std::vector<Node>& out) {
  if (node.Is("binary_operator") && node.Child("operator").text() == "+") {
    Terms(node.Child("left"), out);
    Terms(node.Child("right"), out);
  } else {
    out.push_back(node);
  }
}

// "p" of p[:, None] (down) or p[None, :].
std::string IndexOf(Node node, bool down) {
  const std::string tail = down ? "[:, None]" : "[None, :]";
  const std::string text(node.text());
  if (!node.Is("subscript") || !node.Child("value").Is("identifier")) return "";
  return text.ends_with(tail) ? text.substr(0, text.size() - tail.size()) : "";
}

bool ReadAddress(Node address, OperandLoad* out) {
  std::vector<Node> terms;
  Terms(address, terms);
  if (terms.size() != 3 || !terms[0].Is("identifier")) return false;
  out->address = address;
  out->base = std::string(terms[0].text());
  for (size_t i = 1; i < 3; ++i) {
    if (terms[i].Is("binary_operator") && terms[i].Child("operator").text() == "*") {
      out->down = IndexOf(terms[i].Child("left"), true);
      if (terms[i].Child("right").Is("identifier")) out->width = terms[i].Child("right").text();
    } else {
      out->across = IndexOf(terms[i], false);
    }
  }
  return !out->down.empty() && !out->width.empty() && !out->across.empty();
}

class TritonTransposeOperandSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_transpose_operand"; }
  std::string_view summary() const override {
    return "Tensor cores take 32-bit operands only with the summed axis contiguous; a row-major "
           "right operand is turned around by every program in every step. Transpose it once into "
           "a scratch buffer, in a launch in front. Costs that launch's traffic.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || kernel.parameters.empty()) continue;
      const std::vector<Node> dots = CallsOf(kernel.body, "tl.dot");
      if (dots.size() != 1) continue;
      const Node precision = KeywordArgument(dots[0], "input_precision");
      const auto load = precision ? RightOperand(context, kernel, dots[0]) : std::nullopt;
      if (!load) continue;
      // Exact products go to the tensor cores as three of parts, which keep f32's precision.
      const bool exact = precision.text() == "\"ieee\"";
      if (exact && context.task().precision == "f64") continue;
      TextEdits text(context.source());
      if (exact) text.Replace(precision, "\"tf32x3\"");
      const auto turned = Emit(context, kernel, *load, text);
      if (!turned) continue;
      const double gain = precision.text() == "\"tf32\"" ? 3.0 : 1.3;
      const std::string why = "Transpose " + load->buffer + " in front of " + kernel.name +
                              ", as the tensor cores want it.";
      AddShapes(context, kernel, dots[0], *turned, why, exact, exact ? 1.9 : 2 * gain, edits);
      edits.push_back({*turned, why, EditKind::kStrategy, gain});
    }
    return edits;
  }

 private:
  // Tiles that suit the turned operand, in the same step: neither alone shows what both give.
  static void AddShapes(const DeviceContext& context, const DeviceKernel& kernel, Node dot,
                        const std::string& turned, const std::string& why, bool exact, double gain,
                        std::vector<Edit>& edits) {
    const auto tile = TileOfDot(context, kernel, dot);
    size_t added = 0;
    for (const DotShape& shape : KnownDotShapes()) {
      // The launch of the kernel now comes behind the transposition's.
      if (!tile || added == 2 || !FitsShared(context, shape, 4)) continue;
      if (exact && shape.rows * shape.columns > kExactSums * 32 * shape.warps) continue;
      const auto source = WithDotShape(turned, {kernel.launches[0] + 1}, *tile, shape);
      if (!source) continue;
      ++added;
      edits.push_back({*source,
                       why + " Tiles of " + std::to_string(shape.rows) + " x " +
                           std::to_string(shape.columns) + " x " + std::to_string(shape.depth) +
                           ".",
                       EditKind::kStrategy, gain});
      gain *= 0.9;
    }
  }

  static std::optional<OperandLoad> RightOperand(const DeviceContext& context,
                                                 const DeviceKernel& kernel, Node dot) {
    const std::vector<Node> arguments = PositionalArguments(dot);
    if (arguments.size() < 2) return std::nullopt;
    Node load = arguments[1];
    if (load.Is("identifier")) {
      const std::string name(load.text());
      load = Node();
      for (Node inner : kernel.body.Subtree()) {
        if (AssignedName(inner) != name) continue;
        if (load || !inner.Is("assignment")) return std::nullopt;  // assigned twice
        load = inner.Child("right");
      }
    }
    if (!load || !load.Is("call") || load.Child("function").text() != "tl.load")
      return std::nullopt;
    OperandLoad out;
    const std::vector<Node> address = PositionalArguments(load);
    if (address.empty() || !ReadAddress(address[0], &out)) return std::nullopt;
    const std::vector<std::string> values = context.ParameterValues(kernel, kernel.launches[0]);
    std::string width;
    for (size_t i = 0; i < values.size(); ++i) {
      if (kernel.parameter_names[i] == out.base) out.buffer = values[i];
      if (kernel.parameter_names[i] == out.width) width = values[i];
    }
    for (const BufferSpec& input : context.task().inputs) {
      if (input.name != out.buffer || input.shape.size() != 2 || input.dtype != DType::kF32)
        continue;
      out.rows = input.shape[0];
      out.columns = input.shape[1];
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == out.rows) out.height = kernel.parameter_names[i];
    }
    const bool fits = !out.rows.empty() && width == out.columns && !out.height.empty() &&
                      UsesOf(kernel.body, out.base) == 1;
    return fits ? std::optional(out) : std::nullopt;
  }

  static std::optional<std::string> Emit(const DeviceContext& context, const DeviceKernel& kernel,
                                         const OperandLoad& load, TextEdits& edits) {
    const std::string turned = context.FreshName(load.buffer + "_turned");
    const std::string second = context.FreshName("turn_" + load.buffer);
    const std::string tile = context.FreshName("TURN_TILE");
    edits.Replace(load.address, load.base + " + " + load.down + "[:, None] + " + load.across +
                                    "[None, :] * " + load.height);
    std::string source = edits.Apply();
    source += source.ends_with('\n') ? "" : "\n";
    source +=
        "\n\n# target[columns, rows] = transpose of source[rows, columns]\n@triton.jit\ndef " +
        second + "(source, target, rows, columns, " + tile + ": tl.constexpr):\n" +
        "    i = tl.program_id(0) * " + tile + " + tl.arange(0, " + tile + ")\n" +
        "    j = tl.program_id(1) * " + tile + " + tl.arange(0, " + tile + ")\n" +
        "    mask = (i[:, None] < rows) & (j[None, :] < columns)\n" +
        "    block = tl.load(source + i[:, None] * columns + j[None, :], mask=mask, other=0.0)\n" +
        "    tl.store(target + j[None, :] * rows + i[:, None], block, mask=mask)\n";
    const auto apply = [&](std::optional<std::string> next) {
      const bool fits = next.has_value();
      if (fits) source = *std::move(next);
      return fits;
    };
    const size_t launch = kernel.launches[0];
    std::vector<std::string> args = context.LaunchArguments(launch);
    if (std::count(args.begin(), args.end(), load.buffer) != 1) return std::nullopt;
    std::replace(args.begin(), args.end(), load.buffer, turned);
    const std::string directive = "launch " + second + " grid=(ceil_div(" + load.rows + ", " +
                                  tile + "), ceil_div(" + load.columns + ", " + tile + ")) args=(" +
                                  load.buffer + ", " + turned + ", " + load.rows + ", " +
                                  load.columns + ")";
    if (!apply(WithAllArguments(context, source)) ||
        !apply(WithLaunchOption(source, launch, "args", "(" + Join(args, ", ") + ")")) ||
        !apply(WithNewConstant(source, tile, "64")) ||
        !apply(WithScratch(source, turned + " f32 [" + load.columns + ", " + load.rows + "]")) ||
        !apply(WithStep(source, context.StepOf(launch), directive))) {
      return std::nullopt;
    }
    return source;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonTransposeOperandSkill() {
  return std::make_unique<TritonTransposeOperandSkill>();
}

}  // namespace ks

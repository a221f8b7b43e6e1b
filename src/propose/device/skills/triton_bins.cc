// Skill triton_bins: atomics on a few counters become histograms of blocks, added once a program.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

// The last statement: tl.atomic_add(counts + place, 1, mask=..).
struct BinCounting {
  Node call, place, mask;
  std::string counts, bins, shape;  // bins: the parameter; shape: the plan's extent
};

class TritonBinsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_bins"; }
  std::string_view summary() const override {
    return "Programs that count with one atomic an element queue at a few places. Let each program "
           "count several blocks by tl.histogram and add its counts once.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || kernel.parameters.empty()) continue;
      const std::optional<BinCounting> found = Match(context, kernel);
      if (!found) continue;
      // Elements of a block (0: as it is) and blocks of a program.
      static constexpr std::pair<int, int> kForms[] = {{4096, 4}, {2048, 8}, {0, 8}, {0, 32}};
      double gain = 12;
      for (const auto& [elements, blocks] : kForms) {
        auto source = Emit(context, kernel, *found, blocks);
        if (source && elements > 0) {
          const std::string constant = BlockConstant(context, kernel);
          source = constant.empty() ? std::nullopt
                                    : WithConstant(*source, constant, std::to_string(elements));
        }
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Count " + std::to_string(blocks) + " blocks" +
                             (elements > 0 ? " of " + std::to_string(elements) : "") +
                             " a program of " + kernel.name + " before adding to memory.",
                         EditKind::kStrategy, gain});
        gain *= 0.9;
      }
    }
    return edits;
  }

 private:
  // The constant of the only tl.arange; empty: there is none, or it is no number.
  static std::string BlockConstant(const DeviceContext& context, const DeviceKernel& kernel) {
    const std::vector<Node> ranges = CallsOf(kernel.body, "tl.arange");
    const std::vector<Node> ends = ranges.size() == 1 ? PositionalArguments(ranges[0]) : ranges;
    for (const PlanConstant& constant : context.plan().constants) {
      if (ends.size() == 2 && ranges.size() == 1 && ends[1].text() == constant.name &&
          ParseInt(constant.value.text)) {
        return constant.name;
      }
    }
    return "";
  }

  static std::optional<BinCounting> Match(const DeviceContext& context,
                                          const DeviceKernel& kernel) {
    const std::vector<Node> statements = kernel.body.NamedChildren();
    for (Node statement : statements) {
      if (!statement.Is("expression_statement")) return std::nullopt;
    }
    BinCounting found;
    found.call = InnerStatement(statements.back());
    if (!found.call.Is("call") || found.call.Child("function").text() != "tl.atomic_add" ||
        !CallsOf(kernel.body, "tl.store").empty()) {
      return std::nullopt;
    }
    const std::vector<Node> arguments = PositionalArguments(found.call);
    if (arguments.size() != 2 || arguments[1].text() != "1" || !arguments[0].Is("binary_operator"))
      return std::nullopt;
    found.counts = std::string(arguments[0].Child("left").text());
    found.place = arguments[0].Child("right");
    found.mask = KeywordArgument(found.call, "mask");
    const auto grid = GridUseOf(kernel);
    if (!grid || !grid->counts.empty()) return std::nullopt;
    for (Node call : CallsOf(kernel.body, "tl.program_id")) {
      if (call.text() != "tl.program_id(0)") return std::nullopt;
    }
    if (UsesOf(kernel.body, found.counts) != 1 ||
        context.launches()[kernel.launches[0]]->grid.size() != 1) {
      return std::nullopt;
    }
    const std::vector<std::string> passed = context.ParameterValues(kernel, kernel.launches[0]);
    for (size_t i = 0; i < passed.size(); ++i) {
      const std::vector<std::string> shape = context.ShapeOf(passed[i]);
      if (kernel.parameter_names[i] == found.counts && shape.size() == 1) found.shape = shape[0];
    }
    for (size_t i = 0; i < passed.size(); ++i) {
      if (passed[i] == found.shape) found.bins = kernel.parameter_names[i];
    }
    return found.bins.empty() ? std::nullopt : std::optional<BinCounting>(found);
  }

  static std::optional<std::string> Emit(const DeviceContext& context, const DeviceKernel& kernel,
                                         const BinCounting& found, int blocks) {
    const std::string slots = context.FreshName("SLOTS"), items = context.FreshName("BLOCKS_EACH");
    const std::string item = context.FreshName("item"), counted = context.FreshName("counted");
    const std::string slot = context.FreshName("slot");
    std::string body = slot + " = tl.arange(0, " + slots + ")\n    " + counted + " = tl.zeros((" +
                       slots + ",), dtype=tl.int32)\n    for " + item + " in range(0, " + items +
                       "):\n";
    const std::vector<Node> statements = kernel.body.NamedChildren();
    for (size_t i = 0; i + 1 < statements.size(); ++i) {
      body += Deeper(ReplaceAll(LinesOf(statements[i]), "tl.program_id(0)",
                                "(tl.program_id(0) * " + items + " + " + item + ")"),
                     4);
    }
    const std::string place(found.place.text());
    body += "        " + counted + " += tl.histogram((" + place + ").to(tl.int32), " + slots +
            (found.mask ? ", mask=" + std::string(found.mask.text()) : "") + ")\n";
    body += "    tl.atomic_add(" + found.counts + " + " + slot + ", " + counted + ", mask=(" +
            slot + " < " + found.bins + ") & (" + counted + " != 0))";
    TextEdits edits(context.source());
    edits.Replace(kernel.body, body);
    AddConstexpr(kernel, slots, edits);
    AddConstexpr(kernel, items, edits);
    std::optional<std::string> source =
        WithNewConstant(edits.Apply(), slots, "max(32, next_pow2(" + found.shape + "))");
    if (source) source = WithNewConstant(*source, items, std::to_string(blocks));
    if (!source) return source;
    const size_t launch = kernel.launches[0];
    const std::string grid =
        "(ceil_div(" + context.launches()[launch]->grid[0].text + ", " + items + "))";
    return WithLaunchOption(*source, launch, "grid", grid);
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonBinsSkill() { return std::make_unique<TritonBinsSkill>(); }

}  // namespace ks

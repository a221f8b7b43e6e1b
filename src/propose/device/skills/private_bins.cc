// Skill private_bins: atomics of a whole grid on a few counters become atomics in shared memory.
#include <algorithm>

#include "base/text.h"
#include "propose/cpp/function.h"
#include "propose/device/device_text.h"
#include "propose/device/grid_index.h"
#include "propose/device/skills.h"

namespace ks {
namespace {

// for i of the grid: atomicAdd(counts + place, value), maybe behind declarations.
struct Counting {
  GridLoop loop;
  std::vector<Node> locals;
  std::string counts, place, value, element;
  std::string bins;         // how many counters: a parameter
  std::string plan_extent;  // of the loop
};

size_t CountWord(Node node, const std::string& word) {
  size_t count = 0;
  for (Node inner : node.Subtree()) count += inner.Is("identifier") && inner.text() == word ? 1 : 0;
  return count;
}

class Matcher {
 public:
  Matcher(const DeviceContext& context, const DeviceKernel& kernel)
      : context_(context),
        kernel_(kernel),
        arguments_(context.LaunchArguments(kernel.launches[0])) {
    arguments_.resize(kernel.parameter_names.size());
  }

  std::optional<Counting> Match() const {
    const std::optional<GridIndex> index = ReadGridIndex(context_, kernel_);
    if (!index || index->cooperative || index->loops.size() != 1 || index->rest.empty() ||
        !index->prologue.empty() || !index->locals.empty()) {
      return std::nullopt;
    }
    Counting found;
    found.loop = index->loops[0];
    found.locals = index->carried;
    found.locals.insert(found.locals.end(), index->rest.begin(), index->rest.end() - 1);
    for (Node local : found.locals) {
      if (!local.Is("declaration")) return std::nullopt;
    }
    if (!MatchAtomic(index->rest.back(), found)) return std::nullopt;
    const auto extent = ParameterIndex(found.loop.extent);
    const auto counts = ParameterIndex(found.counts);
    if (!extent || !counts || CountWord(kernel_.body, found.counts) != 1) return std::nullopt;
    found.plan_extent = arguments_[*extent];
    const auto shape = context_.ShapeOf(arguments_[*counts]);
    if (shape.size() != 1 || found.plan_extent.empty()) return std::nullopt;
    for (size_t i = 0; i < kernel_.parameter_names.size(); ++i) {
      if (arguments_[i] == shape[0]) found.bins = kernel_.parameter_names[i];
    }
    const Node type = kernel_.parameters[*counts].Child("type");
    found.element = std::string(type.text());
    const bool whole =
        found.element == "int" || found.element == "unsigned" || found.element == "uint";
    return found.bins.empty() || !whole ? std::nullopt : std::optional<Counting>(found);
  }

 private:
  std::optional<size_t> ParameterIndex(const std::string& name) const {
    const auto at = std::find(kernel_.parameter_names.begin(), kernel_.parameter_names.end(), name);
    if (at == kernel_.parameter_names.end()) return std::nullopt;
    return static_cast<size_t>(at - kernel_.parameter_names.begin());
  }

  // atomicAdd(counts + place, value); or &counts[place]; OpenCL: atomic_add, atomic_inc
  bool MatchAtomic(Node statement, Counting& found) const {
    if (!statement.Is("expression_statement") || statement.NamedChildren().size() != 1)
      return false;
    const Node call = statement.NamedChildren()[0];
    if (!call.Is("call_expression")) return false;
    const std::string name = CalleeName(call);
    const std::vector<Node> arguments = CallArguments(call);
    const bool increment = context_.IsOpenCl() && name == "atomic_inc";
    const bool add = name == (context_.IsCuda() ? "atomicAdd" : "atomic_add");
    if (!(increment && arguments.size() == 1) && !(add && arguments.size() == 2)) return false;
    found.value = increment ? "1" : std::string(arguments[1].text());
    const Node target = arguments[0].Unwrapped();
    if (target.Is("binary_expression") && target.Child("operator").text() == "+") {
      found.counts = std::string(target.Child("left").text());
      found.place = std::string(target.Child("right").text());
      return true;
    }
    const Node element = target.Is("pointer_expression") ? target.Child("argument") : Node();
    if (!element.Is("subscript_expression") || !target.text().starts_with('&')) return false;
    found.counts = std::string(element.Child("argument").text());
    Node indices = element.Child("indices");
    if (!indices) indices = element.Child("index");
    found.place = std::string(indices.text());
    if (found.place.starts_with('[')) found.place = found.place.substr(1, found.place.size() - 2);
    return !found.place.empty();
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  std::vector<std::string> arguments_;  // of the launch, one a parameter
};

class PrivateBinsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "private_bins"; }
  std::string_view summary() const override {
    return "Threads of a whole grid that count in a few places queue at its atomics. Let every "
           "block count in shared memory, with several copies where they fit, walk the input with "
           "a grid of fixed size, and add its counts once at the end.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || context.source().find("ks_bins") != std::string::npos)
        continue;
      const std::optional<Counting> found = Matcher(context, kernel).Match();
      if (!found) continue;
      for (const int copies : {32, 8, 1}) {
        auto source = Emit(context, kernel, *found, copies);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Count in shared memory, " + std::to_string(copies) +
                             (copies == 1 ? " copy" : " copies") + " a block of " + kernel.name +
                             ".",
                         EditKind::kStrategy, copies > 1 ? 12.0 + copies / 8 : 8.0});
      }
    }
    return edits;
  }

 private:
  // Several steps of a thread: all places are read before the first is counted, so that the loads
  // are in flight together.
  static std::string Several(const DeviceText& text, const Counting& found,
                             const std::string& locals, const std::string& items,
                             const std::string& add) {
    const std::string loop =
        "#pragma unroll\nfor (int ks_item = 0; ks_item < " + items + "; ++ks_item) {\n";
    const bool fixed = found.value.find_first_not_of("0123456789.fuU") == std::string::npos;
    std::string out = text.index_type() + " ks_places[" + items + "];\n";
    if (!fixed) out += found.element + " ks_values[" + items + "];\n";
    out += loop + "const " + found.loop.type + " " + found.loop.name +
           " = ks_at + ks_item * ks_stride;\n" + locals + "ks_places[ks_item] = " + found.place +
           ";\n";
    if (!fixed) out += "ks_values[ks_item] = " + found.value + ";\n";
    return out + "}\n" + loop + add + "(ks_bins + ks_first + ks_places[ks_item], " +
           (fixed ? found.value : "ks_values[ks_item]") + ");\n}\n";
  }

  static std::optional<std::string> Emit(const DeviceContext& context, const DeviceKernel& kernel,
                                         const Counting& found, int copies) {
    const DeviceText text(context.dialect(), found.loop.type);
    const bool cuda = context.IsCuda();
    KernelRewrite rewrite;
    const std::string threads = context.FreshName("BIN_THREADS");
    const std::string room = context.FreshName("BIN_ROOM");
    const std::string most = context.FreshName("BIN_COPIES");
    const std::string waves = context.FreshName("BIN_BLOCKS_PER_UNIT");
    const std::string items = context.FreshName("BIN_ITEMS");
    const int block = std::min(512, static_cast<int>(context.device().max_threads_per_block));
    rewrite.constants = {{threads, std::to_string(block)},
                         {room, cuda ? "8448" : "4096"},
                         {most, std::to_string(copies)},
                         {items, "8"},
                         {waves, "4"}};
    rewrite.block = threads;
    rewrite.grid =
        "min(ceil_div(" + found.plan_extent + ", " + threads + "), " + waves + "*sm_count)";
    const std::string& bins = found.bins;
    const std::string add = cuda ? "atomicAdd" : "atomic_add";
    const std::string blocks =
        cuda ? "(" + found.loop.type + ")gridDim.x" : "(" + found.loop.type + ")get_num_groups(0)";
    std::string body = text.Shared(found.element, "ks_bins", "[" + room + "]");
    body += "const int ks_thread = " + text.Thread(0) + ";\n";
    // Copies stand one element further apart than they are long: equal places lie in other banks.
    body += "const int ks_pitch = " + bins + " < " + room + " ? (int)" + bins + " + 1 : 1;\n";
    body += "const int ks_room = " + bins + " < " + room + " ? " + room + " / ks_pitch : 0;\n";
    body += "const int ks_copies = ks_room < " + most + " ? ks_room : " + most + ";\n";
    body += "for (int ks_b = ks_thread; ks_b < ks_copies * ks_pitch; ks_b += " + threads +
            ") ks_bins[ks_b] = 0;\n" + text.Barrier();
    // Neighbouring threads count in different copies: a frequent value would queue within a warp.
    body += "const int ks_first = ks_copies > 0 ? ks_thread % ks_copies * ks_pitch : 0;\n";
    const std::string& at = found.loop.name;
    const std::string& type = found.loop.type;
    std::string locals;
    for (Node local : found.locals) locals += std::string(local.text()) + "\n";
    const std::string shared =
        add + "(ks_bins + ks_first + (" + found.place + "), " + found.value + ");\n";
    // The next place could lie beyond the type's range: what is left is compared instead.
    body += "const " + type + " ks_stride = " + blocks + " * " + threads + ";\n";
    body += type + " ks_at = " + text.Block(0) + " * " + threads + " + ks_thread;\n";
    body += "if (ks_copies > 0) {\nfor (; ks_at < " + found.loop.extent + " && (" +
            found.loop.extent + " - ks_at - 1) / ks_stride >= " + items + ";) {\n" +
            Several(text, found, locals, items, add) + "ks_at += " + items +
            " * ks_stride;\n}\n}\n";
    body += "for (; ks_at < " + found.loop.extent + ";) {\nconst " + type + " " + at +
            " = ks_at;\n" + locals;
    body += "if (ks_copies > 0) {\n" + shared + "} else {\n" + add + "(" + found.counts + " + (" +
            found.place + "), " + found.value + ");\n}\nif (" + found.loop.extent +
            " - ks_at <= ks_stride) break;\nks_at += ks_stride;\n}\n" + text.Barrier();
    body += "for (int ks_b = ks_thread; ks_copies > 0 && ks_b < " + bins + "; ks_b += " + threads +
            ") {\n" + found.element +
            " ks_count = 0;\nfor (int ks_c = 0; ks_c < ks_copies; ++ks_c) "
            "ks_count += ks_bins[ks_c * ks_pitch + ks_b];\nif (ks_count != 0) " +
            add + "(" + found.counts + " + ks_b, ks_count);\n}\n";
    rewrite.body = body;
    VirtualNest place;  // only where the kernel stands
    place.kernel = kernel.name;
    place.launch = kernel.launches[0];
    place.body_begin = kernel.body.begin();
    place.body_end = kernel.body.end();
    return ReplaceKernel(context, place, rewrite);
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewPrivateBinsSkill() { return std::make_unique<PrivateBinsSkill>(); }

}  // namespace ks

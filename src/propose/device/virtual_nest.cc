#include "propose/device/virtual_nest.h"

#include <algorithm>

#include "base/text.h"
#include "propose/cpp/function.h"
#include "propose/device/grid_index.h"
#include "propose/device/thread_loop.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

// Prints parts of a kernel as plain C++: qualifiers gone, device spellings replaced.
class HostText {
 public:
  // `launch`: of a cooperative kernel, whose threads become one; else null.
  HostText(const DeviceContext& context, const PlanLaunch* launch)
      : context_(context),
        launch_(launch),
        masked_(MaskForParser(context.source(), context.dialect())) {}

  std::string Of(Node node) const {
    if (launch_ != nullptr) {
      if (auto text = OfOneThread(node)) return *text;
    }
    if (node.Is("call_expression")) {
      if (launch_ != nullptr && BlockReductionOf(context_, CalleeName(node)) != 0 &&
          !CallArguments(node).empty()) {
        // One thread has all of it. A name stays bare: `(name) - x` would read as a cast.
        const Node argument = CallArguments(node)[0];
        return argument.Is("identifier") ? Of(argument) : "(" + Of(argument) + ")";
      }
      if (auto text = Call(node)) return *text;
    }
    const std::vector<Node> children = node.children();
    std::string out;
    size_t at = node.begin();
    for (Node child : children) {
      out += masked_.substr(at, child.begin() - at);
      out += Of(child);
      at = child.end();
    }
    return out + masked_.substr(at, node.end() - at);
  }

 private:
  std::optional<std::string> Call(Node node) const {
    const std::string name = CalleeName(node);
    const std::vector<Node> arguments = CallArguments(node);
    static const std::map<std::string, std::string> kCasts = {
        {"__half2float", "float"},     {"__bfloat162float", "float"},
        {"__float2half", "__half"},    {"__float2bfloat16", "__nv_bfloat16"},
        {"__float2half_rn", "__half"}, {"__float2bfloat16_rn", "__nv_bfloat16"},
        {"__int2float_rn", "float"},   {"convert_float", "float"},
        {"convert_int", "int"},        {"convert_long", "long"}};
    if (const auto cast = kCasts.find(name); cast != kCasts.end() && arguments.size() == 1) {
      return "static_cast<" + cast->second + ">(" + Of(arguments[0]) + ")";
    }
    static const std::set<std::string> kFused = {"fmaf", "fma", "__fmaf_rn", "mad"};
    if (kFused.count(name) > 0 && arguments.size() == 3) {
      return "((" + Of(arguments[2]) + ") + (" + Of(arguments[0]) + ") * (" + Of(arguments[1]) +
             "))";
    }
    static const std::set<std::string> kLoads = {"__ldg", "__ldcs", "__ldca", "__ldcg"};
    if (kLoads.count(name) > 0 && arguments.size() == 1) {
      const Node pointer = arguments[0].Unwrapped();
      if (pointer.Is("pointer_expression") && pointer.text().starts_with('&')) {
        return Of(pointer.Child("argument"));
      }
      return "(*(" + Of(pointer) + "))";
    }
    return std::nullopt;
  }

  // The work of all threads of the block in one: their loops run through, values need no combining.
  std::optional<std::string> OfOneThread(Node node) const {
    if (const auto dimension = BlockDimension(context_, node)) return BlockVariable(*dimension);
    if (node.Is("for_statement")) {
      const auto start = ThreadLoopStart(context_, *launch_, node);
      if (!start) return std::nullopt;
      const std::string name(
          node.Child("initializer").Child("declarator").Child("declarator").text());
      return "for (" + std::string(node.Child("initializer").Child("type").text()) + " " + name +
             " = " + *start + "; " + Of(node.Child("condition")) + "; ++" + name + ") " +
             Of(node.Child("body"));
    }
    if (node.Is("if_statement") && !node.Child("alternative") &&
        IsFirstThread(context_, node.Child("condition"))) {
      return Of(node.Child("consequence"));
    }
    if (!node.Is("expression_statement") || node.NamedChildren().size() != 1) return std::nullopt;
    const Node inner = node.NamedChildren()[0];
    if (inner.Is("assignment_expression") && inner.Child("operator").text() == "=" &&
        inner.Child("right").Is("call_expression")) {
      const Node call = inner.Child("right");
      const std::vector<Node> arguments = CallArguments(call);
      if (!arguments.empty() && arguments[0].text() == inner.Child("left").text() &&
          BlockReductionOf(context_, CalleeName(call)) != 0) {
        return "";
      }
    }
    return std::nullopt;
  }

  const DeviceContext& context_;
  const PlanLaunch* launch_;
  const std::string masked_;
};

// Shared memory that a helper works in; a use outside helpers does not get a meaning here.
bool IsSharedArray(const DeviceContext& context, Node declaration) {
  if (!declaration.Child("declarator").Is("array_declarator")) return false;
  const std::string_view text = declaration.text();
  // The qualifier is hidden from the tree and lies in front of the type.
  const std::string_view before = std::string_view(context.source()).substr(0, declaration.begin());
  const std::string_view line = before.substr(before.rfind('\n') + 1);
  return line.find("__shared__") != std::string_view::npos ||
         line.find("__local") != std::string_view::npos || text.starts_with("__");
}

std::string VirtualSource(const DeviceContext& context, const DeviceKernel& kernel,
                          const GridIndex& index) {
  const HostText host(context,
                      index.cooperative ? context.launches()[kernel.launches[0]] : nullptr);
  std::vector<std::string> parameters;
  for (Node parameter : kernel.parameters) parameters.push_back(host.Of(parameter));
  for (const PlanConstant& constant : context.plan().constants) {
    parameters.push_back("int64_t " + constant.name);
  }
  std::string text = "void " + kernel.name + "(" + Join(parameters, ", ") + ") {\n";
  for (Node declaration : index.prologue) text += host.Of(declaration) + "\n";
  for (const GridLoop& loop : index.loops) {
    text += "for (" + loop.type + " " + loop.name + " = 0; " + loop.name + " < " + loop.extent +
            "; ++" + loop.name + ") {\n";
  }
  for (const std::string& local : index.locals) text += local + "\n";
  for (Node declaration : index.carried) {
    if (!IsSharedArray(context, declaration)) text += host.Of(declaration) + "\n";
  }
  for (Node statement : index.rest) text += host.Of(statement) + "\n";
  for (size_t i = 0; i <= index.loops.size(); ++i) text += "}\n";
  return text;
}

std::map<std::string, std::string> PlanNames(const DeviceContext& context,
                                             const DeviceKernel& kernel) {
  std::map<std::string, std::string> names;
  const PlanLaunch& launch = *context.launches()[kernel.launches[0]];
  std::vector<std::string> args;
  if (launch.args_given) {
    for (const ks::PlanText& arg : launch.args) args.push_back(arg.text);
  } else {
    const Task& task = context.task();
    for (const BufferSpec& input : task.inputs) args.push_back(input.name);
    for (const BufferSpec& output : task.outputs) args.push_back(output.name);
    for (const PlanScratch& scratch : context.plan().scratch) args.push_back(scratch.name.text);
    args.insert(args.end(), task.axes.begin(), task.axes.end());
  }
  for (size_t i = 0; i < args.size() && i < kernel.parameter_names.size(); ++i) {
    const bool plain = args[i].find_first_of("+-*/%(, ") == std::string::npos;
    names[kernel.parameter_names[i]] = plain ? args[i] : "(" + args[i] + ")";
  }
  for (const PlanConstant& constant : context.plan().constants) {
    names[constant.name] = constant.name;
  }
  return names;
}

bool PrintForPlan(const IrExpr& e, const std::map<std::string, std::string>& names,
                  std::string& out) {
  using Kind = IrExpr::Kind;
  if (e.kind == Kind::kCast) return PrintForPlan(*e.args[0], names, out);
  if (e.kind == Kind::kNumber) {
    if (e.text.find_first_not_of("0123456789") != std::string::npos) return false;
    out += e.text;
    return true;
  }
  if (e.kind == Kind::kName) {
    const auto found = names.find(e.text);
    if (found == names.end()) return false;
    out += found->second;
    return true;
  }
  // Division is exact in the plan's language: left out.
  if (e.kind == Kind::kBinary && (e.text == "+" || e.text == "-" || e.text == "*")) {
    out += "(";
    if (!PrintForPlan(*e.args[0], names, out)) return false;
    out += e.text;
    if (!PrintForPlan(*e.args[1], names, out)) return false;
    out += ")";
    return true;
  }
  return false;
}

}  // namespace

const std::vector<IrStmt>& VirtualNest::body() const {
  const IrStmt* at = ir.body.data();
  for (size_t i = 1; i < grid.size(); ++i) at = at->body.data();
  return at->body;
}

std::optional<std::string> VirtualNest::PlanText(const IrExprPtr& expression) const {
  std::string out;
  if (!expression || !PrintForPlan(*expression, plan_names, out)) return std::nullopt;
  return out;
}

std::optional<VirtualNest> BuildVirtualNest(const DeviceContext& context,
                                            const DeviceKernel& kernel) {
  const std::optional<GridIndex> index = ReadGridIndex(context, kernel);
  if (!index) return std::nullopt;
  const std::optional<SyntaxTree> tree = SyntaxTree::Parse(VirtualSource(context, kernel, *index));
  if (!tree) return std::nullopt;
  std::optional<KernelIr> ir = BuildKernelIr(*tree, kernel.name);
  if (!ir || ir->body.size() != 1 || HasOpaque(ir->body)) return std::nullopt;
  VirtualNest nest;
  nest.kernel = kernel.name;
  nest.launch = kernel.launches[0];
  nest.body_begin = kernel.body.begin();
  nest.body_end = kernel.body.end();
  nest.ir = *std::move(ir);
  NormalizeReductions(nest.ir, nest.ir.body);
  const std::vector<IrStmt>* at = &nest.ir.body;
  for (size_t i = 0; i < index->loops.size(); ++i) {
    if (at->size() != 1 || at->front().kind != IrStmt::Kind::kFor) return std::nullopt;
    const IrStmt& loop = at->front();
    nest.grid.push_back({loop.name, loop.cpp_type, loop.low, loop.high});
    at = &loop.body;
  }
  nest.cooperative = index->cooperative;
  const bool narrow = std::all_of(index->loops.begin(), index->loops.end(), [](const GridLoop& l) {
    return l.type == "int" || l.type == "int32_t";
  });
  nest.index_type = narrow ? "int" : context.IsCuda() ? "int64_t" : "long";
  nest.plan_names = PlanNames(context, kernel);
  return nest;
}

}  // namespace ks

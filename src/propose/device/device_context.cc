#include "propose/device/device_context.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"

namespace ks {
namespace {

// "flags" of a "// ksmith: flags ..." or "# ksmith: flags ..." line; empty optional: another line.
std::optional<std::string_view> FlagsOfLine(std::string_view line) {
  line = Trim(line);
  if (line.starts_with("//")) {
    line.remove_prefix(2);
  } else if (line.starts_with("#")) {
    line.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  line = Trim(line);
  if (!line.starts_with("ksmith:")) return std::nullopt;
  line = Trim(line.substr(7));
  if (line != "flags" && !line.starts_with("flags ")) return std::nullopt;
  return Trim(line.substr(5));
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool HasWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool left = at == 0 || !IsWord(text[at - 1]);
    const bool right = at + word.size() == text.size() || !IsWord(text[at + word.size()]);
    if (left && right) return true;
  }
  return false;
}

// The name that a parameter declares: below pointers, references and defaults.
std::string ParameterName(Node parameter) {
  if (parameter.Is("identifier")) return std::string(parameter.text());
  if (parameter.Is("typed_parameter")) {
    const std::vector<Node> named = parameter.NamedChildren();
    return named.empty() ? "" : std::string(named[0].text());
  }
  if (const Node name = parameter.Child("name")) return std::string(name.text());
  Node declarator = parameter.Child("declarator");
  while (declarator && !declarator.Is("identifier")) {
    const Node inner = declarator.Child("declarator");
    if (!inner) {
      const std::vector<Node> named = declarator.NamedChildren();
      declarator = named.empty() ? Node() : named.back();
    } else {
      declarator = inner;
    }
  }
  return declarator ? std::string(declarator.text()) : "";
}

// "ns::kernel<4>" -> "kernel": the name that a definition has.
std::string BaseName(std::string_view launched) {
  launched = launched.substr(0, launched.find('<'));
  const size_t scope = launched.rfind("::");
  return std::string(Trim(scope == std::string_view::npos ? launched : launched.substr(scope + 2)));
}

}  // namespace

std::optional<SourceDialect> DeviceDialectOf(std::string_view backend) {
  if (backend == "cuda") return SourceDialect::kCuda;
  if (backend == "opencl") return SourceDialect::kOpenCl;
  if (backend == "triton") return SourceDialect::kPython;
  return std::nullopt;
}

DeviceContext::DeviceContext(Private, SyntaxTree tree, LaunchPlan plan, SourceDialect dialect)
    : tree_(std::move(tree)), plan_(std::move(plan)), dialect_(dialect) {
  for (const PlanStep& step : plan_.steps) {
    if (const auto* launch = std::get_if<PlanLaunch>(&step)) launches_.push_back(launch);
  }
}

std::unique_ptr<DeviceContext> DeviceContext::Make(const std::string& source, const Task& task,
                                                   const Machine& machine, std::string_view backend,
                                                   const Evaluation* evaluation) {
  const std::optional<SourceDialect> dialect = DeviceDialectOf(backend);
  if (!dialect) return nullptr;
  std::variant<LaunchPlan, Diagnostic> plan = ParseLaunchPlan(source);
  if (std::holds_alternative<Diagnostic>(plan)) return nullptr;
  std::optional<SyntaxTree> tree = SyntaxTree::Parse(source, *dialect);
  if (!tree) return nullptr;
  auto context = std::make_unique<DeviceContext>(Private(), *std::move(tree),
                                                 std::get<LaunchPlan>(std::move(plan)), *dialect);
  context->task_ = &task;
  context->machine_ = &machine;
  context->evaluation_ = evaluation;
  if (!context->FindKernels()) return nullptr;
  return context;
}

bool DeviceContext::FindKernels() {
  for (Node node : tree_.root().Subtree()) {
    if (!node.Is("function_definition")) continue;
    DeviceKernel kernel;
    kernel.definition = node;
    kernel.body = node.Child("body");
    Node list;
    if (IsTriton()) {
      kernel.name = std::string(node.Child("name").text());
      list = node.Child("parameters");
    } else {
      Node declarator = node.Child("declarator");
      while (declarator && !declarator.Is("function_declarator")) {
        declarator = declarator.Child("declarator");
      }
      kernel.name = std::string(declarator.Child("declarator").text());
      list = declarator.Child("parameters");
    }
    for (size_t i = 0; i < launches_.size(); ++i) {
      if (BaseName(launches_[i]->kernel.text) == kernel.name) kernel.launches.push_back(i);
    }
    if (kernel.launches.empty()) continue;
    for (Node parameter : list.NamedChildren()) {
      kernel.parameters.push_back(parameter);
      kernel.parameter_names.push_back(ParameterName(parameter));
    }
    kernels_.push_back(std::move(kernel));
  }
  return std::all_of(launches_.begin(), launches_.end(), [&](const PlanLaunch* launch) {
    return std::any_of(kernels_.begin(), kernels_.end(), [&](const DeviceKernel& kernel) {
      return kernel.name == BaseName(launch->kernel.text);
    });
  });
}

const DeviceInfo& DeviceContext::device() const {
  static const DeviceInfo kPlain;
  return machine_->device ? *machine_->device : kPlain;
}

const Measured* DeviceContext::measured() const {
  return evaluation_ == nullptr ? nullptr : AsMeasured(evaluation_->outcome);
}

std::vector<std::string> DeviceContext::LaunchArguments(size_t launch) const {
  std::vector<std::string> args;
  if (launches_[launch]->args_given) {
    for (const PlanText& arg : launches_[launch]->args) args.push_back(arg.text);
    return args;
  }
  for (const BufferSpec& input : task_->inputs) args.push_back(input.name);
  for (const BufferSpec& output : task_->outputs) args.push_back(output.name);
  for (const PlanScratch& scratch : plan_.scratch) args.push_back(scratch.name.text);
  args.insert(args.end(), task_->axes.begin(), task_->axes.end());
  return args;
}

std::vector<std::string> DeviceContext::ParameterValues(const DeviceKernel& kernel,
                                                        size_t launch) const {
  const std::vector<std::string> passed = LaunchArguments(launch);
  std::vector<std::string> values;
  size_t next = 0;
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    if (IsTriton() && kernel.parameters[i].text().find("constexpr") != std::string_view::npos) {
      values.push_back(kernel.parameter_names[i]);
    } else {
      values.push_back(next < passed.size() ? passed[next] : "");
      ++next;
    }
  }
  return values;
}

size_t DeviceContext::StepOf(size_t launch) const {
  size_t step = 0;
  for (size_t launches = 0; step < plan_.steps.size(); ++step) {
    if (std::holds_alternative<PlanLaunch>(plan_.steps[step]) && launches++ == launch) break;
  }
  return step;
}

std::vector<std::string> DeviceContext::ShapeOf(const std::string& buffer) const {
  for (const BufferSpec& output : task_->outputs) {
    if (output.name == buffer) return output.shape;
  }
  std::vector<std::string> shape;
  for (const PlanScratch& scratch : plan_.scratch) {
    if (scratch.name.text != buffer) continue;
    for (const PlanText& extent : scratch.shape) shape.push_back(extent.text);
  }
  return shape;
}

bool DeviceContext::HasConstant(std::string_view name) const {
  return std::any_of(plan_.constants.begin(), plan_.constants.end(),
                     [&](const PlanConstant& constant) { return constant.name == name; });
}

std::string DeviceContext::FreshName(const std::string& base) const {
  std::string name = base;
  for (int i = 2; HasWord(source(), name); ++i) name = base + std::to_string(i);
  return name;
}

std::vector<std::string> DeviceContext::flags() const {
  std::vector<std::string> flags;
  for (std::string_view line : Split(source(), '\n')) {
    if (const auto words = FlagsOfLine(line)) {
      flags.clear();
      for (std::string_view flag : SplitWords(*words)) flags.emplace_back(flag);
    }
  }
  return flags;
}

std::string DeviceContext::WithFlags(const std::vector<std::string>& flags) const {
  std::string out;
  if (!flags.empty()) {
    out = std::string(IsTriton() ? "#" : "//") + " ksmith: flags " + Join(flags, " ") + "\n";
  }
  for (std::string_view rest = source(); !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!FlagsOfLine(line)) {
      out += line;
      if (end != std::string_view::npos) out += '\n';
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return out;
}

}  // namespace ks

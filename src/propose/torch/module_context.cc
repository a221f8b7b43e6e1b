#include "propose/torch/module_context.h"

#include <algorithm>
#include <utility>

#include "propose/device/triton_parts.h"
#include "propose/device/triton_text.h"

namespace ks {
namespace {

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void AddName(std::vector<std::string>& names, std::string_view name) {
  if (!Has(names, name)) names.emplace_back(name);
}

bool IsJit(Node decorated) {
  for (Node part : decorated.NamedChildren()) {
    if (part.Is("decorator") && part.text() == "@triton.jit") return true;
  }
  return false;
}

std::string ParameterName(Node parameter) {
  for (Node part : parameter.Subtree()) {
    if (part.Is("identifier")) return std::string(part.text());
  }
  return {};
}

// The definition under decorators, or the node itself.
Node Undecorated(Node node) {
  return node.Is("decorated_definition") ? node.Child("definition") : node;
}

bool SaysNothing(std::string_view attribute) {
  return attribute == "device" || attribute == "shape" || attribute == "dtype";
}

// Whether the identifier is a name that some expression reads.
bool IsRead(Node name) {
  const Node up = name.parent();
  if (up.Is("attribute")) {
    if (up.Child("attribute") == name) return false;
    if (SaysNothing(up.Child("attribute").text())) return false;
  }
  if (up.Is("keyword_argument") && up.Child("name") == name) return false;
  if (up.Is("lambda_parameters")) return false;
  if (up.Is("call") && up.Child("function") == name) return false;
  if (up.Is("subscript") && up.Child("value") == name && up.parent().Is("call") &&
      up.parent().Child("function") == up) {
    return false;  // a kernel
  }
  return true;
}

// Whether a call changes no tensor that it is given, and gives new memory or a view.
bool IsPure(Node call) {
  static constexpr std::string_view kFunctions[] = {"laid_out", "own_conv", "depthwise_conv"};
  static constexpr std::string_view kMethods[] = {
      "as_strided", "contiguous", "expand",    "flatten", "permute",   "reshape",
      "squeeze",    "t",          "transpose", "view",    "unsqueeze", "storage_offset"};
  const Node function = call.Child("function");
  const std::string_view text = function.text();
  const bool is_torch = text.substr(0, 6) == "torch.";
  if (is_torch && text.back() != '_') return !KeywordArgument(call, "out");
  if (function.Is("identifier")) {
    return std::find(std::begin(kFunctions), std::end(kFunctions), text) != std::end(kFunctions);
  }
  if (!function.Is("attribute") || is_torch) return false;
  const std::string_view method = function.Child("attribute").text();
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

bool OnlyPureCalls(Node node) {
  for (Node part : node.Subtree()) {
    if (part.Is("call") && !IsPure(part)) return false;
  }
  return true;
}

bool StartsWith(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

}  // namespace

std::vector<std::string> LocalNames(Node node) {
  std::vector<std::string> names;
  for (Node part : node.Subtree()) {
    if (!part.Is("identifier") || !IsRead(part)) continue;
    const std::string_view name = part.text();
    if (name == "torch" || name == "triton" || name == "tl" || name == "self" || name == "meta") {
      continue;
    }
    AddName(names, name);
  }
  return names;
}

bool ReadsSelf(Node node) {
  for (Node part : node.Subtree()) {
    if (part.Is("identifier") && part.text() == "self") return true;
  }
  return false;
}

std::unique_ptr<ModuleContext> ModuleContext::Make(const std::string& source,
                                                   const std::string& precision) {
  std::optional<SyntaxTree> tree = SyntaxTree::Parse(source, SourceDialect::kPython);
  if (!tree) return nullptr;
  std::unique_ptr<ModuleContext> context(new ModuleContext(*std::move(tree)));
  context->precision_ = precision;
  context->FindKernels();
  context->FindLaunches();
  if (!context->FindForward()) return nullptr;
  return context;
}

void ModuleContext::FindKernels() {
  for (Node node : tree_.root().NamedChildren()) {
    if (!node.Is("decorated_definition") || !IsJit(node)) continue;
    ModuleKernel kernel;
    kernel.whole = node;
    kernel.definition = node.Child("definition");
    if (!kernel.definition.Is("function_definition")) continue;
    kernel.name = std::string(kernel.definition.Child("name").text());
    kernel.body = kernel.definition.Child("body");
    bool positional = true;
    for (Node parameter : kernel.definition.Child("parameters").NamedChildren()) {
      kernel.parameters.push_back(ParameterName(parameter));
      positional = positional && parameter.Is("identifier");
      if (positional) kernel.pointers.push_back(kernel.parameters.back());
    }
    kernels_.push_back(std::move(kernel));
  }
}

void ModuleContext::FindLaunches() {
  for (Node call : tree_.root().Subtree()) {
    if (!call.Is("call") || !call.Child("function").Is("subscript")) continue;
    const Node function = call.Child("function");
    for (size_t k = 0; k < kernels_.size(); ++k) {
      if (function.Child("value").text() == kernels_[k].name) {
        launches_.push_back({call, function.Child("subscript"), k});
      }
    }
  }
}

bool ModuleContext::FindForward() {
  for (Node node : tree_.root().NamedChildren()) {
    const Node definition = Undecorated(node);
    if (!definition.Is("class_definition") || definition.Child("name").text() != "ModelNew") {
      continue;
    }
    candidate_ = node;
    for (Node member : definition.Child("body").NamedChildren()) {
      const Node function = Undecorated(member);
      if (!function.Is("function_definition") || function.Child("name").text() != "forward") {
        continue;
      }
      for (Node parameter : function.Child("parameters").NamedChildren()) {
        const std::string name = ParameterName(parameter);
        if (name != "self") arguments_.push_back(name);
      }
      for (Node statement : function.Child("body").NamedChildren()) {
        forward_.push_back(Read(statement));
      }
      return true;
    }
  }
  return false;
}

ForwardStatement ModuleContext::Read(Node node) const {
  ForwardStatement statement;
  statement.node = node;
  statement.reads = LocalNames(node);
  const Node inner = InnerStatement(node);
  if (node.Is("delete_statement")) {
    statement.drops = statement.reads;
    statement.understood = true;
    return statement;
  }
  if (inner.Is("assignment") && inner.Child("left").Is("identifier")) {
    statement.target = std::string(inner.Child("left").text());
    statement.value = inner.Child("right");
    statement.reads = LocalNames(statement.value);
    statement.understood = statement.value.valid() && OnlyPureCalls(statement.value);
    return statement;
  }
  if (!inner.Is("call")) return statement;
  statement.value = inner;
  for (size_t i = 0; i < launches_.size(); ++i) {
    if (launches_[i].call == inner) {
      ReadLaunch(i, statement);
      return statement;
    }
  }
  const Node out = KeywordArgument(inner, "out");
  const std::string_view function = inner.Child("function").text();
  const bool known = StartsWith(function, "torch.") || function == "matmul";
  if (known && out.Is("identifier") && OnlyPureCalls(inner.Child("arguments"))) {
    statement.fills = {std::string(out.text())};
    statement.understood = true;
  }
  return statement;
}

void ModuleContext::ReadLaunch(size_t launch, ForwardStatement& statement) const {
  const ModuleKernel& kernel = kernels_[launches_[launch].kernel];
  const std::vector<Node> arguments = PositionalArguments(launches_[launch].call);
  statement.launch = launch;
  if (arguments.size() != kernel.pointers.size()) return;
  statement.understood = true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& pointer = kernel.pointers[i];
    if (StartsWith(pointer, "in_ptr")) continue;
    const bool fills = StartsWith(pointer, "out_ptr") || StartsWith(pointer, "in_out_ptr");
    if (!fills) {
      statement.understood = false;  // a kernel that somebody wrote: who knows
      continue;
    }
    for (const std::string& name : LocalNames(arguments[i])) AddName(statement.fills, name);
    if (ReadsSelf(arguments[i])) statement.understood = false;
  }
}

std::string ModuleContext::RootOf(const std::string& name) const {
  std::string root = name;
  for (size_t i = forward_.size(); i-- > 0;) {
    if (forward_[i].target != root || !forward_[i].value.Is("call")) continue;
    const Node function = forward_[i].value.Child("function");
    if (function.Is("attribute") && function.Child("object").Is("identifier") &&
        function.Child("object").text() != "torch") {
      root = std::string(function.Child("object").text());
    }
  }
  return root;
}

bool ModuleContext::Uses(std::string_view name) const {
  for (Node node : tree_.root().Subtree()) {
    if (node.Is("identifier") && node.text() == name) return true;
  }
  return false;
}

std::string ModuleContext::FreshName(const std::string& base) const {
  std::string name = base;
  for (int number = 2; Uses(name); ++number) name = base + "_" + std::to_string(number);
  return name;
}

std::pair<size_t, size_t> ModuleContext::LinesOf(Node node) const {
  const std::string& text = source();
  size_t begin = text.rfind('\n', node.begin());
  begin = begin == std::string::npos ? 0 : begin + 1;
  while (begin > 0) {  // comment lines right above
    const size_t before = begin < 2 ? std::string::npos : text.rfind('\n', begin - 2);
    const size_t start = before == std::string::npos ? 0 : before + 1;
    const size_t first = text.find_first_not_of(' ', start);
    if (first >= begin || text[first] != '#') break;
    begin = start;
  }
  const size_t end = text.find('\n', node.end());
  return {begin, end == std::string::npos ? text.size() : end + 1};
}

}  // namespace ks

#include "propose/torch/module_context.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
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

// Of torch: draws random numbers, looks at or changes a state, or knows of training.
bool HasState(std::string_view name) {
  for (const std::string_view part :
       {"rand", "dropout", "seed", "rrelu", "bernoulli", "multinomial", "poisson", "batch_norm",
        "instance_norm", "lstm", "gru", "rnn", "attention", "_state", "synchronize"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  for (const std::string_view head : {"_", "set_", "get_", "is_", "use_", "fractional_"}) {
    if (name.starts_with(head)) return true;
  }
  return IsOneOf(name, {"normal", "load", "save", "compile", "result_type", "can_cast"});
}

// Of torch and of tensors: what may give a view of its first argument.
bool GivesView(std::string_view name) {
  return IsOneOf(name,
                 {"adjoint",   "alias",           "slice",        "as_strided",  "as_tensor",
                  "asarray",   "atleast_1d",      "atleast_2d",   "atleast_3d",  "broadcast_to",
                  "conj",      "contiguous",      "detach",       "diagonal",    "expand",
                  "expand_as", "flatten",         "imag",         "moveaxis",    "movedim",
                  "narrow",    "permute",         "positive",     "ravel",       "real",
                  "reshape",   "reshape_as",      "resolve_conj", "resolve_neg", "select",
                  "squeeze",   "swapaxes",        "swapdims",     "t",           "to",
                  "transpose", "unflatten",       "unfold",       "unsqueeze",   "view",
                  "view_as",   "view_as_complex", "view_as_real", "type_as"});
}

// Give several views at once: nobody follows these.
bool GivesSeveral(std::string_view name) {
  return IsOneOf(name, {"broadcast_tensors", "chunk", "dsplit", "hsplit", "meshgrid", "split",
                        "split_with_sizes", "tensor_split", "unbind", "vsplit"});
}

// The operation of torch.NAME and torch.ops.aten.NAME.OVERLOAD; empty: another function.
std::string_view TorchName(std::string_view function) {
  static constexpr std::string_view kTorch = "torch.", kAten = "torch.ops.aten.";
  const bool aten = function.starts_with(kAten);
  if (!function.starts_with(kTorch)) return {};
  function.remove_prefix(aten ? kAten.size() : kTorch.size());
  const size_t dot = function.find('.');
  if (!aten) return dot == std::string_view::npos ? function : std::string_view();
  const bool overload =
      dot != std::string_view::npos && function.find('.', dot + 1) == function.npos;
  return overload && !function.ends_with("out") ? function.substr(0, dot) : std::string_view();
}

// Whether the file defines the function as seeds and skills write it.
bool IsOurs(Node function) {
  static const std::map<std::string_view, std::string_view> kHeads = {
      {"laid_out", "def laid_out(tensor, stride):"},
      {"own_conv", "def own_conv(x, weight, bias, stride, padding, dilation, tiles="},
      {"depthwise_conv", "def depthwise_conv(x, weight, bias, stride, padding, dilation, groups):"},
      {"matmul", "def matmul(a, b, out, bias=None, tiles="}};
  const auto head = kHeads.find(function.text());
  return head != kHeads.end() && function.tree()->source().find(head->second) != std::string::npos;
}

// Whether a call changes no tensor that it is given, and gives new memory or a view.
bool IsPure(Node call) {
  static constexpr std::string_view kFunctions[] = {"laid_out", "own_conv", "depthwise_conv"};
  const Node function = call.Child("function");
  const std::string_view text = function.text();
  if (HasSplat(call) || KeywordArgument(call, "out") || KeywordArgument(call, "inplace")) {
    return false;
  }
  if (function.Is("identifier")) {
    return std::find(std::begin(kFunctions), std::end(kFunctions), text) != std::end(kFunctions) &&
           IsOurs(function);
  }
  if (!function.Is("attribute")) return false;
  const std::string_view name = function.Child("attribute").text(), torch = TorchName(text);
  if (!torch.empty()) return !torch.ends_with('_') && !HasState(torch) && !GivesSeveral(torch);
  if (text.starts_with("torch.")) return false;  // torch.nn..., torch.ops...: who knows
  return GivesView(name) || name == "storage_offset";
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

// The name whose memory an expression may share: "" for memory of its own, "self" for what belongs
// to self. Empty: not known.
std::optional<std::string> SharedBy(Node value) {
  if (value.Is("identifier")) return std::string(value.text());
  if (value.Is("parenthesized_expression")) return SharedBy(value.NamedChildren()[0]);
  if (value.Is("subscript")) return SharedBy(value.Child("value"));
  if (value.Is("attribute")) {
    if (SaysNothing(value.Child("attribute").text())) return "";
    return SharedBy(value.Child("object"));
  }
  if (value.Is("call")) {
    const Node function = value.Child("function");
    if (function.Is("identifier") && function.text() != "laid_out") return "";  // a pure one
    const std::string_view torch = TorchName(function.text());
    const bool of_torch = !torch.empty();
    if (of_torch && !GivesView(torch)) return "";
    if (of_torch || function.Is("identifier")) {
      const std::vector<Node> arguments = PositionalArguments(value);
      return arguments.empty() ? std::nullopt : SharedBy(arguments[0]);
    }
    return function.Is("attribute") ? SharedBy(function.Child("object")) : std::nullopt;
  }
  if (value.Is("binary_operator") || value.Is("unary_operator") ||
      value.Is("comparison_operator")) {
    return "";
  }
  const bool refers = !LocalNames(value).empty() || ReadsSelf(value);
  return refers ? std::nullopt : std::optional<std::string>("");  // numbers, a tuple of them
}

// The names below a target: a, (a, b), [a, *b]. An attribute or an element binds no name.
void AddTargets(Node target, std::vector<std::string>& names) {
  if (target.Is("identifier")) AddName(names, target.text());
  for (Node part : target.NamedChildren()) {
    if (target.Is("attribute") || target.Is("subscript") || target.Is("call")) break;
    AddTargets(part, names);
  }
}

// All names that are given a meaning somewhere below a statement.
std::vector<std::string> BoundBelow(Node statement) {
  std::vector<std::string> names;
  for (Node part : statement.Subtree()) {
    if (part.Is("assignment") || part.Is("augmented_assignment") || part.Is("for_statement") ||
        part.Is("for_in_clause")) {
      AddTargets(part.Child("left"), names);
    } else if (part.Is("named_expression") || part.Is("function_definition") ||
               part.Is("class_definition")) {
      AddTargets(part.Child("name"), names);
    } else if (part.Is("as_pattern_target") || part.Is("aliased_import") ||
               part.Is("import_statement") || part.Is("import_from_statement") ||
               part.Is("global_statement") || part.Is("nonlocal_statement")) {
      for (Node inner : part.Subtree()) AddTargets(inner, names);
    }
  }
  return names;
}

// Whether a kernel stores only to what its parameters call outputs.
bool StoresToOutputsOnly(const ModuleKernel& kernel) {
  for (Node call : kernel.body.Subtree()) {
    if (!call.Is("call")) continue;
    const std::string_view function = call.Child("function").text();
    if (function != "tl.store" && function.find("atomic") == std::string_view::npos) continue;
    const std::vector<Node> arguments = PositionalArguments(call);
    Node base = arguments.empty() ? Node() : arguments[0];
    while (base.Is("binary_operator")) base = base.Child("left");
    const std::string_view name = base ? base.text() : std::string_view();
    const bool output = StartsWith(name, "out_ptr") || StartsWith(name, "in_out_ptr");
    if (!output || !Has(kernel.pointers, name)) return false;
  }
  return true;
}

}  // namespace

bool HasSplat(Node call) {
  for (Node argument : call.Child("arguments").NamedChildren()) {
    if (argument.Is("list_splat") || argument.Is("dictionary_splat")) return true;
  }
  return false;
}

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
  // What is kept from the first call is taken from there in the line that follows.
  const bool kept =
      node.Is("if_statement") && node.text().find(kOnceMark) != std::string_view::npos;
  if (!kept) statement.binds = BoundBelow(node);
  if (inner.Is("assignment") && inner.Child("left").Is("identifier")) {
    ReadAssignment(inner, statement);
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
  const bool of_torch = StartsWith(function, "torch.");
  const bool ours = function == "matmul" && IsOurs(inner.Child("function"));
  const bool known = ours || (of_torch && !HasState(function.substr(6)) &&
                              function.find('.', 6) == std::string_view::npos);
  if (known && !HasSplat(inner) && out.Is("identifier") &&
      OnlyPureCalls(inner.Child("arguments"))) {
    statement.fills = {std::string(out.text())};
    statement.understood = true;
  }
  return statement;
}

void ModuleContext::ReadAssignment(Node inner, ForwardStatement& statement) const {
  statement.target = std::string(inner.Child("left").text());
  statement.value = inner.Child("right");
  if (!statement.value.valid()) return;  // only a type
  statement.reads = LocalNames(statement.value);
  const std::optional<std::string> shared = SharedBy(statement.value);
  const bool several = statement.value.Is("assignment") || statement.binds.size() > 1;
  statement.understood = shared && !several && OnlyPureCalls(statement.value);
  if (!shared) return;
  statement.of_self = *shared == "self";
  if (!statement.of_self) statement.base = *shared;
}

void ModuleContext::ReadLaunch(size_t launch, ForwardStatement& statement) const {
  const ModuleKernel& kernel = kernels_[launches_[launch].kernel];
  const std::vector<Node> arguments = PositionalArguments(launches_[launch].call);
  statement.launch = launch;
  if (arguments.size() != kernel.pointers.size() || HasSplat(launches_[launch].call)) return;
  statement.understood = StoresToOutputsOnly(kernel);
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
    if (forward_[i].target == root && !forward_[i].base.empty()) root = forward_[i].base;
  }
  return root;
}

bool ModuleContext::Rebinds() const {
  std::vector<std::string> bound = arguments_;
  for (const ForwardStatement& statement : forward_) {
    for (const std::string& name : statement.binds) {
      const bool itself = statement.understood && statement.base == name;  // x = x.view(...)
      if (Has(bound, name) && !itself) return true;
      bound.push_back(name);
    }
  }
  return false;
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

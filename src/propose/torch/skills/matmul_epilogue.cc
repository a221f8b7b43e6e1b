// The kernel that follows a product, element by element, becomes the end of the product's kernel.
#include <algorithm>
#include <set>

#include "propose/device/triton_parts.h"
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

constexpr size_t kMostFusions = 16;

using Names = std::set<std::string>;

// A product and the launch that goes on with its result.
struct Fusion {
  size_t product = 0, launch = 0;  // statements of forward
  std::string result;              // the kernel's parameter for what the product gave
  std::string out;                 // where the kernel writes: name in forward
  std::string out_parameter;       // and in the kernel
  std::optional<size_t> out_made;  // statement that makes it, when it lies between
  std::vector<std::string> more;   // the kernel's other parameters
  std::vector<std::string> given;  // and what is passed for them
};

bool IsEmptyCall(const ForwardStatement& statement) {
  return statement.value.Is("call") && statement.value.Child("function").text() == "torch.empty";
}

// x.view(...) of one of `names`.
bool IsViewOf(const ForwardStatement& statement, const Names& names) {
  if (statement.target.empty() || !statement.value.Is("call")) return false;
  const Node function = statement.value.Child("function");
  return function.Is("attribute") && function.Child("attribute").text() == "view" &&
         names.count(std::string(function.Child("object").text())) > 0;
}

// Whether a statement reads or fills memory of `root` under a name that is not in `known`: a view
// that was made before, or one that is no `view`.
bool TouchesOtherwise(const ModuleContext& module, const ForwardStatement& statement,
                      const std::string& root, const Names& known) {
  return std::any_of(statement.reads.begin(), statement.reads.end(), [&](const std::string& name) {
    return known.count(name) == 0 && module.RootOf(name) == root;
  });
}

// Whether something that is not understood may keep the memory of `root` under another name.
bool MayBeKept(const ModuleContext& module, const std::string& root, size_t end) {
  for (size_t i = 0; i < end; ++i) {
    const ForwardStatement& statement = module.forward()[i];
    if (!statement.understood && TouchesOtherwise(module, statement, root, {})) return true;
  }
  return false;
}

bool ReadsAny(const ForwardStatement& statement, const Names& names) {
  return std::any_of(statement.reads.begin(), statement.reads.end(),
                     [&](const std::string& name) { return names.count(name) > 0; });
}

// The statement that assigns `name` last before statement `end`; forward().size(): none.
size_t MadeBy(const ModuleContext& module, const std::string& name, size_t end) {
  size_t found = module.forward().size();
  for (size_t i = 0; i < end; ++i) {
    if (module.forward()[i].target == name) found = i;
  }
  return found;
}

Names RootsOf(const ModuleContext& module, const std::vector<std::string>& names) {
  Names roots;
  for (const std::string& name : names) roots.insert(module.RootOf(name));
  return roots;
}

// Whether what `argument` reads is complete when statement `product` runs.
bool ReadyAt(const ModuleContext& module, Node argument, size_t product, size_t launch) {
  for (const std::string& name : LocalNames(argument)) {
    const std::vector<std::string>& inputs = module.arguments();
    const bool given = std::find(inputs.begin(), inputs.end(), name) != inputs.end();
    if (!given && MadeBy(module, name, launch) >= product) return false;
    for (size_t i = product; i < launch; ++i) {
      const ForwardStatement& between = module.forward()[i];
      if (RootsOf(module, between.fills).count(module.RootOf(name)) > 0) return false;
    }
  }
  return true;
}

// Whether the kernel may write `out` already when statement `product` runs: neither the product nor
// what comes between reads its memory.
bool FreeAt(const ModuleContext& module, const std::string& out, size_t product, size_t launch) {
  for (size_t i = product; i < launch; ++i) {
    const ForwardStatement& statement = module.forward()[i];
    if (!statement.drops.empty()) continue;
    if (RootsOf(module, statement.reads).count(module.RootOf(out)) > 0) return false;
  }
  return true;
}

// The launch that reads the result of the product in statement `product`, and what it needs.
std::optional<Fusion> FusionAt(const ModuleContext& module, size_t product) {
  const std::vector<ForwardStatement>& forward = module.forward();
  Names result(forward[product].fills.begin(), forward[product].fills.end());
  const std::string root = module.RootOf(forward[product].fills[0]);
  if (MayBeKept(module, root, product)) return std::nullopt;
  Fusion fusion;
  fusion.product = product;
  size_t at = product + 1;
  for (; at < forward.size(); ++at) {
    const ForwardStatement& statement = forward[at];
    if (!statement.understood) return std::nullopt;
    if (!statement.drops.empty()) continue;
    if (IsViewOf(statement, result)) {
      result.insert(statement.target);
    } else if (ReadsAny(statement, result)) {
      break;
    } else if (TouchesOtherwise(module, statement, root, result)) {
      return std::nullopt;
    }
  }
  if (at == forward.size() || !forward[at].launch) return std::nullopt;
  fusion.launch = at;
  const ModuleLaunch& launch = module.launches()[*forward[at].launch];
  const ModuleKernel& kernel = module.kernels()[launch.kernel];
  if (kernel.parameters.size() != kernel.pointers.size() + 1 ||
      kernel.parameters.back() != "XBLOCK") {
    return std::nullopt;
  }
  const std::vector<Node> arguments = PositionalArguments(launch.call);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& parameter = kernel.pointers[i];
    const std::string text(arguments[i].text());
    const bool is_out = parameter.find("out_ptr") != std::string::npos;
    if (is_out) {
      if (!fusion.out_parameter.empty() || !arguments[i].Is("identifier")) return std::nullopt;
      fusion.out_parameter = parameter;
      fusion.out = text;
    }
    for (const std::string& name : LocalNames(arguments[i])) {
      const bool same = result.count(text) > 0;
      if (!same && module.RootOf(name) == root) return std::nullopt;  // in another order
    }
    if (result.count(text) > 0) {
      if (!fusion.result.empty()) return std::nullopt;
      fusion.result = parameter;
    } else if (!is_out) {
      if (!ReadyAt(module, arguments[i], product, at)) return std::nullopt;
      fusion.more.push_back(parameter);
      fusion.given.push_back(text);
    } else if (parameter.starts_with("in_out") && !ReadyAt(module, arguments[i], product, at)) {
      return std::nullopt;  // it goes on with a second buffer, which is not complete
    }
  }
  if (fusion.result.empty() || fusion.out_parameter.empty()) return std::nullopt;
  if (fusion.result == fusion.out_parameter) {  // in place, perhaps through a view of it
    fusion.out = forward[product].fills[0];
    return fusion;
  }
  // Out of place: the result must not be read later, and the other buffer must be dense.
  for (size_t i = at + 1; i < forward.size(); ++i) {
    if (!forward[i].drops.empty()) continue;
    if (ReadsAny(forward[i], result) || TouchesOtherwise(module, forward[i], root, result)) {
      return std::nullopt;
    }
  }
  const size_t made = MadeBy(module, fusion.out, at);
  if (made == forward.size() || !IsEmptyCall(forward[made])) return std::nullopt;
  if (made > product) fusion.out_made = made;
  if (!FreeAt(module, fusion.out, product, at)) return std::nullopt;
  return fusion;
}

// pointer + index, as the index's text.
std::optional<std::string> IndexOf(Node address, const std::string& pointer) {
  if (!address.Is("binary_operator") || address.Child("left").text() != pointer) {
    return std::nullopt;
  }
  return std::string(address.Child("right").Unwrapped().text());
}

// Keeps a load or store inside the tile.
void MaskAccess(Node call, TextEdits& edits) {
  const Node mask = KeywordArgument(call, "mask");
  if (!mask) {
    SetKeyword(call, "mask", "xmask", edits);
  } else if (mask.text().find("xmask") == std::string_view::npos) {
    edits.Replace(mask, "xmask & (" + std::string(mask.text()) + ")");
  }
}

// The kernel's statements with the tile's indices; empty: it is not element by element.
std::optional<std::string> Epilogue(const ModuleContext& module, const ModuleKernel& kernel,
                                    const Fusion& fusion) {
  TextEdits edits(module.source());
  Names same = {"xindex"};
  size_t results = 0, stores = 0, own = 0;
  for (Node statement : kernel.body.NamedChildren()) {
    const auto [begin, end] = module.LinesOf(statement);
    const Node inner = InnerStatement(statement);
    const std::string name = AssignedName(inner);
    if (name == "xoffset" || name == "xindex" || name == "xmask") {
      edits.Replace(begin, end, "");
      continue;
    }
    if (UsesOf(statement, "XBLOCK") > 0 || RangeLoops(statement).size() > 0) return std::nullopt;
    const std::vector<Node> loads = CallsOf(statement, "tl.load");
    if (inner.Is("assignment") && inner.Child("right").text() == "xindex") same.insert(name);
    for (Node load : loads) {
      const std::vector<Node> arguments = PositionalArguments(load);
      if (arguments.size() != 1) return std::nullopt;
      if (UsesOf(arguments[0], fusion.result) == 0) {
        MaskAccess(load, edits);
        if (UsesOf(arguments[0], fusion.out_parameter) == 0) continue;
        const std::optional<std::string> at = IndexOf(arguments[0], fusion.out_parameter);
        if (!at || same.count(*at) == 0) return std::nullopt;
        edits.Replace(arguments[0].Child("left"), "out_ptr");
        ++own;
        continue;
      }
      const std::optional<std::string> index = IndexOf(arguments[0], fusion.result);
      if (!index || same.count(*index) == 0) return std::nullopt;
      edits.Replace(load, "acc");
      ++results;
    }
    for (Node store : CallsOf(statement, "tl.store")) {
      const std::vector<Node> arguments = PositionalArguments(store);
      if (arguments.size() != 2) return std::nullopt;
      const std::optional<std::string> index = IndexOf(arguments[0], fusion.out_parameter);
      if (!index || same.count(*index) == 0) return std::nullopt;
      edits.Replace(arguments[0].Child("left"), "out_ptr");
      MaskAccess(store, edits);
      ++stores;
    }
    if (CallsOf(statement, "tl.atomic_add").size() > 0) return std::nullopt;
  }
  if (results == 0 || stores != 1) return std::nullopt;
  const bool in_place = fusion.result == fusion.out_parameter;
  if (UsesOf(kernel.body, fusion.result) != results + (in_place ? 1 : 0)) return std::nullopt;
  if (!in_place && UsesOf(kernel.body, fusion.out_parameter) != own + 1) return std::nullopt;
  const auto first = module.LinesOf(kernel.body.NamedChildren().front()).first;
  const size_t tail = module.source().size() - module.LinesOf(kernel.body).second;
  const std::string edited = edits.Apply();
  return edited.substr(first, edited.size() - tail - first);
}

std::optional<std::string> Fused(const ModuleContext& module, const Fusion& fusion) {
  const ForwardStatement& statement = module.forward()[fusion.launch];
  const ModuleKernel& kernel = module.kernels()[module.launches()[*statement.launch].kernel];
  const std::optional<std::string> epilogue = Epilogue(module, kernel, fusion);
  if (!epilogue) return std::nullopt;
  const std::string name = module.FreshName("matmul_" + kernel.name);
  std::string more, given;
  for (const std::string& parameter : fusion.more) more += "    " + parameter + ",\n";
  for (const std::string& argument : fusion.given) given += argument + ", ";
  if (fusion.given.size() > 1) given.resize(given.size() - 2);
  if (fusion.given.size() == 1) given.resize(given.size() - 1);
  const ForwardStatement& product = module.forward()[fusion.product];
  TextEdits edits(module.source());
  AddFunctions(module, MatmulKernelWith(name, more, *epilogue), edits);
  SetKeyword(product.value, "out", fusion.out, edits);
  std::string extra = ", kernel=" + name;
  if (!fusion.more.empty()) extra += ", more=(" + given + ")";
  edits.Insert(product.value.Child("arguments").NamedChildren().back().end(), extra);
  const auto [begin, end] = module.LinesOf(statement.node);
  edits.Replace(begin, end, "");
  if (fusion.out_made) {
    const auto [from, to] = module.LinesOf(module.forward()[*fusion.out_made].node);
    edits.Insert(module.LinesOf(product.node).first, module.source().substr(from, to - from));
    edits.Replace(from, to, "");
  }
  return edits.Apply();
}

// The products of forward whose kernel has no epilogue yet.
std::vector<Fusion> Fusions(const ModuleContext& module) {
  std::vector<Fusion> fusions;
  if (module.Rebinds()) return fusions;
  for (size_t i = 0; i < module.forward().size(); ++i) {
    const ForwardStatement& statement = module.forward()[i];
    if (!statement.value.Is("call") || statement.value.Child("function").text() != "matmul" ||
        statement.fills.size() != 1 || KeywordArgument(statement.value, "kernel")) {
      continue;
    }
    if (std::optional<Fusion> fusion = FusionAt(module, i)) fusions.push_back(*std::move(fusion));
  }
  return fusions;
}

class MatmulEpilogueSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_epilogue"; }
  std::string_view summary() const override {
    return "A kernel that goes on with the result of a product, element by element (bias, "
           "activation, residual), runs on the tile before it is stored: its pass over memory "
           "disappears. Library products become Triton ones first.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    std::vector<Edit> edits;
    std::string base = module.source();
    const Brought brought = FindBrought(module, "matmul", MatmulText());
    if (brought == Brought::kTaken) return edits;
    if (brought == Brought::kMissing) {
      const std::vector<Edit> own = NewOwnMatmulSkill()->Edits(module);
      if (own.empty()) return edits;
      base = own.front().source;
    }
    const std::unique_ptr<ModuleContext> start = ModuleContext::Make(base);
    if (start == nullptr) return edits;
    std::vector<std::string> singles;
    for (const Fusion& fusion : Fusions(*start)) {
      if (std::optional<std::string> one = Fused(*start, fusion)) {
        singles.push_back(*std::move(one));
      }
    }
    if (singles.size() > 1) {
      edits.push_back({All(singles.front()), "Every product with the kernel that follows it.",
                       EditKind::kStrategy, 1.9});
    }
    for (std::string& source : singles) {
      edits.push_back({std::move(source), "A product with the kernel that follows it.",
                       EditKind::kStrategy, 1.8});
    }
    return edits;
  }

 private:
  // One fusion after the other until none is left.
  static std::string All(std::string source) {
    for (size_t done = 0; done < kMostFusions; ++done) {
      const std::unique_ptr<ModuleContext> module = ModuleContext::Make(source);
      if (module == nullptr) return source;
      std::optional<std::string> next;
      for (const Fusion& fusion : Fusions(*module)) {
        if (!next) next = Fused(*module, fusion);
      }
      if (!next) return source;
      source = *std::move(next);
    }
    return source;
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewMatmulEpilogueSkill() {
  return std::make_unique<MatmulEpilogueSkill>();
}

}  // namespace ks

#include "propose/device/grid_index.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"
#include "propose/cpp/function.h"
#include "propose/device/thread_loop.h"

namespace ks {
namespace {

using Factors = std::vector<std::string>;  // sorted

// `from` without `what`; empty optional when it does not hold all of it.
std::optional<Factors> Divide(Factors from, const Factors& what) {
  for (const std::string& factor : what) {
    const auto at = std::find(from.begin(), from.end(), factor);
    if (at == from.end()) return std::nullopt;
    from.erase(at);
  }
  return from;
}

Factors Times(Factors a, const Factors& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  return a;
}

std::string ProductText(const Factors& factors) {
  return factors.empty() ? "1" : Join(factors, " * ");
}

// floor(base / divisor) [% modulus]
struct Ratio {
  std::string base;
  Factors divisor;
  std::optional<Factors> modulus;
};

bool IsIntegerType(std::string_view type) {
  static const std::set<std::string_view> kTypes = {
      "int",      "int64_t",   "std::int64_t", "int32_t",       "size_t",     "unsigned",
      "uint64_t", "uint",      "uint32_t",     "long",          "long long",  "ulong",
      "auto",     "ptrdiff_t", "unsigned int", "unsigned long", "std::size_t"};
  return kTypes.count(type) > 0;
}

class Reader {
 public:
  Reader(const DeviceContext& context, const DeviceKernel& kernel)
      : context_(context), launch_(*context.launches()[kernel.launches[0]]), kernel_(kernel) {}

  std::optional<GridIndex> Read() {
    FindCooperation();
    if (!Statements(kernel_.body.NamedChildren()) || index_.rest.empty()) return std::nullopt;
    if (index_.cooperative && !AddBlockVariables()) return std::nullopt;
    // Dimension x moves fastest: slowest loops come first.
    std::sort(ids_.begin(), ids_.end(),
              [](const Id& a, const Id& b) { return a.dimension > b.dimension; });
    if (ids_.empty()) return std::nullopt;
    for (const Id& id : ids_) {
      if (!AddLoops(id)) return std::nullopt;
    }
    return std::move(index_);
  }

 private:
  struct Id {
    std::string type, name;
    int dimension = 0;
  };
  struct Derived {
    std::string name, type;
    Ratio ratio;
  };

  void FindCooperation();
  bool AddBlockVariables();
  bool Statements(const std::vector<Node>& statements);
  bool Declaration(Node node);
  bool EarlyReturn(Node node);
  bool Around(Node node);
  bool GridStride(Node node);
  bool Bounds(Node condition, const char* connective, bool inside);
  bool Bound(Node comparison, bool inside);
  bool AddLoops(const Id& id);
  void AddDerived(const Id& id, const std::vector<std::pair<std::string, Ratio>>& leaves);

  std::optional<int> DimensionOf(Node expression) const;
  bool IsBuiltin(Node node, std::string_view what, int dimension) const {
    return IsBuiltinOf(context_, node, what, dimension);
  }
  std::optional<int> LoneDimension(Node node) const;
  bool IsBlockSize(Node node, int dimension) const;
  std::optional<Ratio> RatioOf(Node expression) const;
  Factors FactorsOf(Node expression) const;
  bool IsId(std::string_view name) const {
    return std::any_of(ids_.begin(), ids_.end(), [&](const Id& id) { return id.name == name; });
  }
  std::string BlockText(int dimension) const {
    const auto d = static_cast<size_t>(dimension);
    return d < launch_.block.size() ? launch_.block[d].text : "1";
  }
  std::optional<std::string> GridText(int dimension) const;

  const DeviceContext& context_;
  const PlanLaunch& launch_;
  const DeviceKernel& kernel_;
  GridIndex index_;
  std::vector<Id> ids_;
  std::vector<Derived> derived_;
  std::map<std::string, Factors> extents_;  // of ids and derived names
  std::map<std::string, Node> values_;      // integer locals
};

bool Reader::IsBlockSize(Node node, int dimension) const {
  node = WithoutCasts(node);
  return IsBuiltin(node, "blockDim", dimension) || node.text() == BlockText(dimension);
}

// blockIdx alone where a block has one thread in that dimension, or threadIdx of a single block.
std::optional<int> Reader::LoneDimension(Node node) const {
  for (int d = 0; d < 3; ++d) {
    if (IsBuiltin(node, "global", d)) return d;
    if (IsBuiltin(node, "blockIdx", d) && (BlockText(d) == "1" || index_.cooperative)) return d;
    const auto at = static_cast<size_t>(d);
    const bool single = at >= launch_.grid.size() || launch_.grid[at].text == "1";
    if (IsBuiltin(node, "threadIdx", d) && single && !index_.cooperative) return d;
  }
  return std::nullopt;
}

std::optional<int> Reader::DimensionOf(Node expression) const {
  const Node node = WithoutCasts(expression);
  if (const auto lone = LoneDimension(node)) return lone;
  if (!node.Is("binary_expression") || node.Child("operator").text() != "+") return std::nullopt;
  Node product = WithoutCasts(node.Child("left"));
  Node thread = WithoutCasts(node.Child("right"));
  if (!product.Is("binary_expression")) std::swap(product, thread);
  if (!product.Is("binary_expression") || product.Child("operator").text() != "*") {
    return std::nullopt;
  }
  for (int d = 0; d < 3; ++d) {
    if (!IsBuiltin(thread, "threadIdx", d)) continue;
    const Node a = product.Child("left"), b = product.Child("right");
    if ((IsBuiltin(a, "blockIdx", d) && IsBlockSize(b, d)) ||
        (IsBuiltin(b, "blockIdx", d) && IsBlockSize(a, d))) {
      return d;
    }
  }
  return std::nullopt;
}

Factors Reader::FactorsOf(Node expression) const {
  const Node node = WithoutCasts(expression);
  if (node.Is("binary_expression") && node.Child("operator").text() == "*") {
    return Times(FactorsOf(node.Child("left")), FactorsOf(node.Child("right")));
  }
  if (node.Is("identifier")) {
    const auto value = values_.find(std::string(node.text()));
    if (value != values_.end()) {
      const Node inner = WithoutCasts(value->second);
      const bool product = inner.Is("binary_expression") && inner.Child("operator").text() == "*";
      if (product || inner.Is("identifier")) return FactorsOf(inner);
    }
    return {std::string(node.text())};
  }
  const std::string text(node.text());
  return {node.Is("number_literal") ? text : "(" + text + ")"};
}

std::optional<Ratio> Reader::RatioOf(Node expression) const {
  const Node node = WithoutCasts(expression);
  if (node.Is("identifier")) {
    if (IsId(node.text())) return Ratio{std::string(node.text()), {}, {}};
    for (const Derived& known : derived_) {
      if (known.name == node.text()) return known.ratio;
    }
    return std::nullopt;
  }
  if (!node.Is("binary_expression")) return std::nullopt;
  const std::string_view op = node.Child("operator").text();
  std::optional<Ratio> left = RatioOf(node.Child("left"));
  if (!left || left->modulus) return std::nullopt;
  if (op == "/") {
    left->divisor = Times(left->divisor, FactorsOf(node.Child("right")));
    return left;
  }
  if (op == "%") {
    left->modulus = FactorsOf(node.Child("right"));
    return left;
  }
  // index - (index / n) * n
  const Node right = WithoutCasts(node.Child("right"));
  if (op != "-" || !right.Is("binary_expression") || right.Child("operator").text() != "*") {
    return std::nullopt;
  }
  for (const char* side : {"left", "right"}) {
    const std::optional<Ratio> whole = RatioOf(right.Child(side));
    if (!whole || whole->modulus || whole->base != left->base) continue;
    const Factors by = FactorsOf(right.Child(side == std::string_view("left") ? "right" : "left"));
    if (whole->divisor != Times(left->divisor, by)) continue;
    left->modulus = by;
    return left;
  }
  return std::nullopt;
}

bool Reader::Declaration(Node node) {
  const std::vector<Node> named = node.NamedChildren();
  Node declarator;
  int declarators = 0;
  for (Node child : named) {
    if (child.Is("init_declarator")) declarator = child;
    if (child.Is("init_declarator") || child.Is("identifier") || child.Is("array_declarator") ||
        child.Is("pointer_declarator")) {
      ++declarators;
    }
  }
  const std::string type(node.Child("type").text());
  const bool plain =
      declarators == 1 && declarator && declarator.Child("declarator").Is("identifier");
  if (plain && IsIntegerType(type)) {
    const std::string name(declarator.Child("declarator").text());
    const Node value = declarator.Child("value");
    if (const auto dimension = DimensionOf(value)) {
      for (const Id& id : ids_) {
        if (id.dimension == *dimension) return false;
      }
      ids_.push_back({type == "auto" ? "int64_t" : type, name, *dimension});
      return true;
    }
    if (const auto ratio = RatioOf(value)) {
      derived_.push_back({name, type == "auto" ? "int64_t" : type, *ratio});
      return true;
    }
    values_[name] = value;
    index_.prologue.push_back(node);
    return true;
  }
  index_.carried.push_back(node);
  return true;
}

// `i < extent` (inside) or `i >= extent` (outside), either way round.
bool Reader::Bound(Node comparison, bool inside) {
  comparison = comparison.Unwrapped();
  if (!comparison.Is("binary_expression")) return false;
  Node left = WithoutCasts(comparison.Child("left"));
  Node right = WithoutCasts(comparison.Child("right"));
  std::string op(comparison.Child("operator").text());
  if (op == ">" || op == "<=") {
    std::swap(left, right);
    op = op == ">" ? "<" : ">=";
  }
  if (op != (inside ? "<" : ">=") || !left.Is("identifier")) return false;
  const std::string name(left.text());
  const bool derived = std::any_of(derived_.begin(), derived_.end(), [&](const Derived& d) {
    return d.name == name && !d.ratio.modulus;
  });
  if ((!IsId(name) && !derived) || extents_.count(name) > 0) return false;
  extents_[name] = FactorsOf(right);
  return true;
}

bool Reader::Bounds(Node condition, const char* connective, bool inside) {
  condition = condition.Unwrapped();
  if (condition.Is("condition_clause")) condition = condition.NamedChildren()[0].Unwrapped();
  if (condition.Is("binary_expression") && condition.Child("operator").text() == connective) {
    return Bounds(condition.Child("left"), connective, inside) &&
           Bounds(condition.Child("right"), connective, inside);
  }
  return Bound(condition, inside);
}

bool Reader::EarlyReturn(Node node) {
  const Node then = node.Child("consequence");
  const std::vector<Node> inner =
      then.Is("compound_statement") ? then.NamedChildren() : std::vector<Node>{then};
  return inner.size() == 1 && inner[0].Is("return_statement") && !node.Child("alternative") &&
         Bounds(node.Child("condition"), "||", false);
}

bool Reader::Around(Node node) {
  if (node.Child("alternative") || !Bounds(node.Child("condition"), "&&", true)) return false;
  const Node then = node.Child("consequence");
  return Statements(then.Is("compound_statement") ? then.NamedChildren() : std::vector<Node>{then});
}

// for (T i = <index>; i < extent; i += <threads of the grid>) rest
bool Reader::GridStride(Node node) {
  const Node init = node.Child("initializer");
  const Node update = node.Child("update");
  if (!init.Is("declaration") || !update.Is("assignment_expression")) return false;
  const Node declarator = init.Child("declarator");
  if (!declarator.Is("init_declarator")) return false;
  const Node name = declarator.Child("declarator");
  const Node start = WithoutCasts(declarator.Child("value"));
  std::optional<int> dimension = DimensionOf(start);
  if (!dimension && IsId(start.text())) {
    const auto id = std::find_if(ids_.begin(), ids_.end(),
                                 [&](const Id& known) { return known.name == start.text(); });
    dimension = id->dimension;
    ids_.erase(id);
  }
  if (!dimension || update.Child("left").text() != name.text() ||
      update.Child("operator").text() != "+=") {
    return false;
  }
  Node step = WithoutCasts(update.Child("right"));
  if (step.Is("identifier") && values_.count(std::string(step.text())) > 0) {
    step = WithoutCasts(values_[std::string(step.text())]);
  }
  bool whole = IsBuiltin(step, "globalSize", *dimension);
  if (step.Is("binary_expression") && step.Child("operator").text() == "*") {
    const Node a = step.Child("left"), b = step.Child("right");
    whole = (IsBuiltin(a, "gridDim", *dimension) && IsBlockSize(b, *dimension)) ||
            (IsBuiltin(b, "gridDim", *dimension) && IsBlockSize(a, *dimension));
  }
  if (!whole) return false;
  std::erase_if(index_.prologue, [&](Node declaration) {
    return declaration.text().find("gridDim") != std::string_view::npos ||
           declaration.text().find("get_global_size") != std::string_view::npos ||
           declaration.text().find("get_num_groups") != std::string_view::npos;
  });
  ids_.push_back({std::string(init.Child("type").text()), std::string(name.text()), *dimension});
  if (!Bounds(node.Child("condition"), "&&", true)) return false;
  const Node body = node.Child("body");
  return Statements(body.Is("compound_statement") ? body.NamedChildren() : std::vector<Node>{body});
}

bool Reader::Statements(const std::vector<Node>& statements) {
  for (size_t i = 0; i < statements.size(); ++i) {
    const Node node = statements[i];
    const bool last = i + 1 == statements.size();
    if (node.Is("declaration")) {
      if (!Declaration(node)) return false;
      continue;
    }
    if (node.Is("if_statement") && EarlyReturn(node)) continue;
    if (node.Is("if_statement") && last && Around(node)) return true;
    if (node.Is("for_statement") && last && GridStride(node)) return true;
    index_.rest.assign(statements.begin() + static_cast<std::ptrdiff_t>(i), statements.end());
    return true;
  }
  return false;
}

// The grid's own extent in a dimension without a guard, in the kernel's names.
std::optional<std::string> Reader::GridText(int dimension) const {
  const auto d = static_cast<size_t>(dimension);
  if (d >= launch_.grid.size() || (BlockText(dimension) != "1" && !index_.cooperative)) {
    return std::nullopt;
  }
  std::map<std::string, std::string> names;  // of the plan -> of the kernel
  const auto add = [&](size_t i, const std::string& plan_name) {
    if (i < kernel_.parameter_names.size()) names[plan_name] = kernel_.parameter_names[i];
  };
  if (launch_.args_given) {
    for (size_t i = 0; i < launch_.args.size(); ++i) add(i, launch_.args[i].text);
  } else {
    const Task& task = context_.task();
    size_t at = task.inputs.size() + task.outputs.size() + context_.plan().scratch.size();
    for (const std::string& axis : task.axes) add(at++, axis);
  }
  const std::string& grid = launch_.grid[d].text;
  std::string out;
  for (size_t i = 0; i < grid.size();) {
    size_t end = i;
    while (end < grid.size() &&
           (std::isalnum(static_cast<unsigned char>(grid[end])) != 0 || grid[end] == '_')) {
      ++end;
    }
    if (end == i) {
      if (grid[i] == '/' || grid[i] == '%') return std::nullopt;
      out += grid[i++];
      continue;
    }
    const std::string word = grid.substr(i, end - i);
    i = end;
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0 || context_.HasConstant(word)) {
      out += word;
    } else if (const auto found = names.find(word); found != names.end()) {
      out += found->second;
    } else {
      return std::nullopt;
    }
  }
  return out.find_first_of("+-*") == std::string::npos ? out : "(" + out + ")";
}

// A kernel in which a loop strides over the threads of the block.
void Reader::FindCooperation() {
  for (Node node : kernel_.body.Subtree()) {
    if (node.Is("for_statement") && ThreadLoopStart(context_, launch_, node)) {
      index_.cooperative = true;
      return;
    }
  }
}

// Block indices that are used in place, without a variable of their own.
bool Reader::AddBlockVariables() {
  for (Node node : kernel_.body.Subtree()) {
    const auto dimension = BlockDimension(context_, node);
    if (!dimension) continue;
    bool known = false;
    for (const Id& id : ids_) known = known || id.dimension == *dimension;
    if (known) {
      // Both a variable and in place: one name for both would need an alias.
      for (Id& id : ids_) {
        if (id.dimension == *dimension && id.name != BlockVariable(*dimension)) {
          bool declares = false;
          for (Node up = node; up && !declares; up = up.parent()) {
            declares = up.Is("init_declarator") && up.Child("declarator").text() == id.name;
          }
          if (!declares) return false;
        }
      }
      continue;
    }
    ids_.push_back({"int64_t", BlockVariable(*dimension), *dimension});
  }
  for (Id& id : ids_) {
    if (context_.IsCuda() && id.name == BlockVariable(id.dimension)) id.type = "int";
  }
  return true;
}

void Reader::AddDerived(const Id& id, const std::vector<std::pair<std::string, Ratio>>& leaves) {
  const auto declare = [&](const std::string& type, const std::string& name,
                           const Factors& divisor) {
    std::string value;
    for (const auto& [leaf, ratio] : leaves) {
      const std::optional<Factors> weight = Divide(ratio.divisor, divisor);
      if (!weight) continue;
      value += (value.empty() ? "" : " + ") + leaf;
      if (!weight->empty()) value += " * " + ProductText(*weight);
    }
    index_.locals.push_back("const " + type + " " + name + " = " + (value.empty() ? "0" : value) +
                            ";");
  };
  const auto is_leaf = [&](const std::string& name) {
    return std::any_of(leaves.begin(), leaves.end(),
                       [&](const auto& leaf) { return leaf.first == name; });
  };
  if (!is_leaf(id.name)) declare(id.type, id.name, {});
  for (const Derived& derived : derived_) {
    if (derived.ratio.base != id.name || is_leaf(derived.name)) continue;
    if (!derived.ratio.modulus) declare(derived.type, derived.name, derived.ratio.divisor);
  }
}

// The loops that a flat index stands for.
bool Reader::AddLoops(const Id& id) {
  std::vector<Derived> parts;
  std::optional<Factors> total;
  if (const auto found = extents_.find(id.name); found != extents_.end()) total = found->second;
  for (const Derived& derived : derived_) {
    if (derived.ratio.base != id.name) continue;
    parts.push_back(derived);
    if (const auto found = extents_.find(derived.name); found != extents_.end()) {
      if (total) return false;
      total = Times(found->second, derived.ratio.divisor);
    }
  }
  if (!total) {
    const auto grid = GridText(id.dimension);
    if (!grid) return false;
    total = Factors{*grid};
  }
  if (parts.empty()) {
    index_.loops.push_back({id.type, id.name, ProductText(*total)});
    return true;
  }
  std::stable_sort(parts.begin(), parts.end(), [](const Derived& a, const Derived& b) {
    if (a.ratio.divisor.size() != b.ratio.divisor.size()) {
      return a.ratio.divisor.size() < b.ratio.divisor.size();
    }
    return a.ratio.modulus.has_value() && !b.ratio.modulus.has_value();
  });
  std::vector<std::pair<std::string, Ratio>> leaves;  // fastest first
  Factors at;
  const auto gap = [&](const Factors& until) {
    const std::optional<Factors> missing = Divide(until, at);
    if (!missing) return false;
    if (missing->empty()) return true;
    leaves.push_back({id.name + "_part" + std::to_string(leaves.size()), {id.name, at, *missing}});
    at = until;
    return true;
  };
  for (const Derived& part : parts) {
    if (!part.ratio.modulus) continue;
    if (!gap(part.ratio.divisor)) return false;
    if (at != part.ratio.divisor) return false;  // two parts of one place
    leaves.push_back({part.name, part.ratio});
    at = Times(at, *part.ratio.modulus);
  }
  const Derived& top = parts.back();
  std::string top_name;
  if (!top.ratio.modulus) {
    if (!gap(top.ratio.divisor)) return false;
    if (at == top.ratio.divisor) top_name = top.name;
  }
  const std::optional<Factors> left = Divide(*total, at);
  if (!left) return false;
  if (!left->empty() || !top_name.empty()) {
    if (top_name.empty()) top_name = id.name + "_part" + std::to_string(leaves.size());
    leaves.push_back({top_name, {id.name, at, *left}});
  }
  for (size_t i = leaves.size(); i-- > 0;) {
    index_.loops.push_back({id.type, leaves[i].first, ProductText(*leaves[i].second.modulus)});
  }
  AddDerived(id, leaves);
  return true;
}

}  // namespace

std::optional<GridIndex> ReadGridIndex(const DeviceContext& context, const DeviceKernel& kernel) {
  if (kernel.launches.size() != 1 || context.IsTriton()) return std::nullopt;
  return Reader(context, kernel).Read();
}

}  // namespace ks

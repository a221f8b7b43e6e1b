#include "propose/device/triton_value.h"

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

// In parentheses unless it is one thing already.
std::string Atom(const std::string& text) {
  int depth = 0;
  bool one = true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '[') ++depth;
    if (text[i] == ')' || text[i] == ']') --depth;
    one = one && (depth > 0 || text[i] != ' ');
  }
  return one && text[0] != '-' ? text : "(" + text + ")";
}

// What two shapes broadcast to; empty: they do not, as far as names tell.
std::optional<std::vector<std::string>> Broadcast(std::vector<std::string> a,
                                                  std::vector<std::string> b) {
  if (a.size() < b.size()) std::swap(a, b);
  const size_t skip = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    std::string& to = a[skip + i];
    if (to == "1") {
      to = b[i];
    } else if (b[i] != "1" && b[i] != to) {
      return std::nullopt;
    }
  }
  return a;
}

std::vector<std::string> TupleOf(Node node) {
  std::vector<std::string> out;
  if (!node.Is("tuple") && !node.Is("list")) return {std::string(node.text())};
  for (Node child : node.NamedChildren()) out.emplace_back(child.text());
  return out;
}

std::optional<int64_t> AxisOf(Node call) {
  if (const Node axis = KeywordArgument(call, "axis")) return ParseInt(axis.text());
  const std::vector<Node> arguments = PositionalArguments(call);
  return arguments.size() == 2 ? ParseInt(arguments[1].text()) : std::nullopt;
}

bool IsElementwise(const std::string& function) {
  static const std::set<std::string> kFunctions = {
      "tl.exp",  "tl.exp2", "tl.log",   "tl.log2",    "tl.sqrt",    "tl.rsqrt",   "tl.abs",
      "tl.sin",  "tl.cos",  "tl.erf",   "tl.sigmoid", "tl.maximum", "tl.minimum", "tl.where",
      "tl.cast", "tl.fma",  "tl.floor", "tl.ceil",    "tl.div_rn",  "tl.sqrt_rn"};
  return kFunctions.count(function) > 0;
}

}  // namespace

std::string AlignedText(const TritonValue& value, size_t rank) {
  const size_t own = value.dims.size();
  if (!value.batched && own == 0) return value.text;
  if (value.batched && own == rank) return value.text;
  std::vector<std::string> places = {value.batched ? ":" : "None"};
  for (size_t i = own; i < rank; ++i) places.emplace_back("None");
  for (size_t i = 0; i < own; ++i) places.emplace_back(":");
  return Atom(value.text) + "[" + Join(places, ", ") + "]";
}

const TritonValue* TritonShapes::Find(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<TritonValue> TritonShapes::Of(Node node) {
  const std::string text(node.text());
  if (node.Is("identifier")) {
    const TritonValue* known = Find(text);
    if (known == nullptr) return TritonValue{text, {}, false, true};
    return TritonValue{text, known->dims, known->batched, known->known};
  }
  if (node.Is("integer") || node.Is("float") || node.Is("string") || node.Is("true") ||
      node.Is("false") || node.Is("none")) {
    return TritonValue{text, {}, false, true};
  }
  if (node.Is("attribute")) {  // tl.float32
    auto value = Opaque(node);
    if (value) value->known = true;
    return value;
  }
  if (node.Is("parenthesized_expression")) {
    auto inner = Of(node.NamedChildren()[0]);
    if (inner) inner->text = inner->batched ? "(" + inner->text + ")" : text;
    return inner;
  }
  if (node.Is("unary_operator") || node.Is("not_operator")) {
    auto inner = Of(node.Child("argument"));
    if (!inner || (inner->batched && node.Is("not_operator"))) return std::nullopt;
    inner->text =
        inner->batched ? std::string(node.Child("operator").text()) + Atom(inner->text) : text;
    return inner;
  }
  if (node.Is("binary_operator") || node.Is("comparison_operator")) return Binary(node);
  if (node.Is("subscript")) return Subscript(node);
  if (node.Is("call")) return Call(node);
  return Opaque(node);
}

// Anything that does not depend on the place.
std::optional<TritonValue> TritonShapes::Opaque(Node node) {
  for (Node inner : node.Subtree()) {
    if (inner.Is("call") && inner.Child("function").text() == "tl.program_id") {
      const auto axis = ProgramAxis(inner);
      if (!axis || *axis == axis_) return std::nullopt;
    }
    if (!inner.Is("identifier")) continue;
    const TritonValue* known = Find(std::string(inner.text()));
    if (known != nullptr && known->batched) return std::nullopt;
  }
  return TritonValue{std::string(node.text()), {}, false, false};
}

std::optional<TritonValue> TritonShapes::Binary(Node node) {
  const std::vector<Node> children = node.children();
  if (children.size() != 3) return Opaque(node);
  const auto left = Of(children[0]), right = Of(children[2]);
  if (!left || !right) return std::nullopt;
  TritonValue out;
  out.batched = left->batched || right->batched;
  out.text = std::string(node.text());
  out.known = left->known && right->known;
  if (!out.known) return out.batched ? std::nullopt : std::optional(out);
  const auto dims = Broadcast(left->dims, right->dims);
  if (!dims) {
    out.known = false;
    return out.batched ? std::nullopt : std::optional(out);
  }
  out.dims = *dims;
  if (!out.batched) return out;
  if (dims->size() > 1) return std::nullopt;
  out.text = AlignedText(*left, dims->size()) + " " + std::string(children[1].text()) + " " +
             AlignedText(*right, dims->size());
  return out;
}

std::optional<TritonValue> TritonShapes::Subscript(Node node) {
  auto value = Of(node.Child("value"));
  if (!value) return std::nullopt;
  const std::vector<Node> children = node.NamedChildren();
  std::vector<std::string> dims, places;
  size_t used = 0;
  bool plain = value->known;
  for (size_t i = 1; i < children.size() && plain; ++i) {
    const std::string_view place = children[i].text();
    if (place == "None") {
      dims.emplace_back("1");
    } else if (place == ":" && used < value->dims.size()) {
      dims.push_back(value->dims[used++]);
    } else {
      plain = false;
    }
    places.emplace_back(place);
  }
  if (!plain || used != value->dims.size()) return Opaque(node);
  if (value->batched) {
    if (dims.size() > 1) return std::nullopt;  // three dimensions
    value->text = Atom(value->text) + "[:, " + Join(places, ", ") + "]";
  } else {
    value->text = std::string(node.text());
  }
  value->dims = std::move(dims);
  return value;
}

std::optional<TritonValue> TritonShapes::Call(Node node) {
  const Node callee = node.Child("function");
  const std::string function(callee.text());
  const std::vector<Node> arguments = PositionalArguments(node);
  if (function == "tl.program_id") {
    const auto axis = ProgramAxis(node);
    if (!axis) return std::nullopt;
    const bool own = *axis == axis_;
    return TritonValue{own ? place_ : std::string(node.text()), {}, own, true};
  }
  if (function == "tl.num_programs") {
    const auto axis = ProgramAxis(node);
    if (!axis || *axis == axis_) return std::nullopt;
    return TritonValue{std::string(node.text()), {}, false, true};
  }
  if (function == "float" && arguments.size() == 1) {
    return TritonValue{std::string(node.text()), {}, false, true};
  }
  if (function == "tl.arange" && arguments.size() == 2 && arguments[0].text() == "0") {
    return TritonValue{std::string(node.text()), {std::string(arguments[1].text())}, false, true};
  }
  if (function == "tl.zeros" || function == "tl.full") return Block(node);
  if (function == "tl.load") return Load(node);
  static const std::set<std::string> kReductions = {"tl.sum", "tl.max", "tl.min", "tl.cumsum"};
  if (kReductions.count(function) > 0) return Reduction(node, function);
  if (IsElementwise(function)) return Elementwise(node);
  if (callee.Is("attribute") && callee.Child("attribute").text() == "to") return Method(node);
  return Opaque(node);
}

std::optional<TritonValue> TritonShapes::Block(Node node) {
  const std::vector<Node> arguments = PositionalArguments(node);
  if (arguments.empty()) return Opaque(node);
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto value = Of(arguments[i]);
    if (!value || value->batched) return std::nullopt;
  }
  return TritonValue{std::string(node.text()), TupleOf(arguments[0]), false, true};
}

// x.to(type)
std::optional<TritonValue> TritonShapes::Method(Node node) {
  const Node callee = node.Child("function");
  auto value = Of(callee.Child("object"));
  if (!value) return std::nullopt;
  value->text = value->batched
                    ? Atom(value->text) + ".to" + std::string(node.Child("arguments").text())
                    : std::string(node.text());
  return value;
}

std::optional<TritonValue> TritonShapes::Elementwise(Node node) {
  TritonValue out{std::string(node.text()), {}, false, true};
  std::vector<TritonValue> values;
  for (Node argument : PositionalArguments(node)) {
    auto value = Of(argument);
    if (!value) return std::nullopt;
    out.batched = out.batched || value->batched;
    out.known = out.known && value->known;
    const auto dims = out.known ? Broadcast(out.dims, value->dims) : std::nullopt;
    out.known = dims.has_value();
    if (dims) out.dims = *dims;
    values.push_back(*std::move(value));
  }
  if (!out.batched) return out;
  if (!out.known || out.dims.size() > 1) return std::nullopt;
  std::vector<std::string> parts;
  for (const TritonValue& value : values) parts.push_back(AlignedText(value, out.dims.size()));
  for (Node argument : node.Child("arguments").NamedChildren()) {
    if (argument.Is("keyword_argument")) parts.emplace_back(argument.text());
  }
  out.text = std::string(node.Child("function").text()) + "(" + Join(parts, ", ") + ")";
  return out;
}

std::string TritonShapes::InsideText(size_t rank) const {
  // A mask has the shape of what it masks.
  return AlignedText({"(" + inside_ + ")", {}, true, true}, rank);
}

std::optional<TritonValue> TritonShapes::Load(Node node) {
  const std::vector<Node> arguments = PositionalArguments(node);
  if (arguments.size() != 1) return Opaque(node);
  auto pointer = Of(arguments[0]);
  if (!pointer) return std::nullopt;
  std::vector<std::string> parts = {pointer->text};
  bool masked = false;
  for (Node argument : node.Child("arguments").NamedChildren()) {
    if (!argument.Is("keyword_argument")) continue;
    const auto value = Of(argument.Child("value"));
    if (!value || (value->batched && !pointer->batched)) return std::nullopt;
    if (pointer->batched && (!value->known || value->dims.size() > pointer->dims.size())) {
      return std::nullopt;
    }
    std::string text = pointer->batched ? AlignedText(*value, pointer->dims.size()) : value->text;
    if (argument.Child("name").text() == "mask" && pointer->batched && !inside_.empty()) {
      masked = true;
      text = Atom(text) + " & " + InsideText(pointer->dims.size());
    }
    parts.push_back(std::string(argument.Child("name").text()) + "=" + text);
  }
  if (pointer->batched && !inside_.empty() && !masked) {
    parts.push_back("mask=" + InsideText(pointer->dims.size()));
  }
  if (!pointer->batched) {
    if (!pointer->known || !pointer->dims.empty()) ++shared_loads_;
    pointer->text = std::string(node.text());
  } else {
    if (!pointer->known || pointer->dims.size() > 1) return std::nullopt;
    own_loads_ += pointer->dims.size();
    pointer->text = "tl.load(" + Join(parts, ", ") + ")";
  }
  return pointer;
}

std::optional<TritonValue> TritonShapes::Store(Node call) {
  const std::vector<Node> arguments = PositionalArguments(call);
  if (arguments.size() != 2) return std::nullopt;
  const auto pointer = Of(arguments[0]), value = Of(arguments[1]);
  if (!pointer || !value) return std::nullopt;
  if (!pointer->batched) {
    if (value->batched) return std::nullopt;
    return Opaque(call);
  }
  const size_t rank = pointer->dims.size();
  if (!pointer->known || !value->known || rank > 1 || value->dims.size() > rank)
    return std::nullopt;
  std::vector<std::string> parts = {pointer->text, AlignedText(*value, rank)};
  for (Node argument : call.Child("arguments").NamedChildren()) {
    if (!argument.Is("keyword_argument")) continue;
    const auto option = Of(argument.Child("value"));
    if (!option || !option->known || option->dims.size() > rank) return std::nullopt;
    parts.push_back(std::string(argument.Child("name").text()) + "=" + AlignedText(*option, rank));
  }
  return TritonValue{"tl.store(" + Join(parts, ", ") + ")", {}, true, true};
}

std::optional<TritonValue> TritonShapes::Reduction(Node node, const std::string& function) {
  const std::vector<Node> arguments = PositionalArguments(node);
  const auto axis = AxisOf(node);
  if (arguments.empty() || !axis || *axis < 0) return Opaque(node);
  // keep_dims, reverse, return_indices: another shape, another order.
  if (node.Child("arguments").NamedChildren().size() != 2) return Opaque(node);
  if (function == "tl.sum") {
    if (auto dot = DotOf(arguments[0].Unwrapped(), *axis)) return dot;
  }
  auto value = Of(arguments[0]);
  if (!value) return std::nullopt;
  if (!value->known) return value->batched ? std::nullopt : Opaque(node);
  if (static_cast<size_t>(*axis) >= value->dims.size()) return std::nullopt;
  if (value->batched) {
    value->text = function + "(" + value->text + ", axis=" + std::to_string(*axis + 1) + ")";
  } else {
    value->text = std::string(node.text());
  }
  if (function != "tl.cumsum") value->dims.erase(value->dims.begin() + *axis);
  return value;
}

// block[J, D] * row[None, :] summed over D, block[J, D] * row[:, None] summed over J, with a row a
// place: matrix products.
std::optional<TritonValue> TritonShapes::DotOf(Node product, int64_t axis) {
  if (!product.Is("binary_operator") || product.Child("operator").text() != "*")
    return std::nullopt;
  for (const bool swapped : {false, true}) {
    const Node block = product.Child(swapped ? "right" : "left");
    const Node row = product.Child(swapped ? "left" : "right").Unwrapped();
    if (!row.Is("subscript") || row.NamedChildren().size() != 3) continue;
    const bool along =
        row.NamedChildren()[1].text() == "None" && row.NamedChildren()[2].text() == ":";
    const bool down =
        row.NamedChildren()[1].text() == ":" && row.NamedChildren()[2].text() == "None";
    if (!(along && axis == 1) && !(down && axis == 0)) continue;
    const auto value = Of(row.Child("value"));
    if (!value || !value->batched || !value->known || value->dims.size() != 1) continue;
    const auto shared = Of(block);
    if (!shared || shared->batched || !shared->known || shared->dims.size() != 2) continue;
    if (shared->dims[static_cast<size_t>(axis)] != value->dims[0]) continue;
    ++dots_;
    for (const std::string& extent : shared->dims) dot_axes_.insert(extent);
    const std::string right = along ? "tl.trans(" + shared->text + ")" : shared->text;
    return TritonValue{
        "tl.dot(" + value->text + ", " + right + ", input_precision=\"" + precision_ + "\")",
        {shared->dims[along ? 0 : 1]},
        true,
        true};
  }
  return std::nullopt;
}

}  // namespace ks

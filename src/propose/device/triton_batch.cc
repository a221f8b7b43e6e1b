#include "propose/device/triton_batch.h"

#include <algorithm>

#include "base/text.h"
#include "propose/device/triton_value.h"

namespace ks {
namespace {

// 3, -0.5, 1e-6, float("-inf"): not the name of something.
bool IsNumber(std::string_view text) {
  if (text.starts_with("float(")) return text.ends_with("inf\")") || text.ends_with("inf')");
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789.e+-") != std::string_view::npos) {
    return false;
  }
  return text[0] == '.' || (text[0] >= '0' && text[0] <= '9');
}

class ProgramBatcher {
 public:
  ProgramBatcher(const DeviceContext& context, const DeviceKernel& kernel, int axis,
                 std::string precision)
      : context_(context),
        kernel_(kernel),
        axis_(axis),
        place_(context.FreshName("place")),
        rows_(context.FreshName("PLACES")),
        end_(context.FreshName("places_end")),
        precision_(std::move(precision)),
        edits_(context.source()) {}

  std::optional<BatchedKernel> Batch();

 private:
  bool UsesAxis() const;
  bool ReadsWhatItStores() const;
  // One walk over the statements. Without `emit`, only what depends on the place is found out.
  bool Block(Node body, bool guarded, bool emit);
  bool Statement(Node statement, bool guarded, bool emit);
  bool Assign(Node assignment, bool emit);
  bool Augment(Node assignment, bool emit);
  bool Loop(Node statement, bool guarded, bool emit);
  // Where a loop begins (empty: the same for all places) and ends for each place.
  struct OwnRange {
    std::string low, high;
  };
  bool GuardLoop(const PythonLoop& loop, const OwnRange& own, bool emit);
  bool OnlyInItsLoops(const std::string& variable) const;
  std::optional<std::string> Widened(const TritonValue& value, Node node) const;
  std::string IndentOf(Node node) const;
  void Mark(const std::string& name) { grew_ = batched_.insert(name).second || grew_; }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const int axis_;
  const std::string place_, rows_, end_, precision_;
  TextEdits edits_;
  std::set<std::string> batched_;  // variables that depend on the place
  bool grew_ = false;
  size_t own_ranges_ = 0;
  std::unique_ptr<TritonShapes> shapes_;  // of the walk in progress
};

bool ProgramBatcher::UsesAxis() const {
  const auto grid = GridUseOf(kernel_);
  return grid && grid->places.count(axis_) > 0 && grid->counts.count(axis_) == 0;
}

// A place that is repeated would read what its twin has stored.
bool ProgramBatcher::ReadsWhatItStores() const {
  std::set<std::string> loaded;
  for (Node call : CallsOf(kernel_.body, "tl.load")) {
    loaded.insert(BufferOf(context_, kernel_, call));
  }
  for (Node call : CallsOf(kernel_.body, "tl.store")) {
    const std::string stored = BufferOf(context_, kernel_, call);
    if (stored.empty() || loaded.count(stored) > 0 || loaded.count("") > 0) return true;
  }
  return false;
}

std::string ProgramBatcher::IndentOf(Node node) const {
  const std::string& source = context_.source();
  const size_t line = source.rfind('\n', node.begin()) + 1;
  return source.substr(line, node.begin() - line);
}

// A value that is the same for all places, as a value a place.
std::optional<std::string> ProgramBatcher::Widened(const TritonValue& value, Node node) const {
  if (!value.known || value.dims.size() > 1) return std::nullopt;
  if (value.dims.empty()) {
    // True, None and words are no numbers that zeros can be added to.
    if (node.Is("true") || node.Is("false") || node.Is("none") || node.Is("string")) {
      return std::nullopt;
    }
    if (!IsNumber(value.text)) return value.text + " + tl.zeros((" + rows_ + ",), dtype=tl.int32)";
    const bool whole = value.text.find_first_not_of("0123456789-") == std::string::npos;
    return "tl.full((" + rows_ + ",), " + value.text +
           (whole ? ", dtype=tl.int32)" : ", dtype=tl.float32)");
  }
  const std::string shape = "(" + rows_ + ", " + value.dims[0] + ")";
  const std::string function = node.Is("call") ? std::string(node.Child("function").text()) : "";
  if (function != "tl.zeros" && function != "tl.full") {
    return "tl.broadcast_to(" + AlignedText(value, 1) + ", " + shape + ")";
  }
  std::vector<std::string> parts = {shape};
  const std::vector<Node> arguments = node.Child("arguments").NamedChildren();
  for (size_t i = 1; i < arguments.size(); ++i) parts.emplace_back(arguments[i].text());
  return function + "(" + Join(parts, ", ") + ")";
}

bool ProgramBatcher::Assign(Node assignment, bool emit) {
  const Node target = assignment.Child("left"), right = assignment.Child("right");
  if (!target.Is("identifier") || !right || right.Is("assignment")) return false;
  const std::string name(target.text());
  auto value = shapes_->Of(right);
  if (!value) return false;
  if (value->batched) Mark(name);
  std::string text = value->text;
  if (batched_.count(name) > 0 && !value->batched) {
    const auto wide = Widened(*value, right);
    if (!wide) return false;
    text = *wide;
    value->batched = true;
  }
  if (emit && text != right.text()) edits_.Replace(right, text);
  shapes_->Set(name, *std::move(value));
  return true;
}

bool ProgramBatcher::Augment(Node assignment, bool emit) {
  const Node target = assignment.Child("left"), right = assignment.Child("right");
  const TritonValue* own = shapes_->Find(std::string(target.text()));
  const auto value = shapes_->Of(right);
  if (!target.Is("identifier") || own == nullptr || !value) return false;
  if (value->batched) Mark(std::string(target.text()));
  // A parameter is one value; += would have to make a block of it.
  const auto& names = kernel_.parameter_names;
  const bool given = std::find(names.begin(), names.end(), target.text()) != names.end();
  if (given && !own->batched && value->batched) return false;
  if (!own->batched && !value->batched) return true;
  if (!value->batched && !value->known) return false;
  if (value->dims.size() > own->dims.size()) return false;
  const std::string text = AlignedText(*value, own->dims.size());
  if (emit && text != right.text()) edits_.Replace(right, text);
  return true;
}

bool ProgramBatcher::OnlyInItsLoops(const std::string& variable) const {
  size_t inside = 0;
  for (const PythonLoop& loop : RangeLoops(kernel_.body)) {
    if (loop.variable != variable) continue;
    if (UsesOf(loop.call, variable) > 0) return false;
    inside += UsesOf(loop.node, variable);
  }
  return inside == UsesOf(kernel_.body, variable);
}

// A loop with ends of its own for each place runs as long as the longest; a place that has reached
// its end keeps its values.
bool ProgramBatcher::GuardLoop(const PythonLoop& loop, const OwnRange& own, bool emit) {
  // A step is a positive number or one of the plan's, and nobody may see where the loop ended.
  const auto step = ParseInt(loop.step);
  if (!(step && *step > 0) && !context_.HasConstant(loop.step)) return false;
  if (!OnlyInItsLoops(loop.variable)) return false;
  std::vector<std::string> carried;
  for (Node inner : loop.body.Subtree()) {
    const std::string name = AssignedName(inner);
    if (name.empty() || std::count(carried.begin(), carried.end(), name) > 0) continue;
    if (shapes_->Find(name) != nullptr) {
      carried.push_back(name);
      Mark(name);
      continue;
    }
    if (UsesOf(kernel_.body, name) != UsesOf(loop.body, name))
      return false;  // its last value is used
  }
  const std::string end = context_.FreshName(loop.variable + "_end");
  shapes_->SetInside(loop.variable + " < " + end);
  const bool known = Block(loop.body, true, emit);
  shapes_->SetInside("");
  if (!known || !emit) return known;
  ++own_ranges_;
  const std::vector<Node> body = loop.body.NamedChildren();
  const std::string indent = IndentOf(body.front());
  const std::string begin = context_.FreshName(loop.variable + "_begin");
  const std::string counter = context_.FreshName(loop.variable + "_step");
  const std::vector<Node> range = PositionalArguments(loop.call);
  std::string front = end + " = " + own.high + "\n" + IndentOf(loop.node), length = end;
  if (!own.low.empty()) {
    front = begin + " = " + own.low + "\n" + IndentOf(loop.node) + front;
    length = end + " - " + begin;
    edits_.Replace(loop.node.Child("left"), counter);
    edits_.Replace(range[0], "0");
  }
  edits_.Insert(loop.node.begin(), front);
  edits_.Replace(range[range.size() == 1 ? 0 : 1], "tl.max(" + length + ", axis=0)");
  std::string before, after;
  if (!own.low.empty()) before = loop.variable + " = " + begin + " + " + counter + "\n" + indent;
  for (const std::string& name : carried) {
    const TritonValue* value = shapes_->Find(name);
    if (value == nullptr || !value->known || value->dims.size() > 1) return false;
    const std::string kept = context_.FreshName(name + "_before");
    before += kept + " = " + name + "\n" + indent;
    const TritonValue inside = {loop.variable + " < " + end, {}, true, true};
    after += "\n" + indent + name + " = tl.where(" + AlignedText(inside, value->dims.size()) +
             ", " + name + ", " + kept + ")";
  }
  edits_.Insert(body.front().begin(), before);
  edits_.Insert(body.back().end(), after);
  return true;
}

bool ProgramBatcher::Loop(Node statement, bool guarded, bool emit) {
  const std::vector<PythonLoop> loops = RangeLoops(statement);
  if (loops.empty() || !(loops.front().node == statement)) {
    // tl.static_range: the same for every place.
    for (Node inner : statement.Child("right").Subtree()) {
      if (batched_.count(std::string(inner.text())) > 0) return false;
    }
    shapes_->Set(std::string(statement.Child("left").text()), {"", {}, false, true});
    return statement.Child("right").Is("call") &&
           statement.Child("right").Child("function").text() == "tl.static_range" &&
           Block(statement.Child("body"), guarded, emit);
  }
  const PythonLoop& loop = loops.front();
  if (loop.body.NamedChildren().empty()) return false;
  const std::vector<Node> range = PositionalArguments(loop.call);
  OwnRange own;
  bool batched = false;
  for (size_t i = 0; i < range.size(); ++i) {
    const auto value = shapes_->Of(range[i]);
    if (!value || (value->batched && (guarded || i > 1 || !value->dims.empty()))) return false;
    const bool high = range.size() == 1 || i == 1;
    if (high) own.high = value->text;
    if (!high && i == 0 && value->batched) own.low = value->text;
    batched = batched || value->batched;
  }
  if (!own.low.empty()) Mark(loop.variable);
  shapes_->Set(loop.variable, {loop.variable, {}, !own.low.empty(), true});
  return batched ? GuardLoop(loop, own, emit) : Block(loop.body, guarded, emit);
}

bool ProgramBatcher::Statement(Node statement, bool guarded, bool emit) {
  if (statement.Is("for_statement")) return Loop(statement, guarded, emit);
  if (!statement.Is("expression_statement")) return false;
  const Node inner = InnerStatement(statement);
  if (inner.Is("string")) return true;
  if (inner.Is("assignment")) return Assign(inner, emit);
  if (inner.Is("augmented_assignment")) return Augment(inner, emit);
  if (!inner.Is("call") || inner.Child("function").text() != "tl.store" || guarded) return false;
  const auto store = shapes_->Store(inner);
  if (!store) return false;
  if (emit && store->text != inner.text()) edits_.Replace(inner, store->text);
  return true;
}

bool ProgramBatcher::Block(Node body, bool guarded, bool emit) {
  for (Node statement : body.NamedChildren()) {
    if (!Statement(statement, guarded, emit)) return false;
  }
  return true;
}

std::optional<BatchedKernel> ProgramBatcher::Batch() {
  if (!UsesAxis() || kernel_.parameters.empty() || ReadsWhatItStores() ||
      HelpersAccessMemory(kernel_.body)) {
    return std::nullopt;
  }
  for (Node call : kernel_.body.Subtree()) {
    if (call.Is("call") && call.Child("function").text().starts_with("tl.atomic"))
      return std::nullopt;
  }
  const auto walk = [&](bool emit) {
    shapes_ = std::make_unique<TritonShapes>(axis_, place_, precision_);
    for (const std::string& name : kernel_.parameter_names)
      shapes_->Set(name, {name, {}, false, true});
    return Block(kernel_.body, false, emit);
  };
  do {
    grew_ = false;
    if (!walk(false)) return std::nullopt;
  } while (grew_);
  if (!walk(true)) return std::nullopt;
  AddFirstStatement(kernel_,
                    place_ + " = tl.minimum(tl.program_id(" + std::to_string(axis_) + ") * " +
                        rows_ + " + tl.arange(0, " + rows_ + "), " + end_ + " - 1)",
                    edits_);
  edits_.Insert(kernel_.parameters.back().end(), ", " + end_ + ", " + rows_ + ": tl.constexpr");
  return BatchedKernel{edits_.Apply(),
                       rows_,
                       end_,
                       shapes_->shared_loads(),
                       shapes_->own_loads(),
                       own_ranges_,
                       shapes_->dots(),
                       shapes_->dot_axes()};
}

}  // namespace

std::optional<BatchedKernel> BatchPrograms(const DeviceContext& context, const DeviceKernel& kernel,
                                           int axis, const std::string& precision) {
  return ProgramBatcher(context, kernel, axis, precision).Batch();
}

}  // namespace ks

#include "propose/device/triton_text.h"

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

// A mention of the function in any spelling that is not the call tl.<function>(...).
bool IsOtherSpelling(Node name) {
  if (name.text() != "program_id" && name.text() != "num_programs") return false;
  const Node up = name.parent();
  const Node call = up.parent();
  return !up.Is("attribute") || up.Child("object").text() != "tl" || !call.Is("call") ||
         !(call.Child("function") == up);
}

bool AsksForGrid(Node function) {
  for (Node inner : function.Subtree()) {
    if (!inner.Is("identifier")) continue;
    if (inner.text() == "program_id" || inner.text() == "num_programs") return true;
  }
  return false;
}

}  // namespace

std::string TextEdits::Apply() const {
  std::vector<Change> changes = changes_;
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.begin < b.begin; });
  std::string out;
  size_t at = 0;
  for (const Change& change : changes) {
    out += source_.substr(at, change.begin - at) + change.text;
    at = change.end;
  }
  return out + source_.substr(at);
}

std::string WithoutSpaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\n') out += c;
  }
  return out;
}

std::vector<Node> CallsOf(Node node, std::string_view function) {
  std::vector<Node> calls;
  for (Node inner : node.Subtree()) {
    if (inner.Is("call") && inner.Child("function").text() == function) calls.push_back(inner);
  }
  return calls;
}

Node KeywordArgument(Node call, std::string_view name) {
  for (Node argument : call.Child("arguments").NamedChildren()) {
    if (argument.Is("keyword_argument") && argument.Child("name").text() == name) {
      return argument.Child("value");
    }
  }
  return {};
}

std::vector<Node> PositionalArguments(Node call) {
  std::vector<Node> arguments;
  for (Node argument : call.Child("arguments").NamedChildren()) {
    if (!argument.Is("keyword_argument")) arguments.push_back(argument);
  }
  return arguments;
}

std::optional<int> ProgramAxis(Node call) {
  if (!call.Is("call")) return std::nullopt;
  const std::string_view function = call.Child("function").text();
  if (function != "tl.program_id" && function != "tl.num_programs") return std::nullopt;
  const std::vector<Node> arguments = call.Child("arguments").NamedChildren();
  if (arguments.size() != 1) return std::nullopt;
  const Node keyword = KeywordArgument(call, "axis");
  if (arguments[0].Is("keyword_argument") && !keyword) return std::nullopt;
  const auto axis = ParseInt((keyword ? keyword : arguments[0]).text());
  return axis && *axis >= 0 && *axis < 3 ? std::optional(static_cast<int>(*axis)) : std::nullopt;
}

std::vector<Node> HelpersOf(Node body) {
  std::vector<Node> helpers, open = {body};
  while (!open.empty()) {
    const Node from = open.back();
    open.pop_back();
    for (Node inner : from.Subtree()) {
      if (!inner.Is("identifier")) continue;
      for (Node known : body.tree()->root().Subtree()) {
        if (!known.Is("function_definition") || known.Child("name").text() != inner.text())
          continue;
        if (known.Child("body") == body) continue;
        if (std::find(helpers.begin(), helpers.end(), known) != helpers.end()) continue;
        helpers.push_back(known);
        open.push_back(known.Child("body"));
      }
    }
  }
  return helpers;
}

std::optional<GridUse> GridUseOf(const DeviceKernel& kernel) {
  GridUse use;
  for (Node inner : kernel.body.Subtree()) {
    if (inner.Is("identifier") && IsOtherSpelling(inner)) return std::nullopt;
    if (!inner.Is("call")) continue;
    const std::string_view function = inner.Child("function").text();
    const bool place = function == "tl.program_id", count = function == "tl.num_programs";
    if (!place && !count) continue;
    const auto axis = ProgramAxis(inner);
    if (!axis) return std::nullopt;
    (place ? use.places : use.counts).insert(*axis);
  }
  for (Node helper : HelpersOf(kernel.body)) {
    if (AsksForGrid(helper)) return std::nullopt;
  }
  return use;
}

bool HelpersAccessMemory(Node body) {
  for (Node helper : HelpersOf(body)) {
    for (Node inner : helper.Child("body").Subtree()) {
      if (!inner.Is("identifier")) continue;
      const std::string_view name = inner.text();
      if (name == "load" || name == "store" || name.find("atomic") != std::string_view::npos ||
          name.find("inline_asm") != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

void SetKeyword(Node call, std::string_view name, const std::string& value, TextEdits& edits) {
  if (const Node present = KeywordArgument(call, name)) {
    edits.Replace(present, value);
    return;
  }
  const std::vector<Node> arguments = call.Child("arguments").NamedChildren();
  const std::string text = std::string(name) + "=" + value;
  if (arguments.empty()) {
    edits.Insert(call.Child("arguments").end() - 1, text);
  } else {
    edits.Insert(arguments.back().end(), ", " + text);
  }
}

void AddConstexpr(const DeviceKernel& kernel, const std::string& name, TextEdits& edits) {
  if (kernel.parameters.empty()) return;
  edits.Insert(kernel.parameters.back().end(), ", " + name + ": tl.constexpr");
}

void AddFirstStatement(const DeviceKernel& kernel, const std::string& statement, TextEdits& edits) {
  const std::vector<Node> statements = kernel.body.NamedChildren();
  if (statements.empty()) return;
  size_t first = 0;
  const bool docstring = statements[0].Is("expression_statement") &&
                         statements[0].NamedChildren().size() == 1 &&
                         statements[0].NamedChildren()[0].Is("string");
  if (docstring && statements.size() > 1) first = 1;
  const std::string& source = kernel.body.tree()->source();
  const size_t begin = statements[first].begin();
  const size_t line = source.rfind('\n', begin) + 1;
  edits.Insert(begin, statement + "\n" + source.substr(line, begin - line));
}

std::vector<PythonLoop> RangeLoops(Node node) {
  std::vector<PythonLoop> loops;
  for (Node inner : node.Subtree()) {
    if (!inner.Is("for_statement") || !inner.Child("left").Is("identifier")) continue;
    const Node call = inner.Child("right");
    if (!call.Is("call")) continue;
    const std::string_view function = call.Child("function").text();
    if (function != "range" && function != "tl.range") continue;
    const std::vector<Node> arguments = PositionalArguments(call);
    if (arguments.empty() || arguments.size() > 3) continue;
    PythonLoop loop;
    loop.node = inner;
    loop.call = call;
    loop.body = inner.Child("body");
    loop.variable = std::string(inner.Child("left").text());
    const bool one = arguments.size() == 1;
    loop.low = one ? "0" : std::string(arguments[0].text());
    loop.high = std::string(arguments[one ? 0 : 1].text());
    loop.step = arguments.size() == 3 ? std::string(arguments[2].text()) : "1";
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace ks

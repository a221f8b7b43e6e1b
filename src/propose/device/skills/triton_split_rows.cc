// Skill triton_split_rows: a few long rows are dealt out to many programs, a launch a loop.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

constexpr const char* kIndent = "    ";

class Splitter {
 public:
  Splitter(const DeviceContext& context, const DeviceKernel& kernel,
           std::vector<TritonStatement> statements)
      : context_(context),
        kernel_(kernel),
        statements_(std::move(statements)),
        parts_(context.FreshName("PARTS")) {
    for (const TritonStatement& statement : statements_) {
      if (!statement.is_loop) continue;
      ++loops_;
      last_gathers_ = !statement.gathered.empty();
      for (const Gathered& gathered : statement.gathered) {
        partials_.emplace_back(gathered.name, context.FreshName("partial_" + gathered.name));
      }
    }
  }

  std::optional<std::string> Split(int parts) const {
    if (loops_ == 0 || partials_.empty() || !Repeatable()) return std::nullopt;
    const size_t phases = loops_ + (last_gathers_ ? 1 : 0);
    std::vector<std::string> names;
    TextEdits edits(context_.source());
    std::string front;
    for (const auto& [name, buffer] : partials_) front += buffer + ", ";
    front += parts_ + ": tl.constexpr, ";
    edits.Insert(kernel_.parameters.front().begin(), front);
    std::string functions;
    for (size_t phase = 0; phase < phases; ++phase) {
      if (phase + 1 == phases) {
        edits.Replace(kernel_.body, std::string(Trim(Body(phase))));
        continue;
      }
      names.push_back(context_.FreshName(kernel_.name + "_part" + std::to_string(phase + 1)));
      const std::string_view list = kernel_.definition.Child("parameters").text();
      functions += "\n\n@triton.jit\ndef " + names.back() + "(" + front +
                   std::string(list.substr(1)) + ":\n" + Body(phase);
    }
    std::string source = edits.Apply();
    source += (source.ends_with('\n') ? "" : "\n") + functions;
    return WithPlan(*WithAllArguments(context_, source), names, parts);
  }

 private:
  // Every launch runs the statements between the loops anew: none may read what a loop writes. The
  // steps of a loop run in any order: none may read or write what another one writes.
  bool Repeatable() const {
    const auto grid = GridUseOf(kernel_);
    if (!grid || !grid->counts.empty() || HelpersAccessMemory(kernel_.body)) return false;
    if (grid->places.size() > 1 || (grid->places.size() == 1 && grid->places.count(0) == 0)) {
      return false;
    }
    for (Node inner : kernel_.body.Subtree()) {
      if (inner.Is("call") && inner.Child("function").text().starts_with("tl.atomic")) return false;
    }
    size_t loop = 0;
    for (const TritonStatement& statement : statements_) {
      if (statement.is_loop) {
        ++loop;
        if (!StepsAreFree(statement)) return false;
        continue;
      }
      const bool stores = !CallsOf(statement.node, "tl.store").empty();
      if (stores && (loop < loops_ || !last_gathers_)) return false;
      if (ReadsWhatLoopsStore(statement.node)) return false;
    }
    return true;
  }

  bool ReadsWhatLoopsStore(Node statement) const {
    for (Node load : CallsOf(statement, "tl.load")) {
      const std::string read = BufferOf(context_, kernel_, load);
      for (const TritonStatement& other : statements_) {
        if (!other.is_loop) continue;
        for (Node store : CallsOf(other.node, "tl.store")) {
          const std::string written = BufferOf(context_, kernel_, store);
          if (read.empty() || written.empty() || read == written) return true;
        }
      }
    }
    return false;
  }

  // Each step stores to places of its own, and loads from a buffer that it stores to only from
  // these.
  bool StepsAreFree(const TritonStatement& statement) const {
    for (Node store : CallsOf(statement.node, "tl.store")) {
      const std::vector<Node> arguments = PositionalArguments(store);
      const std::string written = BufferOf(context_, kernel_, store);
      if (written.empty() || !IsOfStep(arguments[0], statement)) return false;
      for (Node load : CallsOf(statement.node, "tl.load")) {
        const std::string read = BufferOf(context_, kernel_, load);
        if (read.empty()) return false;
        if (read == written && PositionalArguments(load)[0].text() != arguments[0].text()) {
          return false;
        }
      }
      for (Node other : CallsOf(statement.node, "tl.store")) {
        if (other == store || BufferOf(context_, kernel_, other) != written) continue;
        if (PositionalArguments(other)[0].text() != arguments[0].text()) return false;
      }
    }
    return true;
  }

  // base + ... + places, where the places are the step's (perhaps times a stride) and nothing else
  // depends on the step.
  bool IsOfStep(Node address, const TritonStatement& statement) const {
    size_t moving = 0;
    while (address.Is("binary_operator") && address.Child("operator").text() == "+" &&
           !IsPlaces(address, statement)) {
      moving += IsMoving(address.Child("right"), statement) ? 1 : 0;
      if (IsMoving(address.Child("right"), statement) &&
          !IsPlaces(address.Child("right"), statement)) {
        return false;
      }
      address = address.Child("left");
    }
    return moving == 1 && !IsMoving(address, statement);
  }

  bool IsMoving(Node node, const TritonStatement& statement) const {
    if (UsesOf(node, statement.loop.variable) > 0) return true;
    for (Node inner : statement.loop.body.Subtree()) {
      const std::string name = AssignedName(inner);
      if (!name.empty() && UsesOf(node, name) > 0) return true;
    }
    return false;
  }

  // start + tl.arange(0, STEP), a name for that, or it times what does not move.
  bool IsPlaces(Node node, const TritonStatement& statement) const {
    while (node.Is("parenthesized_expression")) node = node.NamedChildren()[0];
    if (node.Is("binary_operator") && node.Child("operator").text() == "*") {
      const Node left = node.Child("left"), right = node.Child("right");
      return IsMoving(left, statement) ? IsPlaces(left, statement) && !IsMoving(right, statement)
                                       : IsPlaces(right, statement);
    }
    const PythonLoop& loop = statement.loop;
    const std::string arange = "tl.arange(0, " + loop.step + ")";
    if (node.Is("binary_operator") && node.Child("operator").text() == "+") {
      const Node left = node.Child("left"), right = node.Child("right");
      return left.text() == loop.variable && (right.text() == arange || IsArange(right, arange));
    }
    if (!node.Is("identifier")) return false;
    Node value;
    for (Node inner : loop.body.Subtree()) {
      if (AssignedName(inner) != node.text()) continue;
      if (value || !inner.Is("assignment")) return false;
      value = inner.Child("right");
    }
    return value && !value.Is("identifier") && IsPlaces(value, statement);
  }

  // A name that the top level gives this value, once.
  bool IsArange(Node name, const std::string& arange) const {
    size_t assigned = 0, same = 0;
    for (Node inner : kernel_.body.Subtree()) {
      if (!name.Is("identifier") || AssignedName(inner) != name.text()) continue;
      ++assigned;
      same += inner.Is("assignment") && inner.Child("right").text() == arange ? 1 : 0;
    }
    return assigned == 1 && same == 1;
  }

  std::string Partial(const std::string& name) const {
    for (const auto& [gathered, buffer] : partials_) {
      if (gathered == name) return buffer + " + tl.program_id(0) * " + parts_ + " + ";
    }
    return "";
  }

  // The name that `statement` begins for loop number < `phase`; else empty.
  std::string BegunBefore(Node statement, size_t phase) const {
    size_t loop = 0;
    for (const TritonStatement& other : statements_) {
      if (!other.is_loop) continue;
      for (const Gathered& gathered : other.gathered) {
        if (loop < phase && gathered.init == InnerStatement(statement)) return gathered.name;
      }
      ++loop;
    }
    return "";
  }

  std::string Body(size_t phase) const {
    std::string body;
    size_t loop = 0;
    for (const TritonStatement& statement : statements_) {
      if (!statement.is_loop) {
        const std::string begun = BegunBefore(statement.node, phase);
        body += begun.empty() ? LinesOf(statement.node)
                              : std::string(kIndent) + begun + " = tl.load(" + Partial(begun) +
                                    "tl.arange(0, " + parts_ + "))\n";
        continue;
      }
      if (loop++ < phase) continue;
      body += Piece(statement);
      for (const Gathered& gathered : statement.gathered) {
        body += std::string(kIndent) + "tl.store(" + Partial(gathered.name) + "tl.program_id(1), " +
                gathered.reduce + "(" + gathered.name + ", axis=0))\n";
      }
      return body;
    }
    return body;
  }

  // Every so many steps of the loop.
  std::string Piece(const TritonStatement& statement) const {
    const PythonLoop& loop = statement.loop;
    std::string lines = LinesOf(statement.node);
    const std::string call(loop.call.text());
    const std::vector<Node> arguments = PositionalArguments(loop.call);
    TextEdits edits(context_.source());
    edits.Replace(arguments[0], "tl.program_id(1) * " + loop.step);
    edits.Replace(arguments[2], loop.step + " * " + parts_);
    const std::string all = edits.Apply();
    const size_t grown = all.size() - context_.source().size();
    const size_t begin = loop.call.begin();
    const std::string changed = all.substr(begin, loop.call.end() - begin + grown);
    return lines.replace(lines.find(call), call.size(), changed);
  }

  std::optional<std::string> WithPlan(std::string source, const std::vector<std::string>& names,
                                      int parts) const {
    const auto apply = [&](std::optional<std::string> next) {
      const bool fits = next.has_value();
      if (fits) source = *std::move(next);
      return fits;
    };
    const size_t launch = kernel_.launches[0];
    const PlanLaunch& old = *context_.launches()[launch];
    std::vector<std::string> args;
    for (const auto& [name, buffer] : partials_) args.push_back(buffer);
    for (const std::string& arg : context_.LaunchArguments(launch)) args.push_back(arg);
    const std::string passed = "(" + Join(args, ", ") + ")";
    const std::string rows = old.grid[0].text;
    if (!apply(WithLaunchOption(source, launch, "args", passed)) ||
        (!last_gathers_ &&
         !apply(WithLaunchOption(source, launch, "grid", "(" + rows + ", " + parts_ + ")"))) ||
        !apply(WithNewConstant(source, parts_, std::to_string(parts)))) {
      return std::nullopt;
    }
    for (const auto& [name, buffer] : partials_) {
      if (!apply(WithScratch(source, buffer + " f32 [" + rows + "*" + parts_ + "]")))
        return std::nullopt;
    }
    size_t step = context_.StepOf(launch);
    for (const std::string& name : names) {
      std::string directive = "launch " + name + " grid=(" + rows + ", " + parts_ + ")";
      if (!old.num_warps.text.empty()) directive += " num_warps=" + old.num_warps.text;
      if (!old.num_stages.text.empty()) directive += " num_stages=" + old.num_stages.text;
      if (!apply(WithStep(source, step++, directive + " args=" + passed))) return std::nullopt;
    }
    return source;
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const std::vector<TritonStatement> statements_;
  const std::string parts_;
  std::vector<std::pair<std::string, std::string>> partials_;  // gathered block -> scratch buffer
  size_t loops_ = 0;
  bool last_gathers_ = false;
};

class TritonSplitRowsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_split_rows"; }
  std::string_view summary() const override {
    return "A program a row leaves most of the device idle when rows are few and long. Split every "
           "loop over the row into parts that are programs of their own; what they gather goes "
           "through a scratch buffer and is combined by the launches that follow. Costs a launch a "
           "loop.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || kernel.parameters.empty()) continue;
      const PlanLaunch& launch = *context.launches()[kernel.launches[0]];
      if (launch.grid.size() != 1) continue;
      const int64_t rows = LargestGrid(context, launch.grid[0].text);
      const int64_t units = context.device().sm_count;
      if (rows > 4 * units) continue;  // enough without parts
      auto statements = RowStatements(context, kernel);
      if (!statements) continue;
      const bool sums = std::any_of(statements->begin(), statements->end(), [](const auto& s) {
        return std::any_of(s.gathered.begin(), s.gathered.end(),
                           [](const Gathered& gathered) { return gathered.reduce == "tl.sum"; });
      });
      if (sums && !context.task().allow_reassociation) continue;
      const Splitter splitter(context, kernel, *std::move(statements));
      const double gain =
          rows == 0
              ? 1.2
              : std::min<double>(8, static_cast<double>(4 * units) / static_cast<double>(rows));
      for (const int parts : {32, 8, 128}) {
        auto source = splitter.Split(parts);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Split the rows of " + kernel.name + " into " + std::to_string(parts) +
                             " parts in programs of their own.",
                         EditKind::kStrategy, std::max(1.05, parts == 32 ? gain : 0.8 * gain)});
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonSplitRowsSkill() {
  return std::make_unique<TritonSplitRowsSkill>();
}

}  // namespace ks

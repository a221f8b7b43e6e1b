// Skill triton_strips: a lane of a Triton stencil makes several outputs along the slower axis.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/strip_plan.h"

namespace ks {
namespace {

using StepKind = WindowStep::Kind;
using Names = std::map<std::string, std::string>;

constexpr const char* kBlanks = "    ";

std::string Numeral(int64_t value) {
  return value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value);
}

// "name_1_m1": for what is made once for that place of the window.
std::string Placed(const std::string& name, int64_t down, int64_t across) {
  const auto part = [](int64_t value) {
    return (value < 0 ? "_m" : "_") + std::to_string(value < 0 ? -value : value);
  };
  return name + part(down) + part(across);
}

class StripWriter {
 public:
  StripWriter(const DeviceContext& context, const DeviceKernel& kernel, const StripPlan& plan,
              int outputs)
      : context_(context),
        kernel_(kernel),
        plan_(plan),
        outputs_(outputs),
        loaded_(context.FreshName("loaded")),
        weight_(context.FreshName("weight")),
        row_best_(context.FreshName("of_row")),
        made_(context.FreshName("made")) {}

  std::optional<std::string> Write() const {
    std::string body;
    for (Node node : plan_.before) {
      if (node == plan_.row_statement) {
        body += std::string(kBlanks) + plan_.row + " = " + plan_.at + " // " + plan_.width + " * " +
                std::to_string(outputs_) + "\n";
      } else {
        body += LinesOf(node);
      }
    }
    for (int output = 0; output < outputs_; ++output) {
      for (Node init : plan_.inits) body += Line(RenamedText(init, Accumulators(output)));
    }
    body += OwnValues();
    const int64_t reach = plan_.stride * (outputs_ - 1) + plan_.down.high;
    for (int64_t row = plan_.down.low; row < reach; ++row) body += RowText(row);
    for (int output = 0; output < outputs_; ++output) body += Output(output);
    TextEdits edits(context_.source());
    edits.Replace(kernel_.body, std::string(Trim(body)));
    return WithGrid(edits.Apply());
  }

 private:
  static std::string Line(const std::string& text) { return kBlanks + text + "\n"; }

  // Of a load in a term, in the order of the text.
  std::string Number(int load) const {
    return std::to_string(std::distance(plan_.loads.begin(), plan_.loads.find(load)));
  }
  std::string OfOutput(const std::string& name, int output) const {
    return made_ + std::to_string(output) + "_" + name;
  }
  Names Accumulators(int output) const {
    Names names;
    for (const std::string& name : plan_.accumulators) names[name] = OfOutput(name, output);
    return names;
  }
  std::vector<int64_t> AcrossPlaces() const {
    std::vector<int64_t> places;
    if (!plan_.across) return {0};
    for (int64_t at = plan_.across->low; at < plan_.across->high; ++at) places.push_back(at);
    return places;
  }
  void SetAcross(int64_t across, Names* names) const {
    if (plan_.across) (*names)[plan_.across->variable] = Numeral(across);
  }
  // Names of a place of the window.
  Names Own(int64_t down, int64_t across) const {
    Names names = {{plan_.down.variable, Numeral(down)}};
    SetAcross(across, &names);
    for (const std::string& name : plan_.own) names[name] = Placed(name, down, across);
    return names;
  }

  // The term with its loads replaced by the names of what was loaded.
  std::string Term(Node term, const Names& names, int64_t down, int64_t across) const {
    std::vector<std::pair<Node, std::string>> loads;
    for (Node node : term.Subtree()) {
      const auto found = plan_.loads.find(node.index());
      if (found == plan_.loads.end()) continue;
      const std::string number = Number(found->first);
      loads.emplace_back(node, found->second == StepKind::kShared
                                   ? loaded_ + number
                                   : Placed(weight_ + number, down, across));
    }
    std::string text;
    const std::vector<Node> parts = term.Subtree();
    size_t at = term.begin();
    const std::string& source = context_.source();
    for (Node inner : parts) {
      if (inner.begin() < at) continue;
      const auto load = std::find_if(loads.begin(), loads.end(),
                                     [&](const auto& one) { return one.first == inner; });
      const bool name = inner.Is("identifier") && names.count(std::string(inner.text())) > 0 &&
                        !inner.parent().Is("keyword_argument") && !inner.parent().Is("attribute");
      if (load == loads.end() && !name) continue;
      text += source.substr(at, inner.begin() - at) +
              (name ? names.at(std::string(inner.text())) : load->second);
      at = inner.end();
    }
    return text + source.substr(at, term.end() - at);
  }

  // What depends on the place of the window alone, once for all outputs.
  std::string OwnValues() const {
    std::string text;
    for (int64_t down = plan_.down.low; down < plan_.down.high; ++down) {
      for (const int64_t across : AcrossPlaces()) {
        const Names names = Own(down, across);
        for (const WindowStep& step : plan_.steps) {
          if (step.kind == StepKind::kOwn) text += Line(RenamedText(step.node, names));
          if (step.kind != StepKind::kUpdate) continue;
          for (Node node : step.update.term.Subtree()) {
            const auto found = plan_.loads.find(node.index());
            if (found == plan_.loads.end() || found->second != StepKind::kOwn) continue;
            text += Line(Placed(weight_ + Number(found->first), down, across) + " = " +
                         RenamedText(node, names));
          }
        }
      }
    }
    return text;
  }

  // Outputs in whose window the row lies, with its place there.
  std::vector<std::pair<int, int64_t>> Users(int64_t row) const {
    std::vector<std::pair<int, int64_t>> users;
    for (int output = 0; output < outputs_; ++output) {
      const int64_t down = row - plan_.stride * output;
      if (down >= plan_.down.low && down < plan_.down.high) users.emplace_back(output, down);
    }
    return users;
  }

  std::string Updated(const WindowUpdate& update, const std::string& name,
                      const std::string& term) const {
    if (update.op == "+") return Line(name + " += " + term);
    return Line(name + " = " + update.op + "(" + name + ", " + term + update.keywords + ")");
  }

  // The same term for all outputs: a row's can be joined before they take it.
  bool JoinsRow(const WindowStep& step) const {
    if (!step.inner || AcrossPlaces().size() < 2) return false;
    if (step.update.op == "+" && !context_.task().allow_reassociation) return false;
    if (UsesOf(step.update.term, plan_.down.variable) > 0) return false;
    for (const std::string& name : plan_.own) {
      if (UsesOf(step.update.term, name) > 0) return false;
    }
    return true;
  }

  // Reads one row (counted from the first output's) and gives it to the outputs that use it.
  std::string RowText(int64_t row) const {
    const auto users = Users(row);
    if (users.empty()) return "";
    std::string text;
    Names names = {{plan_.down.variable, Numeral(row)}};
    for (const WindowStep& step : plan_.steps) {
      if (!step.inner && step.kind == StepKind::kShared)
        text += Line(RenamedText(step.node, names));
    }
    const std::vector<int64_t> places = AcrossPlaces();
    for (const int64_t across : places) {
      SetAcross(across, &names);
      for (const WindowStep& step : plan_.steps) {
        if (!step.inner && plan_.across) {
          if (step.kind == StepKind::kUpdate && across == places[0])
            text += Take(step, users, row, 0);
          continue;
        }
        if (step.kind == StepKind::kShared && step.inner)
          text += Line(RenamedText(step.node, names));
        if (step.kind == StepKind::kUpdate) text += Take(step, users, row, across);
      }
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const WindowStep& step = plan_.steps[i];
      if (step.kind != StepKind::kUpdate || !Joined(step, users)) continue;
      for (const auto& [output, down] : users) {
        text += Updated(step.update, OfOutput(step.update.name, output),
                        row_best_ + "_" + step.update.name);
      }
    }
    return text;
  }

  bool Joined(const WindowStep& step, const std::vector<std::pair<int, int64_t>>& users) const {
    return users.size() > 1 && JoinsRow(step);
  }

  std::string Take(const WindowStep& step, const std::vector<std::pair<int, int64_t>>& users,
                   int64_t row, int64_t across) const {
    std::string text;
    Names shared = {{plan_.down.variable, Numeral(row)}};
    SetAcross(across, &shared);
    for (Node node : step.update.term.Subtree()) {
      const auto found = plan_.loads.find(node.index());
      if (found == plan_.loads.end() || found->second != StepKind::kShared) continue;
      text += Line(loaded_ + Number(found->first) + " = " + RenamedText(node, shared));
    }
    if (Joined(step, users)) {
      const std::string name = row_best_ + "_" + step.update.name;
      const std::string term = Term(step.update.term, shared, 0, across);
      const bool first = across == AcrossPlaces()[0];
      return text + (first ? Line(name + " = " + term) : Updated(step.update, name, term));
    }
    for (const auto& [output, down] : users) {
      text += Updated(step.update, OfOutput(step.update.name, output),
                      Term(step.update.term, Own(down, across), down, across));
    }
    return text;
  }

  // The statements behind the window for one output.
  std::string Output(int output) const {
    Names names = Accumulators(output);
    const std::string row = made_ + "_" + plan_.row, at = made_ + "_" + plan_.at;
    names[plan_.row] = row;
    names[plan_.at] = at;
    std::string text = Line(row + " = " + plan_.row + " + " + std::to_string(output));
    text += Line(at + " = " + row + " * " + plan_.width + " + " + plan_.column);
    for (const std::vector<Node>* list : {&plan_.each, &plan_.after}) {
      for (Node node : *list) text += Line(RenamedText(node, names));
    }
    return text;
  }

  std::optional<std::string> WithGrid(const std::string& source) const {
    const size_t launch = kernel_.launches[0];
    std::vector<std::string> grid;
    for (const auto& extent : context_.launches()[launch]->grid) grid.push_back(extent.text);
    const std::string& width = plan_.plan_width;
    grid[static_cast<size_t>(plan_.axis)] = "ceil_div(ceil_div((" + plan_.plan_count + ")/" +
                                            width + ", " + std::to_string(outputs_) + ")*" + width +
                                            ", " + plan_.block + ")";
    return WithLaunchOption(source, launch, "grid", "(" + Join(grid, ", ") + ")");
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const StripPlan& plan_;
  const int outputs_;
  const std::string loaded_, weight_, row_best_, made_;
};

class TritonStripsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_strips"; }
  std::string_view summary() const override {
    return "Neighbouring outputs of a stencil or a pooling read mostly the same elements, and a "
           "program with one output a lane loads each of them once a place of the window. Let a "
           "lane make several outputs along the slower axis: a row is loaded once for all of them, "
           "and extrema of a row are joined before they are given out.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const auto plan = PlanStrips(context, kernel);
      if (!plan) continue;
      double gain = 2.2;
      for (const int outputs : {8, 4, 16, 2}) {
        auto source = StripWriter(context, kernel, *plan, outputs).Write();
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Make " + std::to_string(outputs) + " outputs of " + kernel.name +
                             " a lane, rows loaded once.",
                         EditKind::kStrategy, gain});
        gain *= 0.9;
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonStripsSkill() {
  return std::make_unique<TritonStripsSkill>();
}

}  // namespace ks

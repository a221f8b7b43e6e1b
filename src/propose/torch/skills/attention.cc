// Two batched products with a softmax between them as one kernel: the scores stay on the chip.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "propose/device/triton_parts.h"
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

using NameSetOf = std::set<std::string>;

// What the kernel takes: columns of the tile that is tried first, widths of a row of the values.
constexpr int64_t kColumnsOfTile = 64, kNarrowest = 16, kWidest = 256;

// The row kernel: scores in, softmax of some function of them out, in place.
struct SoftmaxRows {
  std::string row, score, weight;  // statements that hold for a row, make z, make the weight of z
  std::string z;                   // what the largest of a row is taken of
  std::string factor;              // of z minus the largest, under exp; empty: 1
};

bool UsesAny(Node node, const NameSetOf& names) {
  for (Node part : node.Subtree()) {
    if (part.Is("identifier") && names.count(std::string(part.text())) > 0) return true;
  }
  return false;
}

// t for "tl.broadcast_to(t, [XBLOCK, R0_BLOCK])" and for a plain name.
std::optional<std::string> SameAs(Node value) {
  if (value.Is("identifier")) return std::string(value.text());
  if (!value.Is("call") || value.Child("function").text() != "tl.broadcast_to") return std::nullopt;
  const std::vector<Node> arguments = PositionalArguments(value);
  if (arguments.size() != 2 || arguments[1].text() != "[XBLOCK, R0_BLOCK]") return std::nullopt;
  return std::string(arguments[0].text());
}

// t for "FUNCTION(t, 1)[:, None]", with or without ".to(tl.float32)".
std::optional<std::string> Reduced(Node value, std::string_view function) {
  if (value.Is("call") && value.Child("function").text().ends_with(".to")) {
    value = value.Child("function").Child("object");
  }
  if (!value.Is("subscript") || !value.text().ends_with("[:, None]")) return std::nullopt;
  const Node call = value.Child("value");
  if (!call.Is("call") || call.Child("function").text() != function) return std::nullopt;
  const std::vector<Node> arguments = PositionalArguments(call);
  const size_t all = call.Child("arguments").NamedChildren().size();
  if (all != 2 || arguments.size() != 2 || arguments[1].text() != "1") return std::nullopt;
  return std::string(arguments[0].text());
}

// Whether every call below is of a function that takes its arguments element by element.
bool IsElementwise(Node value) {
  static const NameSetOf kFunctions = {
      "tl.load",     "tl.where",    "tl.maximum",   "tl.minimum", "tl.exp",     "tl.exp2",
      "tl.log",      "tl.log2",     "tl.sqrt",      "tl.sqrt_rn", "tl.rsqrt",   "tl.abs",
      "tl.full",     "tl.cast",     "tl.sin",       "tl.cos",     "tl.sigmoid", "tl.erf",
      "tl.fma",      "tl.floor",    "tl.ceil",      "tl.clamp",   "tl.div_rn",  "float",
      "tl.math.exp", "tl.math.log", "tl.math.rsqrt"};
  for (Node part : value.Subtree()) {
    if (!part.Is("call")) continue;
    const Node function = part.Child("function");
    const bool casts = function.Is("attribute") && function.Child("attribute").text() == "to";
    if (HasSplat(part)) return false;
    const bool library = function.text().starts_with("libdevice.");
    if (!casts && !library && kFunctions.count(std::string(function.text())) == 0) return false;
  }
  return true;
}

// left OP right, of names.
std::optional<std::pair<std::string, std::string>> Binary(Node value, std::string_view op) {
  if (!value.Is("binary_operator") || value.Child("operator").text() != op) return std::nullopt;
  if (!value.Child("left").Is("identifier") || !value.Child("right").Is("identifier")) {
    return std::nullopt;
  }
  return std::pair(std::string(value.Child("left").text()),
                   std::string(value.Child("right").text()));
}

// Goes through a row kernel once; says no to everything that is not a softmax.
class SoftmaxReader {
 public:
  // `columns`: of the scores, which are dense: a row of the kernel is one of theirs.
  SoftmaxReader(const ModuleKernel& kernel, std::string scores, std::string columns)
      : kernel_(kernel), scores_(std::move(scores)), columns_(std::move(columns)) {}

  std::optional<SoftmaxRows> Read() {
    for (Node statement : kernel_.body.NamedChildren()) {
      const Node inner = InnerStatement(statement);
      if (done_ || !(inner.Is("assignment") ? Assignment(inner) : Store(inner))) {
        return std::nullopt;
      }
    }
    if (!done_) return std::nullopt;
    return rows_;
  }

 private:
  bool Assignment(Node node) {
    const std::string name(node.Child("left").text());
    const Node value = node.Child("right");
    if (!node.Child("left").Is("identifier") || !value) return false;
    if (name.ends_with("numel") || name == "r0_offset") return true;
    static const std::map<std::string, std::string> kFrame = {
        {"xoffset", "tl.program_id(0) * XBLOCK"},
        {"xindex", "xoffset + tl.arange(0, XBLOCK)[:, None]"},
        {"r0_index", "tl.arange(0, R0_BLOCK)[None, :]"}};
    if (const auto frame = kFrame.find(name); frame != kFrame.end()) {
      return value.text() == frame->second;
    }
    if (name == "R0_BLOCK") return value.text() == columns_;
    if (!assigned_.insert(name).second) return false;
    if (value.text() == "xindex") rows_of_.insert(name);
    if (value.text() == "r0_index") columns_of_.insert(name);
    if (const auto same = SameAs(value)) same_[name] = Root(*same);
    if (const auto of = Reduced(value, "helper_max2")) {
      if (!best_.empty()) return false;
      best_ = name;
      rows_.z = Root(*of);
      return wide_.count(rows_.z) > 0;
    }
    if (const auto of = Reduced(value, "tl.sum")) {
      if (!total_.empty() || weights_.count(Root(*of)) == 0) return false;
      total_ = name;
      return true;
    }
    if (!best_.empty() && (UsesAny(value, {best_, total_}) || UsesAny(value, tail_))) {
      return Tail(name, value);
    }
    return Plain(name, value, node);
  }

  // scores + (column + COLUMNS * row), of all rows and columns.
  bool IsDenseLoad(Node load) const {
    const std::vector<Node> arguments = PositionalArguments(load);
    if (arguments.size() != 1 || KeywordArgument(load, "mask")) return false;
    const Node address = arguments[0];
    if (!address.Is("binary_operator") || address.Child("operator").text() != "+" ||
        address.Child("left").text() != scores_) {
      return false;
    }
    Node index = address.Child("right");
    while (index.Is("parenthesized_expression")) index = index.NamedChildren()[0];
    if (!index.Is("binary_operator") || index.Child("operator").text() != "+") return false;
    const std::string column(index.Child("left").text());
    const Node row = index.Child("right");
    return columns_of_.count(column) > 0 && row.Is("binary_operator") &&
           row.Child("operator").text() == "*" && row.Child("left").text() == columns_ &&
           rows_of_.count(std::string(row.Child("right").text())) > 0;
  }

  // A statement of one element or one row.
  bool Plain(const std::string& name, Node value, Node statement) {
    for (Node load : CallsOf(value, "tl.load")) {
      const bool of_scores = UsesOf(load, scores_) > 0;
      if (!of_scores) continue;
      if (load != value || !index_.empty() || !IsDenseLoad(load)) return false;
      index_ = std::string(PositionalArguments(load)[0].text());
      rows_.score += "        " + name + " = score\n";
      wide_.insert(name);
      return true;
    }
    if (UsesAny(value, {"XBLOCK", "R0_BLOCK", "xmask", "r0_mask", "xoffset"}) && !SameAs(value)) {
      return false;
    }
    if (!SameAs(value) && !IsElementwise(value)) return false;
    NameSetOf varies = wide_;
    varies.insert("r0_index");
    const bool is_wide = UsesAny(value, varies);
    const std::string text =
        SameAs(value) ? name + " = " + *SameAs(value) : std::string(statement.text());
    if (is_wide) {
      wide_.insert(name);
      rows_.score += "        " + text + "\n";
    } else {
      rows_.row += "    " + text + "\n";
    }
    return true;
  }

  // From the largest of the row to the weights: z - best, times what a row has, exp, divided.
  bool Tail(const std::string& name, Node value) {
    tail_.insert(name);
    if (const auto same = SameAs(value)) {
      if (weights_.count(Root(*same)) > 0) weights_.insert(name);
      return weights_.count(name) > 0;
    }
    if (const auto minus = Binary(value, "-")) {
      if (Root(minus->first) != rows_.z || minus->second != best_) return false;
      exponents_[name] = "";
      return true;
    }
    if (const auto times = Binary(value, "*")) {
      const auto found = exponents_.find(times->first);
      if (found == exponents_.end() || !found->second.empty()) return false;
      if (wide_.count(times->second) > 0 || tail_.count(times->second) > 0) return false;
      exponents_[name] = times->second;
      return true;
    }
    if (value.Is("call") && value.Child("function").text() == "tl.exp") {
      const auto found = exponents_.find(std::string(PositionalArguments(value)[0].text()));
      if (found == exponents_.end()) return false;
      if (!weights_.empty() && found->second != rows_.factor) return false;
      rows_.factor = found->second;
      weights_.insert(name);
      return true;
    }
    if (const auto over = Binary(value, "/")) {
      result_ = name;
      return weights_.count(over->first) > 0 && over->second == total_ && !total_.empty();
    }
    return false;
  }

  bool Store(Node call) {
    if (!call.Is("call") || call.Child("function").text() != "tl.store") return false;
    const std::vector<Node> arguments = PositionalArguments(call);
    done_ = arguments.size() == 2 && !result_.empty() && arguments[0].text() == index_ &&
            arguments[1].text() == result_ && !KeywordArgument(call, "mask");
    return done_;
  }

  std::string Root(const std::string& name) const {
    const auto found = same_.find(name);
    return found == same_.end() ? name : found->second;
  }

  const ModuleKernel& kernel_;
  const std::string scores_, columns_;
  NameSetOf assigned_, rows_of_ = {"xindex"}, columns_of_ = {"r0_index"};
  SoftmaxRows rows_;
  std::map<std::string, std::string> same_, exponents_;
  NameSetOf wide_, tail_, weights_;
  std::string best_, total_, result_, index_;
  bool done_ = false;
};

// Two factors, and nothing else but where the product goes.
bool PlainProduct(const ForwardStatement& statement) {
  return PositionalArguments(statement.value).size() == 2 && !HasSplat(statement.value) &&
         statement.value.Child("arguments").NamedChildren().size() == 3;
}

bool IsBatchedProduct(const ForwardStatement& statement) {
  return statement.understood && statement.fills.size() == 1 && !statement.launch &&
         statement.value.Child("function").text() == "torch.bmm";
}

// Extents of a dense buffer of f32 that `statement` makes; empty: it makes none.
std::vector<std::string> ExtentsMadeBy(const ForwardStatement& statement) {
  std::vector<std::string> extents;
  if (!statement.value.Is("call") || statement.value.Child("function").text() != "torch.empty") {
    return extents;
  }
  const Node dtype = KeywordArgument(statement.value, "dtype");
  const std::vector<Node> arguments = PositionalArguments(statement.value);
  if ((dtype && dtype.text() != "torch.float32") || arguments.size() != 1 ||
      !arguments[0].Is("tuple") || KeywordArgument(statement.value, "memory_format")) {
    return extents;
  }
  for (Node extent : arguments[0].NamedChildren()) extents.emplace_back(extent.text());
  return extents;
}

// Extents of `node` where it is the buffer `root`, of these extents, or a .view of all of it;
// empty: it may have another order, or be a part.
std::vector<std::string> WholeExtents(const ModuleContext& module, Node node,
                                      const std::string& root,
                                      const std::vector<std::string>& extents) {
  if (node.Is("identifier")) {
    if (node.text() == root) return extents;
    Node value;
    for (const ForwardStatement& statement : module.forward()) {
      if (statement.target != node.text()) continue;
      if (value) return {};
      value = statement.value;
    }
    return value ? WholeExtents(module, value, root, extents) : std::vector<std::string>();
  }
  if (!node.Is("call") || HasSplat(node)) return {};
  const Node function = node.Child("function");
  if (!function.Is("attribute") || function.Child("attribute").text() != "view") return {};
  if (WholeExtents(module, function.Child("object"), root, extents).empty()) return {};
  std::vector<Node> given = node.Child("arguments").NamedChildren();
  if (given.size() == 1 && given[0].Is("tuple")) given = given[0].NamedChildren();
  std::vector<std::string> out;
  for (Node extent : given) {
    if (extent.Is("attribute")) return {};  // a type: the bits of another
    out.emplace_back(extent.text());
  }
  return out;
}

struct AttentionPlace {
  size_t scores = 0, rows = 0, values = 0;  // statements
  NameSetOf gone;                           // names of the scores
  AttentionParts parts;
  std::string given;
  size_t out_made = 0;
};

// Whether `name` has its content when statement `at` runs, and keeps it until `end`.
bool ReadyBefore(const ModuleContext& module, const std::string& name, size_t at, size_t end) {
  const std::vector<std::string>& inputs = module.arguments();
  bool made = std::find(inputs.begin(), inputs.end(), name) != inputs.end();
  for (size_t i = 0; i < end; ++i) {
    const ForwardStatement& statement = module.forward()[i];
    if (i < at) made = made || statement.target == name;
    if (i < at) continue;
    if (statement.target == name) return false;
    for (const std::string& filled : statement.fills) {
      if (module.RootOf(filled) == module.RootOf(name)) return false;
    }
  }
  return made;
}

// The statements that touch the scores `root`: views, drops, one launch of rows, then one product.
// Returns the launch.
std::optional<size_t> LaunchBetween(const ModuleContext& module, const std::string& root,
                                    AttentionPlace* place) {
  const std::vector<ForwardStatement>& forward = module.forward();
  std::optional<size_t> launch;
  for (size_t i = 0; i < forward.size(); ++i) {
    const ForwardStatement& statement = forward[i];
    bool touches = statement.target == root;
    for (const std::string& name : statement.reads) {
      touches = touches || module.RootOf(name) == root;
    }
    if (i > place->scores && place->values == 0 && !statement.understood) return std::nullopt;
    if (!touches || i == place->scores) continue;
    const bool is_view = !statement.target.empty() && module.RootOf(statement.target) == root;
    if (is_view || !statement.drops.empty()) {
      if (is_view) place->gone.insert(statement.target);
    } else if (statement.launch && !launch && i > place->scores) {
      launch = statement.launch;
      place->rows = i;
    } else if (IsBatchedProduct(statement) && launch && place->values == 0) {
      place->values = i;
    } else {
      return std::nullopt;
    }
  }
  return place->values == 0 ? std::nullopt : launch;
}

// The three extents of the scores as written: batches, rows, columns in whole tiles. Empty: others.
std::vector<std::string> ExtentsOfScores(const ModuleContext& module, const std::string& root,
                                         size_t scores) {
  const auto begin = module.forward().begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(scores);
  const auto made = std::find_if(
      begin, end, [&](const ForwardStatement& statement) { return statement.target == root; });
  if (made == end) return {};
  std::vector<std::string> extents = ExtentsMadeBy(*made);
  std::vector<int64_t> sizes;
  for (const std::string& extent : extents) sizes.push_back(ParseInt(extent).value_or(0));
  const bool fits = sizes.size() == 3 && sizes[0] * sizes[1] > 0 && sizes[2] > 0 &&
                    sizes[2] % kColumnsOfTile == 0;
  return fits ? extents : std::vector<std::string>();
}

// Reads what the launch of rows is given: the scores as a whole, changed in place, and inputs that
// are ready before them. Returns the pointer of the scores; empty: it is not understood.
std::string ReadRowArguments(const ModuleContext& module, const ModuleLaunch& launch,
                             const std::string& root, const std::vector<std::string>& extents,
                             AttentionPlace* place) {
  const ModuleKernel& kernel = module.kernels()[launch.kernel];
  if (kernel.parameters.size() != kernel.pointers.size() + 1) return "";
  const std::vector<Node> arguments = PositionalArguments(launch.call);
  std::string pointer;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::vector<std::string> names = LocalNames(arguments[i]);
    if (names.size() == 1 && module.RootOf(names[0]) == root) {
      if (kernel.pointers[i] != "in_out_ptr0") return "";
      if (WholeExtents(module, arguments[i], root, extents).empty()) return "";
      pointer = kernel.pointers[i];
      continue;
    }
    if (!kernel.pointers[i].starts_with("in_ptr")) return "";
    for (const std::string& name : names) {
      if (!ReadyBefore(module, name, place->scores, place->values)) return "";
    }
    place->parts.more += "    " + kernel.pointers[i] + ",\n";
    place->given += std::string(arguments[i].text()) + ", ";
  }
  return pointer;
}

// Whether the output of the second product is made between the products, has a width that the
// kernel can hold, and is looked at by nobody before it is complete.
bool MakesOutput(const ModuleContext& module, const std::vector<std::string>& extents,
                 AttentionPlace* place) {
  const std::vector<ForwardStatement>& forward = module.forward();
  const std::string& out = forward[place->values].fills[0];
  bool made = false;
  for (size_t i = 0; i < place->values; ++i) {
    if (forward[i].target != out) continue;
    const std::vector<std::string> given = ExtentsMadeBy(forward[i]);
    const int64_t wide = given.size() == 3 ? ParseInt(given[2]).value_or(0) : 0;
    const bool power = wide >= kNarrowest && wide <= kWidest && (wide & (wide - 1)) == 0;
    made = i > place->scores && given.size() == 3 && power && given[0] == extents[0] &&
           given[1] == extents[1];
    place->out_made = i;
  }
  for (size_t i = place->scores; i < place->values; ++i) {
    for (const std::string& name : forward[i].reads) made = made && module.RootOf(name) != out;
  }
  return made;
}

// One program of the grid for some rows of all.
bool SpreadsOverRows(const ModuleLaunch& launch, const std::vector<std::string>& extents) {
  const int64_t all = ParseInt(extents[0]).value_or(0) * ParseInt(extents[1]).value_or(0);
  const std::vector<Node> spread = CallsOf(launch.grid, "triton.cdiv");
  return spread.size() == 1 && PositionalArguments(spread[0]).size() == 2 &&
         PositionalArguments(spread[0])[0].text() == std::to_string(all);
}

std::optional<AttentionPlace> AttentionAt(const ModuleContext& module, size_t scores) {
  const std::vector<ForwardStatement>& forward = module.forward();
  AttentionPlace place;
  place.scores = scores;
  const std::string root = module.RootOf(forward[scores].fills[0]);
  const std::optional<size_t> launch = LaunchBetween(module, root, &place);
  if (!launch) return std::nullopt;
  const std::vector<std::string> extents = ExtentsOfScores(module, root, scores);
  if (extents.empty()) return std::nullopt;
  if (!PlainProduct(forward[scores]) || !PlainProduct(forward[place.values])) return std::nullopt;
  const Node scores_out = KeywordArgument(forward[scores].value, "out");
  if (WholeExtents(module, scores_out, root, extents) != extents) return std::nullopt;
  const ModuleLaunch& row_launch = module.launches()[*launch];
  const ModuleKernel& kernel = module.kernels()[row_launch.kernel];
  const std::string pointer = ReadRowArguments(module, row_launch, root, extents, &place);
  if (pointer.empty() || !SpreadsOverRows(row_launch, extents)) return std::nullopt;
  const auto rows = SoftmaxReader(kernel, pointer, extents[2]).Read();
  if (!rows) return std::nullopt;
  const std::vector<Node> second = PositionalArguments(forward[place.values].value);
  if (WholeExtents(module, second[0], root, extents) != extents) return std::nullopt;
  if (ReadsSelf(second[0])) return std::nullopt;
  for (const std::string& name : LocalNames(second[1])) {
    if (!ReadyBefore(module, name, scores, place.values)) return std::nullopt;
  }
  if (!MakesOutput(module, extents, &place)) return std::nullopt;
  const std::string times = rows->factor.empty() ? "" : " * " + rows->factor;
  place.parts.name = module.FreshName("attention_" + kernel.name);
  place.parts.row = rows->row;
  place.parts.score = rows->score;
  place.parts.z = rows->z;
  place.parts.weight = "        weight = tl.exp((" + rows->z + " - finite)" + times + ")\n";
  place.parts.kept = "(best - finite)" + times;
  return place;
}

std::string WithAttention(const ModuleContext& module, const AttentionPlace& place) {
  const std::vector<ForwardStatement>& forward = module.forward();
  const std::vector<Node> first = PositionalArguments(forward[place.scores].value);
  const std::vector<Node> second = PositionalArguments(forward[place.values].value);
  TextEdits edits(module.source());
  std::string functions = AttentionKernelWith(place.parts);
  if (FindBrought(module, "attention", AttentionText()) == Brought::kMissing) {
    functions += std::string(AttentionText());
  }
  AddFunctions(module, functions, edits);
  const std::string root = module.RootOf(forward[place.scores].fills[0]);
  std::string call = "attention(" + std::string(first[0].text()) + ", " +
                     std::string(first[1].text()) + ", " + std::string(second[1].text()) +
                     ", out=" + forward[place.values].fills[0] + ", kernel=" + place.parts.name;
  if (!place.given.empty()) {
    call += ", more=(" + place.given.substr(0, place.given.size() - 1) + ")";
  }
  for (size_t i = 0; i < forward.size(); ++i) {
    const auto [begin, end] = module.LinesOf(forward[i].node);
    bool drops = false;
    for (const std::string& name : forward[i].drops) drops = drops || module.RootOf(name) == root;
    if (i == place.scores) {
      const auto [from, to] = module.LinesOf(forward[place.out_made].node);
      const size_t column =
          forward[i].node.begin() - (module.source().rfind('\n', forward[i].node.begin()) + 1);
      edits.Replace(
          begin, end,
          module.source().substr(from, to - from) + std::string(column, ' ') + call + ")\n");
    } else if (i == place.out_made || i == place.rows || i == place.values || drops ||
               forward[i].target == root || place.gone.count(forward[i].target) > 0) {
      edits.Replace(begin, end, "");
    }
  }
  return edits.Apply();
}

class AttentionSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_attention"; }
  std::string_view summary() const override {
    return "Scores, softmax and weighted sum as one kernel: the scores never reach memory. For two "
           "batched products with a kernel between them that is a softmax of a function of the "
           "score, its row and its column.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    std::vector<Edit> edits;
    const Brought brought = FindBrought(module, "attention", AttentionText());
    if (brought == Brought::kTaken) return edits;
    for (size_t i = 0; i < module.forward().size() && !module.Rebinds(); ++i) {
      if (!IsBatchedProduct(module.forward()[i])) continue;
      if (const auto place = AttentionAt(module, i)) {
        edits.push_back({WithAttention(module, *place), "Scores, softmax and sum in one kernel.",
                         EditKind::kStrategy, 2.5});
      }
    }
    static constexpr const char* kTiles[] = {"(128, 64, 8, 2)", "(64, 32, 4, 2)", "(128, 32, 4, 2)",
                                             "(32, 64, 4, 2)", "(64, 64, 4, 1)"};
    for (const ForwardStatement& statement : module.forward()) {
      if (brought != Brought::kThere) break;
      for (Node call : CallsOf(statement.node, "attention")) {
        for (const char* tiles : kTiles) {
          TextEdits text(module.source());
          SetKeyword(call, "tiles", tiles, text);
          edits.push_back({text.Apply(),
                           std::string("Attention with tiles, warps and stages ") + tiles + ".",
                           EditKind::kTuning, 1.15});
        }
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewAttentionSkill() { return std::make_unique<AttentionSkill>(); }

}  // namespace ks

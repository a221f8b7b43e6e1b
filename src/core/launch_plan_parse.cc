#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "base/text.h"
#include "core/launch_plan_text.h"

namespace ks {
namespace {

constexpr size_t kMaxConstants = 64;
constexpr size_t kMaxScratch = 16;
constexpr size_t kMaxSteps = 64;
constexpr size_t kMaxArguments = 128;
constexpr size_t kMaxShape = 8;
constexpr size_t kMaxTextBytes = 512;  // of one expression or kernel name

const std::vector<std::string> kDirectives = {"const", "scratch",  "clear", "launch",
                                              "and",   "compiler", "flags"};
const std::vector<std::string> kCOptions = {"grid", "block",   "shared",
                                            "args", "cluster", "cooperative"};
const std::vector<std::string> kPythonOptions = {"grid", "args", "num_warps", "num_stages",
                                                 "maxnreg"};

bool IsWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsWord(char c) { return IsWordStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Reads directives one after the other. Functions return false after Fail.
class PlanParser {
 public:
  explicit PlanParser(std::string_view source) : source_(source) {}

  std::variant<LaunchPlan, Diagnostic> Run() {
    while (at_ < source_.size()) {
      if (!Line()) return diagnostic_;
    }
    if (!FinishLaunch()) return diagnostic_;
    const auto is_launch = [](const PlanStep& step) {
      return std::holds_alternative<PlanLaunch>(step);
    };
    if (std::none_of(plan_.steps.begin(), plan_.steps.end(), is_launch)) {
      return PlanError(source_, 0, 0,
                       "no launch directive; expected a line like '// ksmith: launch KERNEL "
                       "grid=(ceil_div(n, 256)) block=(256)' ('#' and no block in Python)");
    }
    return std::move(plan_);
  }

 private:
  // One line of the source, or a directive with its continuations.
  bool Line() {
    SkipBlanks();
    const size_t marker = at_;
    bool ok = true;
    if (TakeMarker()) {
      python_ = source_[marker] == '#';
      SkipBlanks();
      if (source_.substr(at_).starts_with("ksmith:")) {
        at_ += 7;
        ok = Directive(marker);
      }
    }
    if (!ok) return false;
    at_ = std::min(source_.find('\n', at_), source_.size());
    NextLine();
    return true;
  }

  bool Directive(size_t marker) {
    SkipBlanks();
    const size_t start = at_;
    const std::string word(TakeWord());
    if (word == "compiler" || word == "flags") return true;
    if (std::find(kDirectives.begin(), kDirectives.end(), word) == kDirectives.end()) {
      return FailUnknown(start, "directive", word, kDirectives);
    }
    const PlanDialect dialect = python_ ? PlanDialect::kPython : PlanDialect::kC;
    if (any_ && plan_.dialect != dialect) {
      return FailAt(marker, "expected the same comment marker as in the directives before");
    }
    any_ = true;
    plan_.dialect = dialect;
    if (word == "and") return MoreOptions(start);
    if (!FinishLaunch()) return false;
    if (word == "const") return Constant(marker);
    if (word == "scratch") return Scratch(marker);
    if (plan_.steps.size() >= kMaxSteps) {
      return FailAt(start, fmt::format("more than {} steps", kMaxSteps));
    }
    return word == "clear" ? Clear(marker) : Launch(marker);
  }

  bool Constant(size_t marker) {
    PlanConstant constant;
    PlanText name;
    if (!Name("a name for the constant", &name)) return false;
    if (plan_.constants.size() >= kMaxConstants) {
      return FailAt(name.offset, fmt::format("more than {} constants", kMaxConstants));
    }
    constant.name = name.text;
    SkipBlanks();
    if (!Take('=')) return Fail("expected '=' and a value");
    SkipBlanks();
    if (!Text(TextEnd::kLine, &constant.value)) return false;
    constant.directive = {marker, constant.value.span().end};
    plan_.constants.push_back(std::move(constant));
    return EndOfDirective();
  }

  bool Scratch(size_t marker) {
    PlanScratch scratch;
    if (!Name("a name for the scratch buffer", &scratch.name)) return false;
    if (plan_.scratch.size() >= kMaxScratch) {
      return FailAt(scratch.name.offset, fmt::format("more than {} scratch buffers", kMaxScratch));
    }
    SkipBlanks();
    const size_t type_at = at_;
    const std::optional<DType> dtype = ParseDType(TakeWord());
    if (!dtype)
      return FailAt(type_at, "expected an element type: f32, f64, f16, bf16, i32, i64 or u8");
    scratch.dtype = *dtype;
    SkipBlanks();
    if (!Take('[')) return Fail("expected '[' and a shape, like [rows, 64]");
    if (!List(']', kMaxShape, &scratch.shape)) return false;
    scratch.directive = {marker, at_};
    plan_.scratch.push_back(std::move(scratch));
    return EndOfDirective();
  }

  bool Clear(size_t marker) {
    PlanClear clear;
    if (!Name("the name of a scratch or output buffer", &clear.name)) return false;
    clear.directive = {marker, at_};
    plan_.steps.emplace_back(std::move(clear));
    return EndOfDirective();
  }

  bool Launch(size_t marker) {
    PlanLaunch launch;
    if (!Kernel(&launch.kernel)) return false;
    launch.directive = {marker, at_};
    if (!Options(&launch)) return false;
    plan_.steps.emplace_back(std::move(launch));
    return true;
  }

  bool MoreOptions(size_t start) {
    auto* const launch =
        plan_.steps.empty() ? nullptr : std::get_if<PlanLaunch>(&plan_.steps.back());
    if (launch == nullptr || !launch_open_ || options_line_ + 1 != line_) {
      return FailAt(start, "'and' goes on with a launch directive of the line before");
    }
    return Options(launch);
  }

  bool Options(PlanLaunch* launch) {
    for (SkipBlanks(); !AtLineEnd(); SkipBlanks()) {
      if (!Option(launch)) return false;
    }
    launch_open_ = true;
    options_line_ = line_;
    launch->directive.end =
        launch->options.empty() ? launch->directive.end : launch->options.back().span.end;
    return true;
  }

  // What only the end of a launch directive shows.
  bool FinishLaunch() {
    if (!std::exchange(launch_open_, false)) return true;
    const auto& launch = std::get<PlanLaunch>(plan_.steps.back());
    const bool needs_block = plan_.dialect == PlanDialect::kC && launch.block.empty();
    if (!launch.grid.empty() && !needs_block) return true;
    diagnostic_ = PlanErrorAt(
        source_, launch.kernel, 0,
        launch.grid.empty() ? "this launch needs grid=(...)" : "this launch needs block=(...)");
    return false;
  }

  bool Option(PlanLaunch* launch) {
    const size_t start = at_;
    const std::string name(TakeWord());
    const std::vector<std::string>& known = python_ ? kPythonOptions : kCOptions;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return FailUnknown(start, "option", name, known);
    }
    for (const PlanOption& option : launch->options) {
      if (option.name == name) return FailAt(start, fmt::format("'{}' is given twice", name));
    }
    if (name == "cooperative") {
      launch->cooperative = true;
    } else {
      SkipBlanks();
      if (!Take('=')) return Fail(fmt::format("expected '=' after '{}'", name));
      SkipBlanks();
      if (!OptionValue(name, launch)) return false;
    }
    launch->options.push_back({name, {start, at_}});
    return true;
  }

  bool OptionValue(const std::string& name, PlanLaunch* launch) {
    if (name == "grid") return Parenthesised(3, &launch->grid);
    if (name == "block") return Parenthesised(3, &launch->block);
    if (name == "args") {
      launch->args_given = true;
      return Parenthesised(kMaxArguments, &launch->args);
    }
    PlanText* const value = name == "shared"       ? &launch->shared
                            : name == "cluster"    ? &launch->cluster
                            : name == "num_warps"  ? &launch->num_warps
                            : name == "num_stages" ? &launch->num_stages
                                                   : &launch->maxnreg;
    return Text(TextEnd::kBlank, value);
  }

  // "(a, b)"; only args may be empty.
  bool Parenthesised(size_t most, std::vector<PlanText>* items) {
    if (!Take('(')) return Fail("expected '('");
    SkipBlanks();
    if (most == kMaxArguments && Take(')')) return true;
    return List(')', most, items);
  }

  // Expressions up to `close`, which is taken; at least one.
  bool List(char close, size_t most, std::vector<PlanText>* items) {
    while (true) {
      SkipBlanks();
      PlanText item;
      const size_t start = at_;
      if (!Text(TextEnd::kList, &item)) return false;
      if (items->size() >= most) return FailAt(start, fmt::format("more than {} items", most));
      items->push_back(std::move(item));
      SkipBlanks();
      if (Take(close)) return true;
      if (!Take(',')) return Fail(fmt::format("expected ',' or '{}'", close));
    }
  }

  // A name, with namespaces and template arguments: "kernel", "ns::kernel<float, 4>".
  bool Kernel(PlanText* kernel) {
    SkipBlanks();
    const size_t start = at_;
    while (IsWordStart(Peek())) {
      while (IsWord(Peek())) ++at_;
      if (!source_.substr(at_).starts_with("::")) break;
      at_ += 2;
    }
    if (at_ == start || source_[at_ - 1] == ':') return Fail("expected the name of a kernel");
    if (Peek() == '<' && !TemplateArguments()) return false;
    return Finish(start, kernel);
  }

  bool TemplateArguments() {
    if (python_) return Fail("expected an option");
    int angles = 0;
    int parentheses = 0;
    do {
      const char c = Peek();
      if (c == '\0' || c == '\n') return Fail("expected '>' after the template arguments");
      if (c == '(') ++parentheses;
      if (c == ')') --parentheses;
      if (c == '<' && parentheses == 0) ++angles;
      if (c == '>' && parentheses == 0) --angles;
      ++at_;
    } while (angles > 0);
    return true;
  }

  // Where an expression ends outside of its own parentheses.
  enum class TextEnd { kLine, kBlank, kList };

  bool Text(TextEnd end, PlanText* text) {
    const size_t start = at_;
    int depth = 0;
    while (true) {
      const char c = Peek();
      if (c == '\0' || c == '\n') break;
      if (depth == 0 && end == TextEnd::kBlank && IsBlank(c)) break;
      if (depth == 0 && end == TextEnd::kList && (c == ',' || c == ')' || c == ']')) break;
      if (c == '(') ++depth;
      if (c == ')' && --depth < 0) return Fail("')' without '('");
      ++at_;
    }
    if (depth > 0) return Fail("expected ')'");
    while (at_ > start && IsBlank(source_[at_ - 1])) --at_;
    if (at_ == start) return Fail("expected an expression");
    return Finish(start, text);
  }

  bool Name(std::string_view what, PlanText* name) {
    SkipBlanks();
    const size_t start = at_;
    if (TakeWord().empty()) return Fail(fmt::format("expected {}", what));
    return Finish(start, name);
  }

  // The bytes from `start` to here.
  bool Finish(size_t start, PlanText* text) {
    text->text = std::string(source_.substr(start, at_ - start));
    text->offset = start;
    text->line = line_;
    text->column = ColumnOf(start);
    if (text->text.size() <= kMaxTextBytes) return true;
    return FailAt(start, fmt::format("longer than {} bytes", kMaxTextBytes));
  }

  bool EndOfDirective() {
    SkipBlanks();
    return AtLineEnd() || Fail("expected the end of the line");
  }

  bool TakeMarker() {
    if (Peek() == '#') {
      ++at_;
      return true;
    }
    if (!source_.substr(at_).starts_with("//")) return false;
    at_ += 2;
    return true;
  }

  std::string_view TakeWord() {
    const size_t start = at_;
    if (IsWordStart(Peek())) {
      while (IsWord(Peek())) ++at_;
    }
    return source_.substr(start, at_ - start);
  }

  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  void SkipBlanks() {
    while (IsBlank(Peek())) ++at_;
  }

  void NextLine() {
    if (at_ >= source_.size()) return;
    ++at_;
    ++line_;
    line_begin_ = at_;
  }

  char Peek() const { return at_ < source_.size() ? source_[at_] : '\0'; }
  bool AtLineEnd() const { return at_ >= source_.size() || source_[at_] == '\n'; }
  int ColumnOf(size_t offset) const { return static_cast<int>(offset - line_begin_) + 1; }

  bool Fail(std::string_view what) { return FailAt(at_, what); }
  bool FailAt(size_t offset, std::string_view what) {
    offset = std::max(offset, line_begin_);
    diagnostic_ = PlanError(source_, line_, ColumnOf(offset), what);
    return false;
  }
  bool FailUnknown(size_t offset, std::string_view kind, const std::string& name,
                   const std::vector<std::string>& known) {
    const std::string near = name.empty() ? "" : NearestName(name, known);
    const std::string all = Join(known, ", ");
    if (name.empty()) return FailAt(offset, fmt::format("expected one of: {}", all));
    if (near.empty()) {
      return FailAt(offset, fmt::format("unknown {} '{}'; expected one of: {}", kind,
                                        Shorten(name, 40), all));
    }
    return FailAt(
        offset, fmt::format("unknown {} '{}'; did you mean '{}'?", kind, Shorten(name, 40), near));
  }

  const std::string_view source_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  int line_ = 1;
  bool python_ = false;       // the marker of this line
  bool any_ = false;          // a directive has been read
  bool launch_open_ = false;  // the last step is a launch that "and" may go on with
  int options_line_ = 0;      // where its last options were
  LaunchPlan plan_;
  Diagnostic diagnostic_;
};

}  // namespace

std::variant<LaunchPlan, Diagnostic> ParseLaunchPlan(std::string_view source) {
  return PlanParser(source).Run();
}

}  // namespace ks

#include "propose/vector/vector_emit.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "propose/vector/lane_expr.h"

namespace ks {
namespace {

using SKind = IrStmt::Kind;
using EKind = IrExpr::Kind;

bool HasLoop(const IrStmt& s) {
  bool found = s.kind == SKind::kFor;
  ForEachStmt(s.body, [&](const IrStmt& x) { found = found || x.kind == SKind::kFor; });
  ForEachStmt(s.other, [&](const IrStmt& x) { found = found || x.kind == SKind::kFor; });
  return found;
}

bool MentionsHidden(const std::string& text, const std::set<std::string>& hidden) {
  std::string word;
  for (char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
    } else {
      if (hidden.count(word) > 0) return true;
      word.clear();
    }
  }
  return false;
}

class Emitter {
 public:
  Emitter(const KernelIr& kernel, const VectorPlan& plan, const EmitOptions& options)
      : kernel_(kernel),
        plan_(plan),
        options_(options),
        margin_(options.margin),
        print_(kernel, context_) {}

  std::optional<std::string> Run(const std::vector<IrStmt>& nest) {
    Body(nest);
    if (failed_) return std::nullopt;
    return out_;
  }

 private:
  void Line(const std::string& text) { out_ += margin_ + text + "\n"; }
  void Open(const std::string& text) {
    Line(text.empty() ? "{" : text + " {");
    margin_ += "  ";
  }
  void Close(const std::string& tail = "") {
    margin_.resize(margin_.size() - 2);
    Line("}" + tail);
  }
  void OpenRows() {
    Line("#pragma GCC unroll 16");
    Open("for (int q = 0; q < R; ++q)");
    context_.row = "q";
  }
  void CloseRows() {
    Close();
    context_.row.clear();
  }

  bool RowUnit(const IrStmt& s) const;
  void Body(const std::vector<IrStmt>& body);
  void Statement(const IrStmt& s);
  void Declare(const IrStmt& s);
  void Initialize(const IrStmt& s);
  void Assign(const IrStmt& s);
  void AssignLanes(const IrStmt& s);
  void For(const IrStmt& s);
  void If(const IrStmt& s);
  void VaryingIf(const IrStmt& s);
  void ScanStep(const LaneReduction& r, const IrStmt& update);
  void ExclusiveScans(const std::vector<IrStmt>& body, const IrStmt& next);
  void Branch(const std::vector<IrStmt>& body);
  void BlockBody(const IrStmt& loop);
  void Jam(const IrStmt& s);
  void Vector(const VectorLoop& v);
  void ForRows(bool rows, const std::function<void()>& emit);
  void PrepareAccumulators(const VectorLoop& v);
  void OpenAccumulators(const VectorLoop& v);
  void CloseAccumulators(const VectorLoop& v);
  void FoldAccumulators(const VectorLoop& v);
  bool InLanes() const { return !context_.lane_loop.empty(); }
  bool NameVaries(const std::string& name) const {
    return InLanes() && context_.varying.count(name) > 0;
  }

  const KernelIr& kernel_;
  const VectorPlan& plan_;
  const EmitOptions& options_;
  std::string margin_;
  std::string out_;
  LaneContext context_;
  LanePrinter print_;
  int masks_ = 0;
  std::map<std::string, const LaneReduction*> scans_;  // running values of the open vector loop
  std::set<std::string> exclusive_done_;
  bool interior_ = false;  // lane-dependent conditions are known to hold
  bool failed_ = false;
};

// A statement without loops that differs between rows of the block.
bool Emitter::RowUnit(const IrStmt& s) const {
  if (context_.jam_loop.empty() || !context_.row.empty() || HasLoop(s)) return false;
  bool depends = false;
  const auto check = [&](const IrStmt& x) {
    if (x.kind == SKind::kDecl) depends = depends || context_.per_row.count(x.name) > 0;
    for (const IrExprPtr& e : ExprsOf(x)) depends = depends || print_.PerRow(e);
  };
  check(s);
  ForEachStmt(s.body, check);
  ForEachStmt(s.other, check);
  return depends;
}

void Emitter::Body(const std::vector<IrStmt>& body) {
  const std::set<std::string> safe = context_.safe_loads;
  for (size_t i = 0; i < body.size(); ++i) {
    if (!scans_.empty()) ExclusiveScans(body, body[i]);
    if (!RowUnit(body[i])) {
      if (body[i].kind == SKind::kDecl) Declare(body[i]);
      Statement(body[i]);
      continue;
    }
    size_t end = i;
    while (end < body.size() && RowUnit(body[end])) {
      if (body[end].kind == SKind::kDecl) Declare(body[end]);
      for (const auto* list : {&body[end].body, &body[end].other}) {
        ForEachStmt(*list, [&](const IrStmt& x) {
          if (x.kind == SKind::kDecl) Declare(x);
        });
      }
      ++end;
    }
    OpenRows();
    for (; i < end; ++i) Statement(body[i]);
    --i;
    CloseRows();
  }
  context_.safe_loads = safe;
}

// A running value: printed where it is first needed.
void Emitter::ScanStep(const LaneReduction& r, const IrStmt& update) {
  using Kind = LaneReduction::Kind;
  const std::string name = print_.Local(r.name);
  const std::string carry = r.name + "_carry" + name.substr(r.name.size() + 5);
  std::string identity = "0.0f", op = "Plus{}";
  if (r.kind == Kind::kProduct) identity = "1.0f", op = "Times{}";
  if (r.kind == Kind::kMax) identity = "-__builtin_huge_valf()", op = "Greater{}";
  if (r.kind == Kind::kMin) identity = "__builtin_huge_valf()", op = "Smaller{}";
  Line(name + " = Scan<" + (r.inclusive ? "true" : "false") + ">(Keep(shape, live, " +
       print_.Float(ReductionOperand(update, r.name)) + ", Splat<U>(" + identity + ")), " +
       identity + ", " + carry + ", " + op + ");");
}

// Exclusive running values that `next` is the first to read.
void Emitter::ExclusiveScans(const std::vector<IrStmt>& body, const IrStmt& next) {
  for (auto scan = scans_.begin(); scan != scans_.end(); ++scan) {
    const LaneReduction& r = *scan->second;
    if (r.inclusive || exclusive_done_.count(r.name) > 0) continue;
    bool reads = false;
    for (const IrExprPtr& e : ExprsOf(next)) reads = reads || Mentions(e, r.name);
    if (!reads) continue;
    for (const IrStmt& update : body) {
      if (update.kind != SKind::kAssign || update.target->text != r.name) continue;
      ForRows(context_.per_row.count(r.name) > 0, [&] { ScanStep(r, update); });
      exclusive_done_.insert(r.name);
    }
  }
}

void Emitter::Statement(const IrStmt& s) {
  if (s.kind == SKind::kAssign && s.target->kind == EKind::kName) {
    const auto scan = scans_.find(s.target->text);
    if (scan != scans_.end()) {
      if (scan->second->inclusive) ScanStep(*scan->second, s);
      return;
    }
  }
  switch (s.kind) {
    case SKind::kDecl:
      return Initialize(s);
    case SKind::kAssign:
      return Assign(s);
    case SKind::kFor:
      return For(s);
    case SKind::kIf:
      return If(s);
    case SKind::kBlock:
      Open("");
      Body(s.body);
      return Close();
    case SKind::kOpaque:
      failed_ = failed_ || MentionsHidden(s.text, kernel_.hidden) || InLanes();
      return Line(s.text);
  }
}

// Declarations stand before a loop over rows, values inside it.
void Emitter::Declare(const IrStmt& s) {
  const bool rows = context_.per_row.count(s.name) > 0 && !context_.jam_loop.empty();
  std::string type = s.cpp_type;
  if (NameVaries(s.name)) type = s.type == IrType::kFloat ? "Wide<U>" : "WideInt<U>";
  if (context_.row.empty() && rows) return Line(type + " " + s.name + "[R];");
  if (rows) return;
  if (!s.value) return Line(type + " " + s.name + ";");
}

void Emitter::Initialize(const IrStmt& s) {
  if (!s.value) return;
  const bool varies = NameVaries(s.name);
  const std::string value = varies ? print_.Lane(s.value, s.type) : print_.Scalar(s.value);
  const bool rows = context_.per_row.count(s.name) > 0 && !context_.jam_loop.empty();
  if (rows) return Line(print_.Local(s.name) + " = " + value + ";");
  std::string type = s.cpp_type;
  if (varies) type = s.type == IrType::kFloat ? "Wide<U>" : "WideInt<U>";
  Line(type + " " + s.name + " = " + value + ";");
}

void Emitter::Assign(const IrStmt& s) {
  const bool lanes = InLanes() && (s.target->kind == EKind::kName ? NameVaries(s.target->text)
                                                                  : print_.Varies(s.target));
  if (lanes) return AssignLanes(s);
  Line(print_.Scalar(s.target) + " " + s.op + " " + print_.Scalar(s.value) + ";");
}

void Emitter::AssignLanes(const IrStmt& s) {
  IrExprPtr value = s.value;
  if (s.op != "=") {
    value = MakeBinary(s.op.substr(0, 1), s.target, s.value, s.target->type);
  }
  const std::string text = print_.Lane(value, s.target->type);
  if (s.target->kind == EKind::kIndex) {
    const std::string address = "&" + s.target->text + "[" + print_.Scalar(s.target->args[0]) + "]";
    if (context_.mask.empty()) return Line("Store(shape, " + address + ", " + text + ", live);");
    return Line("StoreIf(" + address + ", " + text + ", " + context_.mask + ");");
  }
  const std::string name = print_.Local(s.target->text);
  if (!context_.mask.empty()) {
    return Line(name + " = Select(" + context_.mask + ", " + text + ", " + name + ");");
  }
  if (context_.renamed.count(s.target->text) > 0) {
    return Line(name + " = Keep(shape, live, " + text + ", " + name + ");");
  }
  Line(name + " = " + text + ";");
}

void Emitter::For(const IrStmt& s) {
  const auto vector = plan_.loops.find(&s);
  if (vector != plan_.loops.end()) return Vector(vector->second);
  if (&s == plan_.jam) return Jam(s);
  Open("for (" + s.cpp_type + " " + s.name + " = " + print_.Scalar(s.low) + "; " + s.name + " < " +
       print_.Scalar(s.high) + "; ++" + s.name + ")");
  Body(s.body);
  Close();
}

void Emitter::If(const IrStmt& s) {
  if (InLanes() && print_.Varies(s.condition)) return VaryingIf(s);
  Open("if (" + print_.Scalar(s.condition) + ")");
  Body(s.body);
  Close(s.other.empty() ? "" : " else {");
  if (s.other.empty()) return;
  margin_ += "  ";
  Body(s.other);
  Close();
}

// The body of a conditional: inside a loop over rows its declarations are plain.
void Emitter::Branch(const std::vector<IrStmt>& body) {
  for (const IrStmt& x : body) {
    if (x.kind == SKind::kDecl && context_.row.empty()) Declare(x);
    Statement(x);
  }
}

void Emitter::VaryingIf(const IrStmt& s) {
  // What does not depend on the lane is decided by an ordinary branch around the rest.
  std::vector<std::string> scalar;
  IrExprPtr varying;
  for (const IrExprPtr& part : Conjuncts(s.condition)) {
    if (s.other.empty() && !print_.Varies(part)) {
      scalar.push_back("(" + print_.Scalar(part) + ")");
    } else {
      varying = varying ? MakeBinary("&&", varying, part, IrType::kBool) : part;
    }
  }
  if (!scalar.empty()) Open("if (" + Join(scalar, " && ") + ")");
  if (interior_) {
    Branch(s.body);
  } else {
    const std::string outer = context_.mask;
    const std::string around = outer.empty() ? "live" : outer;
    const std::string on = "on" + std::to_string(++masks_);
    Line("const WideInt<U> " + on + " = " + around + " & " + print_.Mask(varying) + ";");
    context_.mask = on;
    Branch(s.body);
    if (!s.other.empty()) {
      const std::string off = "on" + std::to_string(++masks_);
      Line("const WideInt<U> " + off + " = " + around + " & ~" + on + ";");
      context_.mask = off;
      Branch(s.other);
    }
    context_.mask = outer;
  }
  if (!scalar.empty()) Close();
}

void Emitter::Jam(const IrStmt& s) {
  context_.jam_loop = s.name;
  std::set<std::string> names = DependentNames(s.body, {s.name});
  names.erase(s.name);
  context_.per_row = std::move(names);
  const std::string block = "rows_of_" + s.name;
  Open("const auto " + block + " = [&](auto rows, int64_t " + s.name +
       ") __attribute__((always_inline))");
  Line("constexpr int R = decltype(rows)::value;  // iterations of " + s.name + " side by side");
  Body(s.body);
  Close(";");
  context_.jam_loop.clear();
  context_.per_row.clear();
  Line("SweepRows<" + options_.rows_name + ">(" + print_.Scalar(s.low) + ", " +
       print_.Scalar(s.high) + ", " + block + ");");
}

void Emitter::ForRows(bool rows, const std::function<void()>& emit) {
  if (rows) OpenRows();
  emit();
  if (rows) CloseRows();
}

void Emitter::PrepareAccumulators(const VectorLoop& v) {
  const std::string& vectors = options_.vectors_name;
  for (const LaneReduction& r : v.reductions) {
    using Kind = LaneReduction::Kind;
    const bool rows = context_.per_row.count(r.name) > 0;
    std::string first = "static_cast<float>(" + r.name + (rows ? "[q]" : "") + ")";
    if (r.kind == Kind::kSum) first = "0.0f";
    if (r.kind == Kind::kProduct) first = "1.0f";
    const std::string tail = rows ? "[R]" : "";
    if (r.scan) {
      Line("Wide<1> " + r.name + "_carry" + tail + ";");
      const std::string at = rows ? "[q]" : "";
      ForRows(rows, [&] { Line(r.name + "_carry" + at + " = Splat<1>(" + r.name + at + ");"); });
      continue;
    }
    Line("Wide<" + vectors + "> " + r.name + options_.lanes_suffix + tail + ";");
    if (!r.index.empty())
      Line("WideInt<" + vectors + "> " + r.index + options_.lanes_suffix + tail + ";");
    ForRows(rows, [&] {
      const std::string q = rows ? "[q]" : "";
      Line(r.name + options_.lanes_suffix + q + " = Splat<" + vectors + ">(" + first + ");");
      if (!r.index.empty()) {
        Line(r.index + options_.lanes_suffix + q + " = SplatInt<" + vectors +
             ">(static_cast<int32_t>(" + r.index + q + "));");
      }
    });
  }
}

void Emitter::OpenAccumulators(const VectorLoop& v) {
  for (const LaneReduction& r : v.reductions) {
    const bool rows = context_.per_row.count(r.name) > 0;
    for (const std::string& name : {r.name, r.index}) {
      if (name.empty()) continue;
      const std::string type = name == r.name ? "Wide<U> " : "WideInt<U> ";
      context_.renamed[name] = name + "_part";
      Line(type + name + "_part" + (rows ? "[R];" : ";"));
      if (r.scan) {
        scans_[name] = &r;
        continue;
      }
      ForRows(rows, [&] {
        const std::string q = rows ? "[q]" : "";
        Line(name + "_part" + q + " = Head<U>(" + name + options_.lanes_suffix + q + ");");
      });
    }
  }
}

void Emitter::CloseAccumulators(const VectorLoop& v) {
  for (const LaneReduction& r : v.reductions) {
    if (r.scan) continue;
    const bool rows = context_.per_row.count(r.name) > 0;
    ForRows(rows, [&] {
      const std::string q = rows ? "[q]" : "";
      for (const std::string& name : {r.name, r.index}) {
        if (!name.empty())
          Line("SetHead(" + name + options_.lanes_suffix + q + ", " + name + "_part" + q + ");");
      }
    });
  }
}

void Emitter::FoldAccumulators(const VectorLoop& v) {
  using Kind = LaneReduction::Kind;
  for (const LaneReduction& r : v.reductions) {
    const bool rows = context_.per_row.count(r.name) > 0;
    ForRows(rows, [&] {
      const std::string q = rows ? "[q]" : "";
      const std::string lanes = r.name + options_.lanes_suffix + q;
      const std::string name = r.name + q;
      if (r.scan) return Line(name + " = " + r.name + "_carry" + q + ".v[0][0];");
      if (r.kind == Kind::kSum) return Line(name + " += Sum(" + lanes + ");");
      if (r.kind == Kind::kProduct) return Line(name + " *= Product(" + lanes + ");");
      if (r.kind == Kind::kMax) return Line(name + " = MaxOf(" + lanes + ");");
      if (r.kind == Kind::kMin) return Line(name + " = MinOf(" + lanes + ");");
      Line("PickLane(" + lanes + ", " + r.index + options_.lanes_suffix + q + ", " +
           (r.kind == Kind::kArgMax ? "1.0f, " : "-1.0f, ") + (r.last_wins ? "true, " : "false, ") +
           name + ", " + r.index + q + ");");
    });
  }
}

// Twice where conditions depend on the lane: blocks away from the border need no masks.
void Emitter::BlockBody(const IrStmt& s) {
  std::set<std::string> unusable = context_.per_row;
  if (!context_.jam_loop.empty()) unusable.insert(context_.jam_loop);
  ForEachStmt(s.body, [&](const IrStmt& x) {
    if (x.kind == SKind::kDecl || x.kind == SKind::kFor) unusable.insert(x.name);
  });
  std::set<std::string> varying = context_.varying;
  varying.insert(s.name);
  const std::vector<std::string> tests = InteriorTests(s, varying, unusable);
  if (tests.empty()) return Body(s.body);
  Open("if (" + Join(tests, " && ") + ")");
  interior_ = true;
  Body(s.body);
  interior_ = false;
  Close(" else {");
  margin_ += "  ";
  Body(s.body);
  Close();
}

void Emitter::Vector(const VectorLoop& v) {
  const IrStmt& s = *v.loop;
  const std::string low = print_.Scalar(s.low);
  const std::string high = print_.Scalar(s.high);
  const std::string block = "lanes_of_" + s.name;
  Open("");  // several loops of one body may reduce into the same variable
  PrepareAccumulators(v);
  Open("const auto " + block + " = [&](auto shape, int64_t " + s.name +
       ", auto live) __attribute__((always_inline))");
  Line("constexpr int U = decltype(shape)::kVectors;");
  context_.lane_loop = s.name;
  context_.varying = DependentNames(s.body, {s.name});
  for (const LaneReduction& r : v.reductions) {
    context_.varying.insert(r.name);
    if (!r.index.empty()) context_.varying.insert(r.index);
  }
  // What a reduction reaches varies as well.
  context_.varying = DependentNames(s.body, context_.varying);
  context_.safe_loads.clear();
  OpenAccumulators(v);
  BlockBody(s);
  CloseAccumulators(v);
  context_.lane_loop.clear();
  context_.varying.clear();
  context_.renamed.clear();
  scans_.clear();
  exclusive_done_.clear();
  Close(";");
  // Rows of data-dependent length are short and uneven: one vector at a time.
  const auto reads = [](const IrExprPtr& e) {
    bool memory = false;
    ForEachExpr(e, [&](const IrExpr& x) { memory = memory || x.kind == EKind::kIndex; });
    return memory;
  };
  const std::string sweep =
      reads(s.low) || reads(s.high) ? "SweepRagged" : "Sweep<" + options_.vectors_name + ">";
  Line(sweep + "(" + low + ", " + high + ", " + block + ");");
  FoldAccumulators(v);
  Close();
}

}  // namespace

std::optional<std::string> EmitVectorNest(const KernelIr& kernel, const std::vector<IrStmt>& nest,
                                          const VectorPlan& plan, const EmitOptions& options) {
  return Emitter(kernel, plan, options).Run(nest);
}

}  // namespace ks

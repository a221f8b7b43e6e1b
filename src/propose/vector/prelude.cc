#include "propose/vector/prelude.h"

#include "base/text.h"
#include "propose/cpp/syntax.h"
#include "propose/vector/prelude_math.h"
#include "propose/vector/prelude_special.h"
#include "propose/vector/prelude_text.h"

namespace ks {
namespace {

struct Piece {
  std::string_view defines;                 // occurs in a source that has the piece
  std::vector<std::string_view> used_when;  // occurs in code that needs it; empty: always
  const char* text;
};

// In order of definition: later pieces may use earlier ones.
const std::vector<Piece>& Pieces() {
  static const std::vector<Piece> pieces = {
      {"struct Wide {", {}, kPreludeCore},
      {"WIDE_INLINE void Sweep(", {}, kPreludeMemory},
      {"struct Scratch {", {"Scratch<", "Least(", "Greatest("}, kPreludeScratch},
      {"WIDE_INLINE void SweepRows(", {"SweepRows<"}, kPreludeRows},
      {"struct HeadOf;", {"Head<"}, kPreludeFold},
      {"WIDE_INLINE void SweepRagged(", {"SweepRagged("}, kPreludeRagged},
      {"WIDE_INLINE Wide<U> Scan(", {"Scan<"}, kPreludeScan},
      {"WIDE_INLINE Wide<U> GatherIf(", {"Gather(", "GatherIf("}, kPreludeGather},
      {"WIDE_INLINE void PickLane(", {"PickLane("}, kPreludeArg},
      {"Wide<U> Barrier(",
       {"Exp(", "Exp2(", "Log(", "Log2(", "Log1p(", "Expm1(", "Pow(", "Sin(", "Cos(", "Erfc("},
       kPreludeBarrier},
      {"Wide<U> Sqrt(", {"Sqrt("}, kPreludeSqrt},
      {"Wide<U> Exp(", {"Exp(", "Exp2(", "Expm1(", "Pow(", "Erfc("}, kPreludeExp},
      {"Wide<U> Log(", {"Log(", "Log2(", "Log1p(", "Expm1(", "Pow("}, kPreludeLog},
      {"Wide<U> Tanh(", {"Tanh("}, kPreludeTanh},
      {"Wide<U> Erf(", {"Erf(", "Erfc("}, kPreludeErf},
      {"Wide<U> Log1p(", {"Log1p("}, kPreludeLog1p},
      {"Wide<U> Expm1(", {"Expm1("}, kPreludeExpm1},
      {"Wide<U> Log2(", {"Log2("}, kPreludeLog2},
      {"Wide<U> Pow(", {"Pow("}, kPreludePow},
      {"Wide<U> Floor(", {"Floor(", "Ceil("}, kPreludeRound},
      {"Wide<U> Sin(", {"Sin(", "Cos("}, kPreludeSin},
      {"Wide<U> Erfc(", {"Erfc("}, kPreludeErfc},
  };
  return pieces;
}

bool Needed(const Piece& piece, std::string_view code) {
  if (piece.used_when.empty()) return true;
  for (std::string_view use : piece.used_when) {
    if (code.find(use) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

// Only headers without templates are included: <algorithm>, <utility> and their like take longer to
// read than the rest of a candidate takes to compile.
std::string PreludeFor(std::string_view source, std::string_view code, int lanes) {
  std::string body;
  for (const Piece& piece : Pieces()) {
    if (Needed(piece, code) && source.find(piece.defines) == std::string_view::npos) {
      body += piece.text;
    }
  }
  if (body.empty()) return "";
  body = ReplaceAll(std::move(body), "KS_LANES", std::to_string(lanes));
  std::string head;
  if (source.find("namespace wide {") == std::string_view::npos) {
    head =
        "#include <stddef.h>\n#include <stdint.h>\n#if defined(__AVX512F__)\n#include "
        "<immintrin.h>\n#endif\n"
        "#if defined(__clang__)\n#pragma clang fp contract(fast)\n#endif\n\n";
  }
  return std::string(kHelpersBegin) + "\n" + head + "namespace wide {\n" + body +
         "\n}  // namespace wide\n" + std::string(kHelpersEnd) + "\n\n";
}

}  // namespace ks

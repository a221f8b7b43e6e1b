#include "backend/cpu/code_features.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/cpu/loops.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr int64_t kLargeFrameBytes = 4096;

struct Instruction {
  uint64_t address = 0;
  std::string_view mnemonic;
  std::string_view operands;
};

struct Function {
  std::string_view name;
  std::vector<Instruction> code;
};

constexpr std::array<std::string_view, 8> kNotTheCandidate = {"ks_call",
                                                              "_init",
                                                              "_fini",
                                                              "deregister_tm_clones",
                                                              "register_tm_clones",
                                                              "__do_global_dtors_aux",
                                                              "frame_dummy",
                                                              "set_fast_math"};

std::optional<uint64_t> ParseHex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<Instruction> ParseInstruction(std::string_view line) {
  const size_t colon = line.find(":\t");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = ParseHex(Trim(line.substr(0, colon)));
  if (!address) return std::nullopt;
  std::string_view text = Trim(line.substr(colon + 2));
  text = Trim(text.substr(0, text.find('#')));
  for (const std::string_view prefix :
       {"lock ", "rep ", "repz ", "repnz ", "notrack ", "bnd ", "data16 ", "cs "}) {
    while (text.starts_with(prefix)) text = Trim(text.substr(prefix.size()));
  }
  const size_t space = text.find_first_of(" \t");
  Instruction instruction;
  instruction.address = *address;
  instruction.mnemonic = text.substr(0, space);
  if (space != std::string_view::npos) instruction.operands = Trim(text.substr(space));
  return instruction;
}

std::vector<Function> ParseFunctions(std::string_view text) {
  std::vector<Function> functions;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.ends_with(">:")) {
      const size_t open = line.find('<');
      if (open == std::string_view::npos) continue;
      functions.push_back({line.substr(open + 1, line.size() - open - 3), {}});
    } else if (!functions.empty()) {
      if (auto instruction = ParseInstruction(line)) functions.back().code.push_back(*instruction);
    }
  }
  std::erase_if(functions, [](const Function& function) {
    return std::find(kNotTheCandidate.begin(), kNotTheCandidate.end(), function.name) !=
           kNotTheCandidate.end();
  });
  return functions;
}

// "0x8(%rax,%rbx,4),%ymm1,%ymm0" -> three operands.
std::vector<std::string_view> SplitOperands(std::string_view text) {
  std::vector<std::string_view> operands;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '{') ++depth;
    if (c == ')' || c == '}') --depth;
    if (c != ',' || depth != 0 || start > i) continue;
    std::string_view operand = Trim(text.substr(start, i - start));
    operand = operand.substr(0, operand.find('{'));
    if (!operand.empty()) operands.push_back(operand);
    start = i + 1;
  }
  return operands;
}

bool IsVectorRegister(std::string_view operand) {
  return operand.starts_with("%xmm") || operand.starts_with("%ymm") || operand.starts_with("%zmm");
}

int WidestRegisterBits(std::string_view operands) {
  if (operands.find("%zmm") != std::string_view::npos) return 512;
  if (operands.find("%ymm") != std::string_view::npos) return 256;
  return operands.find("%xmm") != std::string_view::npos ? 128 : 0;
}

std::string_view WithoutV(std::string_view mnemonic) {
  return mnemonic.starts_with('v') ? mnemonic.substr(1) : mnemonic;
}

bool IsFma(std::string_view mnemonic) {
  return mnemonic.starts_with("vfmadd") || mnemonic.starts_with("vfmsub") ||
         mnemonic.starts_with("vfnmadd") || mnemonic.starts_with("vfnmsub");
}

// Arithmetic on whole vectors, not moves, shuffles, logic or scalar operations.
bool IsPackedArithmetic(std::string_view mnemonic) {
  const std::string_view name = WithoutV(mnemonic);
  const bool packed_float = name.ends_with("ps") || name.ends_with("pd");
  if (packed_float) {
    if (IsFma(mnemonic)) return true;
    for (const std::string_view root :
         {"add", "sub", "mul", "div", "max", "min", "sqrt", "rsqrt", "rcp", "round", "rndscale",
          "hadd", "dp", "scalef", "cmp"}) {
      if (name.starts_with(root)) return true;
    }
  }
  if (name.starts_with("cvt") && (packed_float || name.ends_with("dq"))) return true;
  for (const std::string_view root : {"padd", "psub", "pmul", "pmadd", "pmax", "pmin", "pavg",
                                      "psad", "pabs", "pcmp", "psll", "psrl", "psra"}) {
    if (name.starts_with(root)) return true;
  }
  return false;
}

// The register that `instruction` adds to, if it accumulates.
std::optional<std::string> Accumulator(const Instruction& instruction) {
  const std::string_view name = WithoutV(instruction.mnemonic);
  const bool is_float =
      name.ends_with("ps") || name.ends_with("pd") || name.ends_with("ss") || name.ends_with("sd");
  const std::vector<std::string_view> operands = SplitOperands(instruction.operands);
  if (operands.size() < 2 || !IsVectorRegister(operands.back())) return std::nullopt;
  const std::string destination(operands.back().substr(4));  // "%ymm3" and "%xmm3" are one register
  const bool fma = IsFma(instruction.mnemonic) && name.find("231") != std::string_view::npos;
  bool adds = is_float && (name.starts_with("add") || name.starts_with("sub") ||
                           name.starts_with("max") || name.starts_with("min"));
  adds =
      adds || name.starts_with("paddd") || name.starts_with("paddq") || name.starts_with("paddw");
  if (adds && operands.size() == 3) {
    adds = operands[0] == operands[2] || operands[1] == operands[2];
    adds = adds && operands[0] != operands[1];
  }
  return fma || adds ? std::optional(destination) : std::nullopt;
}

std::vector<FlowInstruction> Flow(const Function& function) {
  std::unordered_map<uint64_t, int> index;
  for (size_t i = 0; i < function.code.size(); ++i) {
    index[function.code[i].address] = static_cast<int>(i);
  }
  std::vector<FlowInstruction> flow(function.code.size());
  for (size_t i = 0; i < function.code.size(); ++i) {
    const Instruction& instruction = function.code[i];
    const std::string_view name = instruction.mnemonic;
    const bool jumps = name.starts_with('j') || name.starts_with("loop");
    flow[i].is_branch = jumps;
    flow[i].falls_through =
        !(name.starts_with("jmp") || name.starts_with("ret") || name == "ud2" || name == "hlt");
    if (!jumps) continue;
    if (const auto target = ParseHex(instruction.operands)) {
      const auto it = index.find(*target);
      if (it != index.end()) flow[i].target = it->second;
    }
  }
  return flow;
}

class FeatureReader {
 public:
  void Add(const Function& function) {
    if (function.code.empty()) return;
    features_.code_bytes +=
        static_cast<int64_t>(function.code.back().address - function.code.front().address) + 1;
    for (const Instruction& instruction : function.code) NoteAnywhere(instruction);
    const std::vector<NaturalLoop> loops = FindLoops(Flow(function));
    std::set<int> in_loops;
    for (const NaturalLoop& loop : loops) {
      ++features_.loop_count;
      features_.loop_depth = std::max(features_.loop_depth, loop.depth);
      in_loops.insert(loop.instructions.begin(), loop.instructions.end());
      if (loop.innermost) NoteInnermost(function, loop);
    }
    for (const int i : in_loops) NoteInLoop(function.code[static_cast<size_t>(i)]);
  }

  CodeFeatures Finish(const ElfImage& image) {
    features_.static_bytes = image.static_bytes;
    if (image.static_bytes > 0) features_.uses_scratch = true;
    for (const std::string& import : image.imports) {
      const std::string_view name = import;
      if (name.starts_with("GOMP_") || name.starts_with("__kmpc_") || name == "pthread_create" ||
          name == "thrd_create" || name.starts_with("_ZNSt6thread")) {
        features_.uses_threads = true;
      }
      for (const std::string_view allocator :
           {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign", "mmap",
            "_Znwm", "_Znam", "_ZnwmSt11align_val_t", "_ZnamSt11align_val_t"}) {
        if (name == allocator) features_.uses_scratch = true;
      }
    }
    return features_;
  }

 private:
  void NoteAnywhere(const Instruction& instruction) {
    const std::string_view name = instruction.mnemonic;
    features_.uses_prefetch |= name.starts_with("prefetch");
    features_.uses_nontemporal |= WithoutV(name).starts_with("movnt");
    if (name == "sub" && instruction.operands.starts_with("$0x") &&
        instruction.operands.ends_with(",%rsp")) {
      const auto bytes = ParseHex(instruction.operands.substr(3));
      if (bytes && static_cast<int64_t>(*bytes) > kLargeFrameBytes) features_.uses_scratch = true;
    }
  }

  void NoteInLoop(const Instruction& instruction) {
    const std::string_view name = instruction.mnemonic;
    if (name.starts_with("call")) ++features_.calls_in_loops;
    features_.uses_fma |= IsFma(name);
    features_.uses_gather |= name.starts_with("vgather") || name.starts_with("vpgather");
    if (IsPackedArithmetic(name)) {
      features_.vector_bits =
          std::max(features_.vector_bits, WidestRegisterBits(instruction.operands));
    }
  }

  void NoteInnermost(const Function& function, const NaturalLoop& loop) {
    std::set<std::string> registers;
    for (const int i : loop.instructions) {
      if (auto name = Accumulator(function.code[static_cast<size_t>(i)])) registers.insert(*name);
    }
    features_.accumulators = std::max(features_.accumulators, static_cast<int>(registers.size()));
  }

  CodeFeatures features_;
};

}  // namespace

CodeFeatures ReadCodeFeatures(std::string_view disassembly, const ElfImage& image) {
  FeatureReader reader;
  for (const Function& function : ParseFunctions(disassembly)) reader.Add(function);
  return reader.Finish(image);
}

}  // namespace ks

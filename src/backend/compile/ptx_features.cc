#include "backend/compile/ptx_features.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::array<std::string_view, 4> kTensorCores = {"mma.", "wmma.mma", "wgmma.mma",
                                                          "tcgen05.mma"};
constexpr std::array<std::string_view, 2> kShuffles = {"shfl.", "redux."};
constexpr std::array<std::string_view, 3> kAtomics = {"atom.", "red.", "multimem.red"};

template <size_t N>
bool StartsWithAny(std::string_view text, const std::array<std::string_view, N>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// "ld.global.nc.v4.f32" -> 128.
int LoadBits(std::string_view instruction) {
  int bits = 0;
  int lanes = 1;
  for (const std::string_view part : Split(instruction, '.')) {
    if (part == "v2") lanes = 2;
    if (part == "v4") lanes = 4;
    if (part == "v8") lanes = 8;
    if (part.size() < 2 || std::string_view("bufs").find(part[0]) == std::string_view::npos) {
      continue;
    }
    const auto width = ParseInt(part.substr(1));
    if (width && *width >= 8 && *width <= 128) bits = static_cast<int>(*width);
  }
  return bits * lanes;
}

bool IsGlobalLoad(std::string_view instruction) {
  if (!instruction.starts_with("ld.")) return false;
  for (const std::string_view space : {".param", ".shared", ".local", ".const"}) {
    if (instruction.find(space) != std::string_view::npos) return false;
  }
  return true;
}

bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '%';
}

}  // namespace

bool PtxRefersTo(std::string_view ptx, std::string_view name) {
  int found = 0;
  for (size_t at = ptx.find(name); at != std::string_view::npos; at = ptx.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at > 0 && IsNameByte(ptx[at - 1])) || (end < ptx.size() && IsNameByte(ptx[end]))) continue;
    const size_t line = at == 0 ? 0 : ptx.rfind('\n', at - 1) + 1;  // npos + 1 is 0
    if (Trim(ptx.substr(line, at - line)).starts_with("//")) continue;
    if (++found > 1) return true;
  }
  return false;
}

void AddPtxFeatures(std::string_view ptx, DeviceFeatures* features) {
  while (!ptx.empty()) {
    const size_t end = std::min(ptx.find('\n'), ptx.size());
    std::string_view line = Trim(ptx.substr(0, end));
    ptx.remove_prefix(std::min(end + 1, ptx.size()));
    if (line.starts_with('@')) {  // a predicate
      line.remove_prefix(std::min(line.find(' '), line.size()));
      line = Trim(line);
    }
    if (line.empty() || line.starts_with("//")) continue;
    const std::string_view instruction = line.substr(0, line.find_first_of(" \t;"));
    if (StartsWithAny(instruction, kTensorCores)) features->uses_tensor_cores = true;
    if (instruction.starts_with("cp.async")) features->uses_async_copy = true;
    if (StartsWithAny(instruction, kShuffles)) features->uses_shuffle = true;
    if (StartsWithAny(instruction, kAtomics)) features->uses_atomics = true;
    if (instruction == ".shared" || instruction.find(".shared") != std::string_view::npos) {
      features->uses_shared = true;
    }
    if (IsGlobalLoad(instruction)) {
      features->load_bits = std::min(128, std::max(features->load_bits, LoadBits(instruction)));
    }
  }
}

}  // namespace ks

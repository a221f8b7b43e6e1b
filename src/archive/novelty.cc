#include "archive/novelty.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr int kRun = 4;                  // tokens
constexpr size_t kFirstSlots = 1 << 12;  // a power of two
constexpr double kChanceMatch = 1.0 / 16;

uint64_t Mix(uint64_t x) {  // SplitMix64
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

bool IsWordSign(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Calls visit(hash) for every token.
template <typename Visit>
void ForEachToken(std::string_view text, Visit visit) {
  constexpr uint64_t kBasis = 0xCBF29CE484222325ULL, kPrime = 0x100000001B3ULL;
  for (size_t i = 0; i < text.size();) {
    if (IsSpace(text[i])) {
      ++i;
      continue;
    }
    uint64_t hash = kBasis;
    const bool word = IsWordSign(text[i]);
    do {
      hash = (hash ^ static_cast<unsigned char>(text[i])) * kPrime;
      ++i;
    } while (word && i < text.size() && IsWordSign(text[i]));
    visit(hash);
  }
}

// The smallest hash of each bin; a hash's highest bits choose its bin.
struct Minima {
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  std::array<uint64_t, SourceSketch::kSamples> least;

  Minima() { least.fill(kNone); }
  void Add(uint64_t hash) {
    uint64_t& bin = least[hash >> 58];
    bin = std::min(bin, hash & (kNone >> 6));
  }
  // An empty bin takes the value of another one, the same for all texts (densification). REQUIRES:
  // one bin is not empty.
  uint64_t At(size_t bin) const {
    uint64_t probe = bin;
    while (least[probe % SourceSketch::kSamples] == kNone) probe = Mix(probe + bin);
    return least[probe % SourceSketch::kSamples];
  }
};

}  // namespace

SourceSketch::SourceSketch(std::string_view source) {
  Minima minima;
  std::array<uint64_t, kRun> window{};
  size_t tokens = 0;
  const auto run_hash = [&] {
    uint64_t hash = 0;
    for (size_t i = 0; i < kRun; ++i) hash = Mix(hash ^ window[(tokens + i) % kRun]);
    return hash;
  };
  ForEachToken(source, [&](uint64_t token) {
    window[tokens++ % kRun] = token;
    if (tokens >= kRun) minima.Add(run_hash());
  });
  if (tokens < kRun) minima.Add(run_hash());
  for (size_t i = 0; i < kSamples; ++i) {
    bits_[i / 16] |= (Mix(minima.At(i)) & 0xF) << (i % 16 * 4);
  }
}

double SourceSketch::SimilarityTo(const SourceSketch& other) const {
  int different = 0;
  for (size_t i = 0; i < bits_.size(); ++i) {
    uint64_t x = bits_[i] ^ other.bits_[i];
    x |= x >> 2;
    x |= x >> 1;
    different += std::popcount(x & 0x1111111111111111ULL);
  }
  const double matches = 1 - static_cast<double>(different) / kSamples;
  return std::max(0.0, (matches - kChanceMatch) / (1 - kChanceMatch));
}

uint64_t SourceSketch::Band(int band) const {
  const uint64_t word = bits_[static_cast<size_t>(band / 2)];
  return band % 2 == 0 ? word & 0xFFFFFFFFU : word >> 32;
}

NoveltyIndex::NoveltyIndex(double threshold) : threshold_(threshold), slots_(kFirstSlots, 0) {
  KS_CHECK(threshold > 0 && threshold <= 1);
}

size_t NoveltyIndex::SetOf(int band, const SourceSketch& sketch) const {
  const uint64_t key = sketch.Band(band) | static_cast<uint64_t>(band + 1) << 32;
  return (Mix(key) & (slots_.size() / kWays - 1)) * kWays;
}

void NoveltyIndex::Enter(uint32_t index) {
  for (int band = 0; band < SourceSketch::kBands; ++band) {
    const auto set =
        slots_.begin() + static_cast<std::ptrdiff_t>(SetOf(band, programs_[index].sketch));
    std::copy_backward(set, set + kWays - 1, set + kWays);
    *set = index + 1;
  }
}

void NoveltyIndex::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (uint32_t i = 0; i < programs_.size(); ++i) Enter(i);
}

void NoveltyIndex::Note(const Member& member, std::string_view source) {
  if (std::holds_alternative<DuplicateOf>(member.evaluation.outcome)) return;
  KS_CHECK(programs_.empty() || programs_.back().id < member.id);
  KS_CHECK(programs_.size() < std::numeric_limits<uint32_t>::max());
  const Measured* const measured = member.measured();
  const double speedup = measured == nullptr ? 0 : std::max(measured->speedup.mid, 1e-9);
  programs_.push_back({member.id, static_cast<float>(speedup), SourceSketch(source)});
  if (programs_.size() * SourceSketch::kBands > slots_.size()) return Grow();
  Enter(static_cast<uint32_t>(programs_.size() - 1));
}

const NoveltyIndex::Program* NoveltyIndex::Find(CandidateId id) const {
  const auto found = std::partition_point(programs_.begin(), programs_.end(),
                                          [id](const Program& p) { return p.id < id; });
  return found != programs_.end() && found->id == id ? &*found : nullptr;
}

std::optional<CandidateId> NoveltyIndex::NearCopyOf(std::string_view source,
                                                    const Member& parent) const {
  const SourceSketch sketch(source);
  const Program* const from = Find(parent.id);
  const double to_parent = from == nullptr ? 0 : sketch.SimilarityTo(from->sketch);
  const double bar = parent.measured() == nullptr ? 0 : parent.measured()->speedup.low;
  double nearest = to_parent;
  std::optional<CandidateId> copy;
  for (int band = 0; band < SourceSketch::kBands; ++band) {
    const size_t set = SetOf(band, sketch);
    for (size_t way = 0; way < kWays && slots_[set + way] != 0; ++way) {
      const Program& program = programs_[slots_[set + way] - 1];
      if (program.id == parent.id || (program.speedup > 0 && program.speedup >= bar)) continue;
      const double similarity = sketch.SimilarityTo(program.sketch);
      const bool nearer =
          similarity > nearest || (copy && similarity == nearest && program.id < *copy);
      if (similarity < threshold_ || !nearer) continue;
      nearest = similarity;
      copy = program.id;
    }
  }
  return copy;
}

}  // namespace ks

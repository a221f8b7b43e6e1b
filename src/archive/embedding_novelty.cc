#include "archive/embedding_novelty.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/text.h"

namespace ks {
namespace {

// The first line of a record. A line a text follows: its SHA-256, a blank, and its vector, eight
// hexadecimal digits a number (IEEE 754, the highest first), or "-" when there was none.
constexpr std::string_view kRecordTitle = "ksmith embeddings 1";
constexpr size_t kDigits = 8;

void AppendHex(uint32_t bits, std::string& out) {
  for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[bits >> shift & 15];
}

std::optional<uint32_t> FromHex(std::string_view digits) {
  uint32_t bits = 0;
  for (const char c : digits) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f')) return std::nullopt;
    bits = bits << 4 | static_cast<uint32_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return bits;
}

// Null when the length is not a number above 0.
std::shared_ptr<const Embedding> Normalised(Embedding vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::sqrt(sum);
  if (!std::isfinite(length) || length <= 0) return nullptr;
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
  return std::make_shared<const Embedding>(std::move(vector));
}

double Cosine(const Embedding& a, const Embedding& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

// Empty: the digits are no numbers.
std::optional<Embedding> VectorFromHex(std::string_view digits) {
  if (digits.empty() || digits.size() % kDigits != 0) return std::nullopt;
  Embedding vector;
  vector.reserve(digits.size() / kDigits);
  for (size_t at = 0; at < digits.size(); at += kDigits) {
    const std::optional<uint32_t> bits = FromHex(digits.substr(at, kDigits));
    if (!bits || !std::isfinite(std::bit_cast<float>(*bits))) return std::nullopt;
    vector.push_back(std::bit_cast<float>(*bits));
  }
  return vector;
}

}  // namespace

EmbeddingNovelty::EmbeddingNovelty(std::unique_ptr<Embedder> embedder, double threshold,
                                   std::unique_ptr<Novelty> fallback)
    : embedder_(std::move(embedder)), threshold_(threshold), fallback_(std::move(fallback)) {
  KS_CHECK(threshold > 0 && threshold <= 1);
}

Status EmbeddingNovelty::TakeOver(std::string_view record) {
  const Error broken{ErrorCode::kDataLoss, "a record of embeddings is not readable"};
  const std::vector<std::string_view> lines = Split(record, '\n');
  if (lines.front() != kRecordTitle || !lines.back().empty()) return broken;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const std::vector<std::string_view> words = SplitWords(lines[i]);
    if (words.size() != 2 || !Sha256FromHex(words[0])) return broken;
    Vector vector;
    if (words[1] != "-") {
      std::optional<Embedding> read = VectorFromHex(words[1]);
      if (!read || (dimensions_ != 0 && read->size() != dimensions_)) return broken;
      dimensions_ = read->size();
      vector = std::make_shared<const Embedding>(*std::move(read));
    }
    known_.emplace(words[0], std::move(vector));
  }
  return {};
}

EmbeddingNovelty::Vector EmbeddingNovelty::VectorOf(std::string_view text) const {
  const std::string hash = Sha256Hex(text);
  if (const auto found = known_.find(hash); found != known_.end()) return found->second;
  if (embedder_ == nullptr) return nullptr;
  std::optional<Embedding> answer = embedder_->Embed(std::string(text));
  Vector vector = answer ? Normalised(*std::move(answer)) : nullptr;
  // One of another length is no vector of this space.
  if (vector != nullptr && dimensions_ != 0 && vector->size() != dimensions_) vector = nullptr;
  if (vector != nullptr) dimensions_ = vector->size();
  if (record_.empty()) record_ = std::string(kRecordTitle) + "\n";
  record_ += hash + " ";
  if (vector == nullptr) record_ += '-';
  if (vector != nullptr) {
    for (const float x : *vector) AppendHex(std::bit_cast<uint32_t>(x), record_);
  }
  record_ += '\n';
  known_.emplace(hash, vector);
  return vector;
}

void EmbeddingNovelty::Note(const Member& member, std::string_view source) {
  if (std::holds_alternative<DuplicateOf>(member.evaluation.outcome)) return;
  KS_CHECK(programs_.empty() || programs_.back().id < member.id);
  const Measured* const measured = member.measured();
  const double speedup = measured == nullptr ? 0 : std::max(measured->speedup.mid, 1e-9);
  programs_.push_back({member.id, speedup, VectorOf(source)});
  if (fallback_ != nullptr) fallback_->Note(member, source);
}

const EmbeddingNovelty::Program* EmbeddingNovelty::Find(CandidateId id) const {
  const auto found = std::partition_point(programs_.begin(), programs_.end(),
                                          [id](const Program& p) { return p.id < id; });
  return found != programs_.end() && found->id == id ? &*found : nullptr;
}

std::optional<CandidateId> EmbeddingNovelty::NearCopyOf(std::string_view source,
                                                        const Member& parent) const {
  const Vector vector = VectorOf(source);
  const Program* const from = Find(parent.id);
  if (vector == nullptr || from == nullptr || from->vector == nullptr) {
    return fallback_ == nullptr ? std::nullopt : fallback_->NearCopyOf(source, parent);
  }
  const double bar = parent.measured() == nullptr ? 0 : parent.measured()->speedup.low;
  double nearest = Cosine(*vector, *from->vector);
  std::optional<CandidateId> copy;
  for (const Program& program : programs_) {
    if (program.id == parent.id || program.vector == nullptr) continue;
    if (program.speedup > 0 && program.speedup >= bar) continue;
    const double similarity = Cosine(*vector, *program.vector);
    if (similarity < threshold_ || similarity <= nearest) continue;
    nearest = similarity;
    copy = program.id;
  }
  return copy;
}

std::string EmbeddingNovelty::TakeRecord() { return std::exchange(record_, {}); }

}  // namespace ks

// Near copies, found by what tokens follow each other: b-bit minwise hashing (Li and König 2010) in
// one permutation (Shrivastava 2017), looked up by bands (Indyk and Motwani 1998).
#ifndef KS_ARCHIVE_NOVELTY_H_
#define KS_ARCHIVE_NOVELTY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "core/novelty.h"

namespace ks {

// 64 samples of four bits. Immutable value.
class SourceSketch {
 public:
  static constexpr int kSamples = 64;
  static constexpr int kBands = 8;

  // Over runs of four tokens (words, numbers, single signs; white space only separates). Comments
  // count: hand in a normalised text. A text of fewer tokens is one run.
  explicit SourceSketch(std::string_view source);
  // Estimate of the Jaccard similarity of the runs of both, 0 to 1; standard error about 0.03.
  double SimilarityTo(const SourceSketch& other) const;
  // Equal for similar texts with a high chance: similarity^8 for each band.
  uint64_t Band(int band) const;

 private:
  std::array<uint64_t, kSamples * 4 / 64> bits_{};
};

// Cost of a query and of a note: one pass over the text and kBands * kWays comparisons, whatever
// the number of programs. Memory: about 100 bytes a program. Where more than kWays programs share a
// band only the latest are compared.
class NoveltyIndex final : public Novelty {
 public:
  // `threshold`: least similarity of a near copy, in (0, 1].
  explicit NoveltyIndex(double threshold);

  // Duplicates are not kept. REQUIRES: ids rise.
  void Note(const Member& member, std::string_view source) override;
  // A child resembles its parent, and its siblings through it. So a near copy must also be closer
  // to the candidate than the candidate's own parent is: the same edit again, not another one.
  // "Slower": its estimate lies below the parent's interval.
  std::optional<CandidateId> NearCopyOf(std::string_view source,
                                        const Member& parent) const override;
  size_t size() const { return programs_.size(); }

  static constexpr size_t kWays = 8;

 private:
  struct Program {
    CandidateId id = kNoCandidate;
    float speedup = 0;  // 0: failed
    SourceSketch sketch;
  };
  // Null: never noted.
  const Program* Find(CandidateId id) const;
  size_t SetOf(int band, const SourceSketch& sketch) const;
  void Enter(uint32_t index);
  void Grow();

  const double threshold_;
  std::vector<Program> programs_;  // in order of id
  std::vector<uint32_t> slots_;    // sets of kWays: 1 + index of a program, latest first; 0: free
};

}  // namespace ks

#endif  // KS_ARCHIVE_NOVELTY_H_

// Near copies told by a server of embeddings; by shingles where it gave no answer.
#ifndef KS_ARCHIVE_EMBEDDING_NOVELTY_H_
#define KS_ARCHIVE_EMBEDDING_NOVELTY_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archive/novelty.h"
#include "base/result.h"
#include "core/embedder.h"

namespace ks {

// The rules are those of NoveltyIndex, with the cosine as similarity. A text is asked about once;
// the answer, or that there was none, is handed out by TakeRecord. Told the records of a run before
// the first call, it decides again as it did and asks about nothing that it asked about then.
// Cost of a query: one question, and one product of vectors for each noted program.
class EmbeddingNovelty final : public Novelty {
 public:
  // `threshold`: least cosine of a near copy. `fallback`: may be null, then nothing is a near copy
  // where a vector is missing. `embedder`: null: no text is asked about any more.
  EmbeddingNovelty(std::unique_ptr<Embedder> embedder, double threshold,
                   std::unique_ptr<Novelty> fallback);

  // What TakeRecord gave in an earlier session. ERRORS: kDataLoss.
  Status TakeOver(std::string_view record);

  void Note(const Member& member, std::string_view source) override;
  std::optional<CandidateId> NearCopyOf(std::string_view source,
                                        const Member& parent) const override;
  std::string TakeRecord() override;

 private:
  // Of length 1; null: there is none.
  using Vector = std::shared_ptr<const Embedding>;
  struct Program {
    CandidateId id = kNoCandidate;
    double speedup = 0;  // 0: failed
    Vector vector;
  };
  Vector VectorOf(std::string_view text) const;
  const Program* Find(CandidateId id) const;

  const std::unique_ptr<Embedder> embedder_;
  const double threshold_;
  const std::unique_ptr<Novelty> fallback_;
  std::vector<Program> programs_;  // in order of id
  // What was asked: a query notes its text too.
  mutable std::unordered_map<std::string, Vector> known_;  // by the text's SHA-256
  mutable std::string record_;
  mutable size_t dimensions_ = 0;  // 0: not known yet
};

}  // namespace ks

#endif  // KS_ARCHIVE_EMBEDDING_NOVELTY_H_

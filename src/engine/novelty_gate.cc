#include "engine/novelty_gate.h"

namespace ks {

Status NoveltyGate::NoteUpTo(CandidateId known) {
  if (novelty_ == nullptr) return {};
  for (; noted_ <= known; ++noted_) {
    KS_ASSIGN_OR_RETURN(const MemberPtr member, state_.Find(noted_));
    KS_ASSIGN_OR_RETURN(const std::string text, member->source.Load());
    if (text.empty()) continue;  // an answer without a program
    novelty_->Note(*member, Normalized(text));
  }
  return {};
}

std::optional<CandidateId> NoveltyGate::NearCopyOf(const std::string& source,
                                                   const Member& parent) const {
  if (novelty_ == nullptr) return std::nullopt;
  return novelty_->NearCopyOf(Normalized(source), parent);
}

}  // namespace ks

#include "engine/novelty_gate.h"

namespace ks {

Result<std::optional<CandidateId>> NoveltyGate::NearCopyOf(const std::string& source,
                                                           const Member& parent,
                                                           CandidateId known) {
  if (novelty_ == nullptr) return std::optional<CandidateId>();
  for (; noted_ <= known; ++noted_) {
    KS_ASSIGN_OR_RETURN(const MemberPtr member, state_.Find(noted_));
    KS_ASSIGN_OR_RETURN(const std::string text, member->source.Load());
    if (!text.empty()) novelty_->Note(*member, text);  // else an answer without a program
  }
  return novelty_->NearCopyOf(source, parent);
}

}  // namespace ks

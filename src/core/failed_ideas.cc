#include "core/failed_ideas.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace ks {
namespace {

// Empty: not a failed idea.
std::string FailureOf(const Outcome& outcome) {
  if (std::holds_alternative<DuplicateOf>(outcome)) return "";
  const Measured* const measured = AsMeasured(outcome);
  if (measured == nullptr) return OutcomeSummary(outcome);
  if (measured->gain.high >= 1) return "";
  return fmt::format("slower: {:.2f}x [{:.2f}, {:.2f}]", measured->gain.mid, measured->gain.low,
                     measured->gain.high);
}

// The word before the colon tells the sort of end apart well enough: "wrong result", "slower", ...
std::string_view SortOf(std::string_view outcome) { return outcome.substr(0, outcome.find(':')); }

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

}  // namespace

void FailedIdeas::Note(const Member& member) {
  const std::string outcome = FailureOf(member.evaluation.outcome);
  if (outcome.empty() || member.parent == kNoCandidate) return;
  FailedIdea idea;
  idea.parent = member.parent;
  idea.last = member.id;
  idea.skill = member.skill;
  idea.rationale = Shorten(member.rationale, kLongestText);
  idea.outcome = Shorten(outcome, kLongestText);
  const auto same = std::find_if(ideas_.begin(), ideas_.end(), [&](const FailedIdea& other) {
    return other.parent == idea.parent && other.skill == idea.skill &&
           SortOf(other.outcome) == SortOf(idea.outcome);
  });
  if (same != ideas_.end()) {
    idea.tries = same->tries + 1;
    ideas_.erase(same);
  }
  ideas_.push_back(std::move(idea));
  if (ideas_.size() > kMostIdeas) ideas_.pop_front();
}

std::vector<FailedIdea> FailedIdeas::Show(std::span<const CandidateId> lineage, size_t most) const {
  std::vector<FailedIdea> shown(ideas_.rbegin(), ideas_.rend());
  std::stable_partition(shown.begin(), shown.end(), [lineage](const FailedIdea& idea) {
    return std::find(lineage.begin(), lineage.end(), idea.parent) != lineage.end();
  });
  shown.resize(std::min(shown.size(), most));
  return shown;
}

std::string FailedIdeaText(const FailedIdea& idea) {
  std::string text = fmt::format("{} on {}", idea.skill, CandidateName(idea.parent));
  if (!idea.rationale.empty()) text += ": " + idea.rationale;
  text += " -> " + idea.outcome;
  if (idea.tries > 1) text += fmt::format(" ({} tries)", idea.tries);
  return OneLine(std::move(text));
}

}  // namespace ks

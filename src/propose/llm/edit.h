// What a model wants changed, applied to a parent: a rewrite, or SEARCH/REPLACE blocks. All or
// nothing: an edit that does not fit exactly is a failure with a reason, never half a child.
#ifndef KS_PROPOSE_LLM_EDIT_H_
#define KS_PROPOSE_LLM_EDIT_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ks {

// Why an answer made no child. `rule` is one of docs/llm.md's names; `reason` goes to the model.
struct EditFailure {
  std::string rule;
  std::string reason;
  bool operator==(const EditFailure&) const = default;
};
inline constexpr char kDoesNotApply[] = "edit_does_not_apply";
inline constexpr char kChangesFrozenText[] = "edit_outside_block";
inline constexpr char kNoChange[] = "edit_without_change";

using EditResult = std::variant<std::string, EditFailure>;  // the child, or why there is none

// `code`: a whole program with the parent's markers, or only its marked blocks. Everything outside
// the blocks of the child is the parent's, byte for byte; an answer that has other text there
// fails. A parent without markers is replaced as a whole; build directives that the answer leaves
// out are taken over from the parent.
EditResult ApplyRewrite(std::string_view parent, std::string_view code);

struct SearchReplace {
  std::string search;   // whole lines
  std::string replace;  // whole lines, or empty
  int line = 0;         // of the answer, for messages
  bool operator==(const SearchReplace&) const = default;
};

// Blocks of the form
//   <<<<<<< SEARCH
//   ...
//   =======
//   ...
//   >>>>>>> REPLACE
// in order; text between them is ignored. Empty when there are none.
std::variant<std::vector<SearchReplace>, EditFailure> ParseSearchReplace(std::string_view answer);

// Each block in turn must be found exactly once, as whole lines, inside one evolve block.
EditResult ApplySearchReplace(std::string_view parent, const std::vector<SearchReplace>& edits);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_EDIT_H_

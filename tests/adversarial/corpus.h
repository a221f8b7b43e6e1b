// The candidates of a corpus: files whose first line names the verdicts that they must get.
#ifndef KS_TESTS_ADVERSARIAL_CORPUS_H_
#define KS_TESTS_ADVERSARIAL_CORPUS_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace ks {

struct CorpusCase {
  std::string name;  // of the file
  std::string source;
  std::vector<std::string> verdicts;
};

inline void PrintTo(const CorpusCase& one, std::ostream* out) { *out << one.name; }

// Files of `folder` that end in `extension`, which their names are given without; empty: all. Their
// first line is "// expect: " or "# expect: ", then verdicts.
inline std::vector<CorpusCase> ReadCorpus(const std::string& folder,
                                          const std::string& extension = "") {
  std::vector<CorpusCase> cases;
  const PosixFileSystem files;
  for (const std::string& name : files.List(folder).value_or({})) {
    if (!name.ends_with(extension)) continue;
    Result<std::string> source = files.Read(folder + "/" + name, kMaxTextFileBytes);
    if (!source.ok()) continue;
    CorpusCase one{name.substr(0, name.size() - extension.size()), *std::move(source), {}};
    const std::string first = one.source.substr(0, one.source.find('\n'));
    for (const std::string_view word : SplitWords(first)) {
      if (word != "//" && word != "#" && word != "expect:") one.verdicts.emplace_back(word);
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace ks

#endif  // KS_TESTS_ADVERSARIAL_CORPUS_H_

// Whatever bytes a model's server sends, cut anywhere: reading them ends with an answer or an
// error, the answer's text is UTF-8, and what is found in it is a program that is text, or a
// reason.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "propose/llm/answer_text.h"
#include "propose/llm/chat_wire.h"
#include "propose/llm/experiment.h"

namespace {

void LookInside(const ks::ChatAnswer& answer, const char* backend) {
  const auto program = ks::ProgramIn(answer, {backend, "f"});
  if (const auto* text = std::get_if<std::string>(&program)) {
    KS_CHECK(text->find('\0') == std::string::npos);
    KS_CHECK(text->size() <= size_t{1} << 20);
  } else {
    KS_CHECK(!std::get_if<ks::EditFailure>(&program)->rule.empty());
    KS_CHECK(!std::get_if<ks::EditFailure>(&program)->reason.empty());
  }
  const auto edits = ks::EditsIn(answer);
  if (const auto* list = std::get_if<std::vector<ks::SearchReplace>>(&edits)) {
    KS_CHECK(!list->empty());
  }
  const std::string rationale = ks::RationaleIn(answer);
  KS_CHECK(rationale.size() <= 300);
  KS_CHECK(std::none_of(rationale.begin(), rationale.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  KS_CHECK(ks::PickThree(ks::ExperimentsIn(ks::JsonIn(answer))).size() <= 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = size_t{data[0]} + 1;
  ks::AnswerReader reader(4096);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.Feed(std::string_view(bytes).substr(at, piece))) break;
  }
  const ks::Result<ks::ChatAnswer> read = reader.Finish();
  if (read.ok()) {
    bool mended = false;
    KS_CHECK(ks::ValidUtf8(read->text, mended) == read->text && !mended);
    LookInside(*read, "cpu");
  } else {
    KS_CHECK(!read.error().message.empty());
  }
  KS_CHECK(ks::ServerMessage(bytes).size() <= 300);
  // The same bytes as the text of an answer.
  ks::ChatAnswer answer;
  answer.text = ks::ValidUtf8(bytes, answer.mended_utf8);
  answer.end = data[0] % 2 == 0 ? ks::ChatEnd::kStop : ks::ChatEnd::kLength;
  LookInside(answer, "cuda");
  return 0;
}

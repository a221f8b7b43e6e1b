#include "propose/llm/answer_text.h"

#include <gtest/gtest.h>

#include "tests/propose/llm/scripted_model.h"

namespace ks {
namespace {

const AnswerRules kCpu{"cpu", "scale"};

std::string Program(const std::string& text, ChatEnd end = ChatEnd::kStop,
                    const AnswerRules& rules = kCpu) {
  const auto found = ProgramIn(Saying(text, end), rules);
  if (const auto* program = std::get_if<std::string>(&found)) return *program;
  return std::get_if<EditFailure>(&found)->rule;
}

TEST(AnswerText, TakesTheLastFenceThatIsAProgram) {
  EXPECT_EQ(Program("Text\n```cpp\nvoid scale();\n```\nthen\n```cpp\nscale 2\n```\nand\n```cpp\n"
                    "int helper;\n```\n"),
            "scale 2\n");
  EXPECT_EQ(Program("~~~~\nscale\n```\n~~~~\n"), "scale\n```\n") << "a fence inside a longer one";
  EXPECT_EQ(Program("```C++ title=x\nscale\n```"), "scale\n") << "info in any case";
  EXPECT_EQ(Program("```\n// EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n```"),
            "// EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n")
      << "only a block";
}

TEST(AnswerText, TakesAnUnclosedFenceUnlessTheAnswerWasCutOff) {
  EXPECT_EQ(Program("```cpp\nscale\n"), "scale\n");
  EXPECT_EQ(Program("```cpp\nscale\n", ChatEnd::kLength), kCutOff);
  EXPECT_EQ(Program("```cpp\nsca", ChatEnd::kLength), kCutOff);
  EXPECT_EQ(Program("```cpp\nscale\n```\nand so", ChatEnd::kLength), "scale\n");
}

TEST(AnswerText, TakesAnAnswerThatIsNothingButAProgram) {
  EXPECT_EQ(Program("#include <cstdint>\nvoid scale() {}\n"),
            "#include <cstdint>\nvoid scale() {}\n");
  EXPECT_EQ(Program("The function scale is fine."), kNoCode);
}

TEST(AnswerText, RefusesAnswersWithoutAUsableProgram) {
  EXPECT_EQ(Program(""), kNoCode);
  EXPECT_EQ(Program("  \n"), kNoCode);
  EXPECT_EQ(Program("I cannot help with that."), kNoCode);
  EXPECT_EQ(Program("```cpp\nint other;\n```"), kNoCode);
  EXPECT_EQ(Program("```python\ndef scale(): pass\n```"), kWrongLanguage);
  EXPECT_EQ(Program("```cpp\nscale\n```", ChatEnd::kTooLarge), kTooLargeAnswer);
  EXPECT_EQ(Program("```cpp\nscale " + std::string(2u << 20, 'x') + "\n```"), kTooLargeAnswer);
  EXPECT_EQ(Program(std::string("```cpp\nscale \0\n```", 18)), kNotText);
  ChatAnswer mended = Saying("```cpp\nscale \xEF\xBF\xBD\n```");
  mended.mended_utf8 = true;
  EXPECT_EQ(std::get<EditFailure>(ProgramIn(mended, kCpu)).rule, kNotText);
}

TEST(AnswerText, LeavesReasoningOut) {
  EXPECT_EQ(WithoutReasoning("a<think>b</think>c"), "ac");
  EXPECT_EQ(WithoutReasoning("b</think>c"), "c");
  EXPECT_EQ(WithoutReasoning("a<think>b"), "a");
  EXPECT_EQ(WithoutReasoning("x</think>a<think>b</think>c</think>d"), "d");
  EXPECT_EQ(Program("<think>```cpp\nscale draft\n```</think>\n```cpp\nscale\n```"), "scale\n");
  EXPECT_EQ(Program("<think>```cpp\nscale draft\n```"), kNoCode) << "never came to an end";
}

TEST(AnswerText, ReadsManyReasoningTagsInLinearTime) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "<think></think>";
  EXPECT_EQ(WithoutReasoning(text + "x"), "x");
  text.clear();
  for (int i = 0; i < 200000; ++i) text += "<think></thinking>";
  EXPECT_EQ(WithoutReasoning(text), "");
}

TEST(AnswerText, FindsTheRationale) {
  EXPECT_EQ(RationaleIn(Saying("**Rationale:** tile the loop.\n```\nRationale: no\n```")),
            "tile the loop.");
  EXPECT_EQ(RationaleIn(Saying("First sentence.\nSecond.")), "First sentence.");
  EXPECT_EQ(RationaleIn(Saying("```cpp\nscale\n```")), "");
  EXPECT_EQ(RationaleIn(Saying("Rationale: a\x1b[31mb")), "a [31mb") << "no control characters";
  EXPECT_LE(RationaleIn(Saying("Rationale: " + std::string(9000, 'x'))).size(), 300u);
}

TEST(AnswerText, FindsJsonInAFenceOrInProse) {
  EXPECT_EQ(JsonIn(Saying("```json\n{\"a\": 1}\n```")), "{\"a\": 1}");
  EXPECT_EQ(JsonIn(Saying("Here {not json} it is: {\"a\": [1, 2]} done.")), "{\"a\": [1, 2]}");
  EXPECT_EQ(JsonIn(Saying("nothing")), "");
  EXPECT_EQ(JsonIn(Saying("{\"a\": ")), "");
}

}  // namespace
}  // namespace ks

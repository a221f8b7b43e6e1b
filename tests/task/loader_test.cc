#include "task/loader.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace ks {
namespace {

constexpr const char* kToml = R"([task]
name = "scale"
summary = "y = alpha * x"
axes = ["rows", "cols"]

[[input]]
name = "x"
dtype = "f32"
shape = ["rows", "cols + 1"]
fill = { kind = "uniform", low = -1, high = 2.5, variants = false }

[[input]]
name = "alpha"
dtype = "f32"
scalar = true
value = 0.5

[[output]]
name = "y"
dtype = "f32"
shape = ["rows", "cols"]

[cost]
flops = "rows*cols"

[tolerance]
relative = 1e-6
absolute = 1e-8
norm_relative = 2e-6

[reference]
file = "ref/reference.cc"

[seed.cpu]
file = "seed.cc"

[[workload]]
axes = { rows = 64, cols = 32 }
role = "time"
[[workload]]
axes = { rows = 1, cols = 1 }
role = "check"
[[workload]]
name = "odd"
axes = { rows = 3, cols = 7 }
role = "check"
[[workload]]
axes = { rows = 5, cols = 2 }
role = "check"
[[workload]]
axes = { rows = 9, cols = 99 }
role = "held_out"
)";

class Folder {
 public:
  explicit Folder(std::string toml = kToml) {
    Write("task.toml", toml);
    Write("ref/reference.cc", "// reference\n");
    Write("seed.cc", "// seed\n");
  }
  void Write(const std::string& file, const std::string& text) {
    EXPECT_TRUE(files_.WriteAtomically("/t/" + file, text).ok());
  }
  Result<Task> Load() const { return LoadTask(files_, "/t/"); }

 private:
  MemoryFileSystem files_;
};

// The message after replacing `from` by `to` in the good file.
std::string Complaint(const std::string& from, const std::string& to) {
  const std::string toml = ReplaceAll(kToml, from, to);
  EXPECT_NE(toml, kToml) << "nothing was replaced: " << from;
  const auto task = Folder(toml).Load();
  EXPECT_FALSE(task.ok()) << to;
  if (task.ok()) return "";
  EXPECT_EQ(task.error().code, ErrorCode::kInvalidArgument);
  return task.error().message;
}

void ExpectSays(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "said: " << message << "\nwant: " << part;
}

TEST(LoadTask, ReadsAWholeTask) {
  const auto task = Folder().Load();
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->name, "scale");
  EXPECT_EQ(task->entry, "scale");
  EXPECT_EQ(task->precision, "f32");
  EXPECT_EQ(task->max_threads, 1);
  EXPECT_EQ(task->origin, "/t");
  EXPECT_EQ(task->inputs[0].fill.parameters.at("low"), "-1");
  EXPECT_EQ(task->inputs[0].fill.parameters.at("high"), "2.5");
  EXPECT_EQ(task->inputs[0].fill.parameters.at("variants"), "false");
  EXPECT_TRUE(task->inputs[1].scalar);
  EXPECT_EQ(task->inputs[1].fill.parameters.at("value"), "0.5");
  EXPECT_EQ(task->outputs[0].shape, (std::vector<std::string>{"rows", "cols"}));
  EXPECT_EQ(task->tolerance.norm_relative, 2e-6);
  EXPECT_EQ(task->reference_source, "// reference\n");
  ASSERT_NE(task->FindSeed("cpu"), nullptr);
  EXPECT_EQ(task->FindSeed("cpu")->source, "// seed\n");
  EXPECT_EQ(task->WorkloadsOf(WorkloadRole::kCheck).size(), 3u);
  EXPECT_EQ(task->workloads[0].name, "rows=64,cols=32");
  EXPECT_EQ(task->workloads[2].name, "odd");
  EXPECT_EQ(
      EntryDeclaration(*task, false),
      "extern \"C\" void scale(const float* x, float alpha, float* y, int64_t rows, int64_t cols)");
}

TEST(LoadTask, ReadsWhichDevicesAWorkloadIsFor) {
  const auto task = Folder(ReplaceAll(kToml, "axes = { rows = 64, cols = 32 }",
                                      "on = \"cpu\"\naxes = { rows = 64, cols = 32 }"))
                        .Load();
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->workloads[0].on, "cpu");
  EXPECT_EQ(task->workloads[1].on, "");
  EXPECT_NE(task->hash, Folder().Load()->hash);
  ExpectSays(
      Complaint("axes = { rows = 64, cols = 32 }", "on = \"tpu\"\naxes = { rows = 64, cols = 32 }"),
      "unknown device class 'tpu'; expected cpu or gpu");
}

TEST(LoadTask, WantsWorkloadsForEveryDeviceThatHasASeed) {
  ExpectSays(
      Complaint("axes = { rows = 64, cols = 32 }", "on = \"gpu\"\naxes = { rows = 64, cols = 32 }"),
      "role = \"time\" is needed for the cpu");
  const std::string on_cpu = ReplaceAll(kToml, "axes = { rows = 64, cols = 32 }",
                                        "on = \"cpu\"\naxes = { rows = 64, cols = 32 }");
  ASSERT_TRUE(Folder(on_cpu).Load().ok());
  const auto task =
      Folder(ReplaceAll(on_cpu, "[seed.cpu]", "[seed.cuda]\nfile = \"seed.cc\"\n[seed.cpu]"))
          .Load();
  ASSERT_FALSE(task.ok());
  ExpectSays(task.error().message, "role = \"time\" is needed for the gpu");
}

TEST(LoadTask, AllowsLargerWorkloadsOnAGpu) {
  const std::string large = "axes = { rows = 16384, cols = 8192 }";
  ExpectSays(Complaint("axes = { rows = 64, cols = 32 }", large), "the limit is");
  const auto task = Folder(ReplaceAll(kToml, "[[workload]]\naxes = { rows = 64",
                                      "[[workload]]\non = \"gpu\"\nrole = \"time\"\n" + large +
                                          "\n[[workload]]\naxes = { rows = 64"))
                        .Load();
  EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
}

TEST(LoadTask, ReadsSixteenBitFloats) {
  const auto task =
      Folder(ReplaceAll(kToml, "dtype = \"f32\"\nshape", "dtype = \"bf16\"\nshape")).Load();
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->inputs[0].dtype, DType::kBF16);
  EXPECT_EQ(task->outputs[0].dtype, DType::kBF16);
}

TEST(LoadTask, NamesLineAndColumnOfASyntaxError) {
  ExpectSays(Complaint("summary = \"y = alpha * x\"", "summary = "), "/t/task.toml:3:");
  ExpectSays(Complaint("[cost]", "[cost"), "/t/task.toml:23:");
}

TEST(LoadTask, SuggestsTheKeyThatWasMeant) {
  const std::string said = Complaint("summary =", "sumary =");
  ExpectSays(said, "'summary' is missing; expected a string");
  ExpectSays(
      Complaint("norm_relative =", "norm_relativ ="),
      "/t/task.toml:29:16: [tolerance]: unknown key 'norm_relativ'; did you mean 'norm_relative'?");
  ExpectSays(Complaint("[cost]", "[costs]"), "did you mean 'cost'?");
  ExpectSays(Complaint("role = \"held_out\"", "role = \"held_out\"\nweight = 2"),
             "unknown key 'weight'");
}

TEST(LoadTask, SaysWhatWasExpected) {
  ExpectSays(Complaint("summary = \"y = alpha * x\"", "summary = 7"), "'summary' must be a string");
  ExpectSays(Complaint("summary = \"y = alpha * x\"", "summary = 2026-01-01"), "dates and times");
  ExpectSays(Complaint("axes = [\"rows\", \"cols\"]", "axes = \"rows\""),
             "must be an array of strings");
  ExpectSays(Complaint("dtype = \"f32\"\nscalar", "dtype = \"f23\"\nscalar"),
             "unknown dtype 'f23'");
  ExpectSays(Complaint("\"held_out\"", "\"hidden\""), "expected time, check or held_out");
  ExpectSays(Complaint("relative = 1e-6", "relative = -1"), "finite number >= 0");
  ExpectSays(Complaint("value = 0.5\n", ""), "a scalar needs 'value'");
  ExpectSays(Complaint("[[output]]", "[output]"), "with two brackets");
  ExpectSays(Complaint("name = \"odd\"", "max_threads = 0"), "unknown key");
  ExpectSays(Complaint("summary =", "max_threads = 0\nsummary ="), "from 1 to 1024");
  ExpectSays(Complaint("summary =", "precision = \"f8\"\nsummary ="), "unknown precision 'f8'");
}

TEST(LoadTask, RefusesNamesThatCannotBeArguments) {
  ExpectSays(Complaint("name = \"alpha\"", "name = \"double\""),
             "input 'double' must be an identifier");
  ExpectSays(Complaint("name = \"alpha\"", "name = \"a-b\""), "must be an identifier");
  ExpectSays(Complaint("name = \"alpha\"", "name = \"x\""), "already taken");
  ExpectSays(Complaint("name = \"alpha\"", "name = \"rows\""), "already taken");
  ExpectSays(Complaint("name = \"scale\"", "name = \"../scale\""), "must be an identifier");
}

TEST(LoadTask, RefusesExtentsThatDoNotEvaluate) {
  ExpectSays(Complaint("\"cols + 1\"", "\"col + 1\""), "did you mean 'cols'?");
  ExpectSays(Complaint("\"cols + 1\"", "\"cols - 1\""), "'x' is empty in workload rows=1,cols=1");
  ExpectSays(Complaint("\"cols + 1\"", "\"cols / 2\""), "must be an integer");
  ExpectSays(Complaint("flops = \"rows*cols\"", "flops = \"rows*\""), "/t/task.toml:23:1: flops: ");
  ExpectSays(Complaint("rows = 9, cols", "rows = 9, clos"), "axis 'cols' is missing");
  ExpectSays(Complaint("rows = 9,", "rows = 0,"), "'rows' must be from 1");
  ExpectSays(Complaint("rows = 9,", "rows = 9, depth = 2,"), "unknown key 'depth'");
}

TEST(LoadTask, RefusesAWorkloadThatIsTooLarge) {
  ExpectSays(Complaint("rows = 9, cols = 99", "rows = 9000, cols = 9999"), "the limit is 256 MiB");
}

TEST(LoadTask, WantsOneTimeAndThreeCheckWorkloads) {
  ExpectSays(Complaint("role = \"time\"", "role = \"held_out\""), "role = \"time\" is needed");
  ExpectSays(Complaint("name = \"odd\"\naxes = { rows = 3, cols = 7 }\nrole = \"check\"",
                       "axes = { rows = 3, cols = 7 }\nrole = \"time\""),
             "at least 3 workloads with role = \"check\" are needed for the cpu, there are 2");
  ExpectSays(Complaint("rows = 5, cols = 2", "rows = 1, cols = 1"), "is there twice");
}

TEST(LoadTask, RefusesABadFillWithItsPosition) {
  ExpectSays(Complaint("kind = \"uniform\"", "kind = \"unifrom\""), "/t/task.toml:6:1");
  ExpectSays(Complaint("kind = \"uniform\"", "kind = \"unifrom\""), "did you mean 'uniform'?");
  ExpectSays(Complaint("kind = \"uniform\", ", ""), "'kind' is missing");
  ExpectSays(Complaint("low = -1", "low = 3"), "low must not exceed high");
}

TEST(LoadTask, StaysInsideItsFolder) {
  ExpectSays(Complaint("\"seed.cc\"", "\"../seed.cc\""), "inside the task folder");
  ExpectSays(Complaint("\"seed.cc\"", "\"/etc/passwd\""), "inside the task folder");
  ExpectSays(Complaint("\"seed.cc\"", "\"a/../../seed.cc\""), "inside the task folder");
}

TEST(LoadTask, ReportsMissingAndBinaryFiles) {
  MemoryFileSystem empty;
  const auto nothing = LoadTask(empty, "/t");
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::kNotFound);
  const auto missing = Folder(ReplaceAll(kToml, "\"seed.cc\"", "\"sed.cc\"")).Load();
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  ExpectSays(missing.error().message, "[seed.cpu]");
  Folder binary;
  binary.Write("seed.cc", std::string("\x7f"
                                      "ELF\0\0",
                                      6));
  ASSERT_FALSE(binary.Load().ok());
  ExpectSays(binary.Load().error().message, "binary file");
}

TEST(LoadTask, HashCoversWhatDecidesAVerdictAndNothingElse) {
  const auto hash_of = [](const std::string& from, const std::string& to) {
    const auto task = Folder(ReplaceAll(kToml, from, to)).Load();
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    return task.ok() ? task->hash : "";
  };
  const std::string base = hash_of("#", "#");
  EXPECT_EQ(base, hash_of("y = alpha * x", "another summary"));
  EXPECT_NE(base, hash_of("value = 0.5", "value = 0.25"));
  EXPECT_NE(base, hash_of("relative = 1e-6", "relative = 2e-6"));
  EXPECT_NE(base, hash_of("rows = 64", "rows = 65"));
  EXPECT_NE(base, hash_of("low = -1", "low = -2"));
  EXPECT_NE(base, hash_of("flops = \"rows*cols\"", "flops = \"2*rows*cols\""));
  Folder other;
  other.Write("ref/reference.cc", "// another\n");
  EXPECT_NE(base, other.Load()->hash);
}

TEST(LoadTask, SurvivesDamagedFiles) {
  const std::string good = kToml;
  for (size_t cut = 0; cut < good.size(); cut += 7) {
    const auto task = Folder(good.substr(0, cut)).Load();
    EXPECT_FALSE(task.ok() && task->workloads.size() > 5);
  }
}

}  // namespace
}  // namespace ks

#include "cli/python_child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace ks {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A shell script in place of an interpreter, in a folder of its own.
class PythonChild : public testing::Test {
 protected:
  PythonChild() {
    std::string path = testing::TempDir() + "ks_python_child_XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~PythonChild() override { std::filesystem::remove_all(folder_); }

  Result<PythonAnswer> Run(const std::string& script, milliseconds timeout = seconds(60)) {
    const std::string interpreter = folder_ + "/python";
    std::ofstream(interpreter) << "#!/bin/sh\n" << script;
    chmod(interpreter.c_str(), 0755);
    return RunPythonModule(interpreter, "module", {folder_}, timeout, {});
  }
  std::string Read(const std::string& name) const {
    std::string text;
    std::ifstream(folder_ + "/" + name) >> text;
    return text;
  }

  std::string folder_;
};

TEST_F(PythonChild, GivesWhatItSaysAndItsStatus) {
  const auto answer = Run("echo said; exit 3\n");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->out, "said\n");
  EXPECT_EQ(answer->status, 3);
}

TEST_F(PythonChild, TellsOfASignalInPlaceOfAStatus) {
  const auto answer = Run("echo said; kill -SEGV $$\n");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->out, "said\n");
  EXPECT_EQ(answer->status, -1);
}

TEST_F(PythonChild, DoesNotWaitForWhoHoldsTheOutputOpenBehindIt) {
  const auto begin = steady_clock::now();
  // A grandchild with the pipe; the last argument of the call is the folder.
  const auto answer =
      Run("for folder; do :; done\nsleep 100 & echo $! > $folder/sleeper; echo said\n");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->out, "said\n");
  EXPECT_LT(steady_clock::now() - begin, seconds(50));
  const pid_t sleeper = static_cast<pid_t>(std::stol(Read("sleeper")));
  // It was killed with the group; a zombie that nobody has waited for yet may still have the
  // number.
  const auto gone = [&] {
    if (kill(sleeper, 0) != 0) return true;
    std::ifstream file("/proc/" + std::to_string(sleeper) + "/stat");
    std::string number, name, state;
    file >> number >> name >> state;
    return state.empty() || state == "Z" || state == "X";
  };
  while (!gone() && steady_clock::now() - begin < seconds(50)) usleep(1000);
  EXPECT_TRUE(gone());
}

TEST_F(PythonChild, ReadsAllThatFitsAndEndsWhoSaysMore) {
  const auto much = Run("head -c 9000000 /dev/zero\n");
  ASSERT_TRUE(much.ok());
  EXPECT_EQ(much->out.size(), 9000000u);
  const auto more = Run("exec cat /dev/zero\n");
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(PythonChild, EndsWhoTakesTooLong) {
  const auto begin = steady_clock::now();
  for (const char* script : {"exec sleep 100\n", "exec sleep 100 >&-\n"}) {
    const auto answer = Run(script, milliseconds(50));
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_LT(steady_clock::now() - begin, seconds(50));
}

}  // namespace
}  // namespace ks

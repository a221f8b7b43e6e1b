#include "cli/bench_progress.h"

#include <fmt/format.h>

#include <utility>

#include "report/numbers.h"

namespace ks {
namespace {

constexpr double kLeastWorkSeconds = 0.5;  // below it the task was done before

}  // namespace

// The search of one task. Single thread.
class BenchWatch final : public Observer {
 public:
  BenchWatch(BenchProgress& progress, size_t lane, std::string task)
      : progress_(progress),
        lane_(lane),
        task_(std::move(task)),
        tracker_({progress.options_.rounds, 0, 0}) {
    Tell();
  }
  void OnEvent(const Event& event) override {
    tracker_.Apply(event);
    Tell();
  }

 private:
  void Tell() {
    const ProgressState& state = tracker_.state();
    std::string text = fmt::format("{} {}/{}", task_, state.steps_done, state.goal.steps);
    if (state.best_speedup.mid > 0) text += " " + FormatSpeedup(state.best_speedup.mid);
    progress_.Say(lane_, std::move(text));
  }

  BenchProgress& progress_;
  const size_t lane_;
  const std::string task_;
  ProgressTracker tracker_;
};

std::unique_ptr<Observer> BenchProgress::Watch(size_t lane, const std::string& task) {
  return std::make_unique<BenchWatch>(*this, lane, PrintableLine(task));
}

void BenchProgress::Judging(size_t lane, const std::string& task) {
  Say(lane, PrintableLine(task) + " final answer");
}

void BenchProgress::Say(size_t lane, std::string text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (at_[lane] == text) return;
  at_[lane] = std::move(text);
  Draw();
}

void BenchProgress::Done(size_t lane, const BenchedTask& task, double took_s) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++done_;
  at_.erase(lane);
  if (took_s >= kLeastWorkSeconds) {
    ++worked_;
    worked_s_ += took_s;
  }
  std::string result = FormatSpeedup(task.speedup);
  if (task.unchanged) result += ", nothing better was found";
  if (task.state != AnswerState::kCorrect) {
    result = fmt::format("{}: {}", AnswerStateName(task.state), PrintableLine(task.reason));
  }
  std::string line =
      fmt::format("[{:>{}}/{}] {:<24} {}", done_, fmt::formatted_size("{}", options_.planned),
                  options_.planned, PrintableLine(task.name), result);
  if (NamesDevices()) line += fmt::format("   device {}", options_.lanes[lane]);
  if (worked_ > 0 && done_ < options_.planned) {
    const double left = worked_s_ / static_cast<double>(worked_) *
                        static_cast<double>(options_.planned - done_) /
                        static_cast<double>(options_.lanes.size());
    line += fmt::format("   about {} left", FormatSeconds(left));
  }
  Erase();
  options_.sink(line + "\n");
  Draw();
}

void BenchProgress::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  at_.clear();
  Erase();
}

void BenchProgress::Erase() {
  if (drawn_) options_.sink("\r\x1b[K");
  drawn_ = false;
}

void BenchProgress::Draw() {
  if (!options_.terminal || at_.empty()) return;
  std::string line = fmt::format("{}/{} done", done_, options_.planned);
  for (const auto& [lane, text] : at_) {
    line += " | ";
    if (NamesDevices()) line += fmt::format("{}: ", options_.lanes[lane]);
    line += text;
  }
  Erase();
  options_.sink(FitWidth(line, options_.columns() - 1, options_.style));
  drawn_ = true;
}

}  // namespace ks

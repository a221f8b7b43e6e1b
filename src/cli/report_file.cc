#include "cli/report_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/wiring.h"
#include "core/kernel_source.h"
#include "report/html.h"
#include "store/run_folder.h"

namespace ks {

Status WriteReportFile(const RecordedRun& run, const std::string& path) {
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Archive> archive, ArchiveOf(run));
  ReportInput input;
  input.run = {&run.view,       run.dir,         archive->Cells(),
               archive->axes(), archive->Hash(), ComparisonOf(run.dir)};
  input.source = [&run](const std::string& hash) { return run.store->GetSource(hash); };
  input.kernel_file = "best." + std::string(SourceEnding(run.view.started.backend));
  input.written_unix_ms = SystemClock().UnixMs();
  if (const Result<Task> task = OpenRecordedTask(run.view.started); task.ok()) {
    input.task_summary = task->summary;
  }
  KS_ASSIGN_OR_RETURN(const std::string html, HtmlReport(input));
  PosixFileSystem files;
  return files.WriteAtomically(path, html);
}

}  // namespace ks

#include "store/run_folder.h"

namespace ks {

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
}

std::string RunFolder::BestPath(std::string_view ending) const {
  return path_ + "/best." + std::string(ending);
}

bool HoldsRun(const FileSystem& files, const RunFolder& folder) {
  return files.IsFile(folder.DatabasePath());
}

Result<std::vector<RunFolder>> ListRuns(const FileSystem& files, const std::string& root) {
  const RunFolder top(root);
  if (HoldsRun(files, top)) return std::vector<RunFolder>{top};
  KS_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(top.path()));
  std::vector<RunFolder> runs;
  for (const std::string& name : names) {
    RunFolder folder(top.path() + "/" + name);
    if (HoldsRun(files, folder)) runs.push_back(std::move(folder));
  }
  return runs;
}

}  // namespace ks

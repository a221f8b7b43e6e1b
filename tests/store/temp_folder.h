// A folder of a test's own, removed at its end.
#ifndef KS_TESTS_STORE_TEMP_FOLDER_H_
#define KS_TESTS_STORE_TEMP_FOLDER_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/check.h"

namespace ks {

class TempFolder {
 public:
  TempFolder() : path_(testing::TempDir() + "/ks_test_XXXXXX") {
    KS_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace ks

#endif  // KS_TESTS_STORE_TEMP_FOLDER_H_

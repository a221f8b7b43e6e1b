// The secret that a service and its clients share, from a file.
#ifndef KS_CLI_TOKEN_FILE_H_
#define KS_CLI_TOKEN_FILE_H_

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ks {

// The file's text without white space around it. ERRORS: kNotFound; kInvalidArgument (shorter than
// 16 or longer than 1024 characters, or with blanks or control characters inside).
Result<std::string> ReadTokenFile(const FileSystem& files, const std::string& path);

}  // namespace ks

#endif  // KS_CLI_TOKEN_FILE_H_

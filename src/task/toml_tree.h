// A TOML document as a plain tree with positions. The only wrapper of the TOML parser.
#ifndef KS_TASK_TOML_TREE_H_
#define KS_TASK_TOML_TREE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace ks {

// Where a value stands in its file, 1-based.
struct TomlPosition {
  int line = 0;
  int column = 0;
};

struct TomlValue;
using TomlArray = std::vector<TomlValue>;
using TomlTable = std::map<std::string, TomlValue>;

// Value. Dates and times are not supported: they read as an error.
struct TomlValue {
  std::variant<std::string, int64_t, double, bool, TomlArray, TomlTable> value;
  TomlPosition position;
};

// The root table of `text`. `file` names it in messages.
// ERRORS: kInvalidArgument "file:line:column: what the parser says".
Result<TomlTable> ParseToml(std::string_view text, const std::string& file);

// Reads the known keys of one table, and complains about the others. Keeps the first error, so that
// a caller reads all fields and asks once. Single thread; borrows the table.
class TomlReader {
 public:
  // `what` names the table in messages, for example "[[input]]".
  TomlReader(const TomlTable& table, TomlPosition position, std::string file, std::string what);

  // Each records an error and returns an empty value when the key is missing or of another type.
  std::string String(const std::string& key);
  std::vector<std::string> Strings(const std::string& key);
  const TomlTable* Table(const std::string& key);
  // A missing key gives `fallback`.
  std::string String(const std::string& key, const std::string& fallback);
  int64_t Integer(const std::string& key, int64_t fallback);
  double Number(const std::string& key, double fallback);
  bool Bool(const std::string& key, bool fallback);
  const TomlTable* OptionalTable(const std::string& key);
  // The tables of [[key]]; none when missing.
  std::vector<const TomlValue*> Tables(const std::string& key);

  bool Has(const std::string& key) const { return table_.count(key) != 0; }
  // Position of a key's value, or of the table when it is missing.
  TomlPosition PositionOf(const std::string& key) const;
  // An error of this table at the position of `key` (or of the table).
  Error ErrorAt(const std::string& key, std::string_view what) const;
  // The first error; else an unknown key as an error with a hint; else success.
  Status Finish();

 private:
  const TomlValue* Find(const std::string& key);
  void Expected(const std::string& key, const char* what);
  void Fail(Error error);

  const TomlTable& table_;
  const TomlPosition position_;
  const std::string file_;
  const std::string what_;
  std::vector<std::string> known_;
  Status first_error_;
};

// "file:line:column"
std::string FormatPosition(const std::string& file, TomlPosition position);

}  // namespace ks

#endif  // KS_TASK_TOML_TREE_H_

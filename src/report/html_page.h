// The frame of every HTML page: one file that needs nothing else (no network, no other file).
#ifndef KS_REPORT_HTML_PAGE_H_
#define KS_REPORT_HTML_PAGE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ks {

// All of it HTML but for the title, which is escaped here.
struct HtmlPage {
  std::string title;
  std::string brand;  // a word or two above the heading
  std::string heading;
  std::string summary;                                     // one line below it; may be empty
  std::string sub;                                         // machine, date and the like
  std::vector<std::pair<std::string, std::string>> links;  // (id of a section, its title)
  std::string body;                                        // the sections
  std::string footer;
  std::string tips = "{}";  // hover texts: JSON that is safe inside <script>
};

// A content security policy allows no script but the page's own.
std::string RenderPage(const HtmlPage& page);

// A section with its heading and one line that says how to read it.
std::string Section(std::string_view id, std::string_view title, std::string_view lead,
                    std::string_view body);
// Keys of a chart: (class of the mark, what it means), both ours.
std::string Legend(const std::vector<std::pair<std::string_view, std::string_view>>& keys);

}  // namespace ks

#endif  // KS_REPORT_HTML_PAGE_H_

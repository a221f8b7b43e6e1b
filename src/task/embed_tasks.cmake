# cmake -DTASKS=<folder> -DOUT=<file.cc> -P embed_tasks.cmake: writes the task files as a C++ table.
file(GLOB paths RELATIVE ${TASKS} ${TASKS}/*/*)
list(FILTER paths EXCLUDE REGEX "^torch/")  # PyTorch modules are files of their own
list(SORT paths)
set(text "#include \"task/embedded.h\"\n\n#include <array>\n\nnamespace ks {\nnamespace {\n\n")
set(rows "")
set(count 0)
foreach(path IN LISTS paths)
  file(READ ${TASKS}/${path} content)
  string(FIND "${content}" ")KSFILE\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${path} contains the text that ends an embedded file.")
  endif()
  string(APPEND rows "    {\"${path}\", R\"KSFILE(${content})KSFILE\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
string(APPEND text "constexpr std::array<EmbeddedFile, ${count}> kFiles = {{\n${rows}}};\n\n}  // namespace\n\n"
  "std::span<const EmbeddedFile> EmbeddedTaskFiles() { return kFiles; }\n\n}  // namespace ks\n")
file(WRITE ${OUT} "${text}")

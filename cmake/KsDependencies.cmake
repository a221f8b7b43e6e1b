# Third parties, found once, static where Debian ships an archive. Each target is used by one wrapper.
find_package(Threads REQUIRED)

function(ks_static_library target archive header)
  find_library(${target}_ARCHIVE NAMES lib${archive}.a)
  find_path(${target}_INCLUDE ${header})
  if(NOT ${target}_ARCHIVE OR NOT ${target}_INCLUDE)
    message(FATAL_ERROR "lib${archive}.a or ${header} is missing: run 'make setup'.")
  endif()
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${target}_ARCHIVE}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${${target}_INCLUDE})
endfunction()

ks_static_library(ks_sqlite sqlite3 sqlite3.h)
target_link_libraries(ks_sqlite INTERFACE m dl Threads::Threads)
ks_static_library(ks_zstd zstd zstd.h)
ks_static_library(ks_crypto crypto openssl/sha.h)
ks_static_library(ks_ssl ssl openssl/ssl.h)
target_link_libraries(ks_ssl INTERFACE ks_crypto)
ks_static_library(ks_seccomp seccomp seccomp.h)
ks_static_library(ks_tree_sitter tree-sitter tree_sitter/api.h)

function(ks_header_library target header)
  find_path(${target}_INCLUDE ${header})
  if(NOT ${target}_INCLUDE)
    message(FATAL_ERROR "${header} is missing: run 'make setup'.")
  endif()
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE})
endfunction()
ks_header_library(ks_json nlohmann/json.hpp)
ks_header_library(ks_cli11 CLI/CLI.hpp)
ks_header_library(ks_tomlplusplus toml++/toml.h)
# One setting for the whole program: with two, toml++ breaks the one-definition rule.
target_compile_definitions(ks_tomlplusplus INTERFACE TOML_EXCEPTIONS=0)
ks_header_library(ks_fmt fmt/format.h)
# Asio and Beast: headers alone, without the compiled parts of Boost.
ks_header_library(ks_boost boost/beast.hpp)
target_compile_definitions(ks_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)

# Grammars: generated C from PyPI source distributions, unpacked by tools/setup.sh.
function(ks_grammar target folder)
  set(${target}_DIR "${CMAKE_SOURCE_DIR}/build/third_party/${folder}" CACHE PATH
    "Folder with parser.c and scanner.c of ${folder}")
  if(NOT EXISTS ${${target}_DIR}/parser.c)
    message(FATAL_ERROR "A grammar is missing in ${${target}_DIR}: run 'make setup'.")
  endif()
  add_library(${target} STATIC ${${target}_DIR}/parser.c ${${target}_DIR}/scanner.c)
  target_link_libraries(${target} PRIVATE ks_tree_sitter)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/grammar_compat)
  target_compile_options(${target} PRIVATE -w -O1
    -include ${CMAKE_SOURCE_DIR}/cmake/grammar_compat/compat.h)
endfunction()
ks_grammar(ks_grammar_cpp tree_sitter_cpp)
ks_grammar(ks_grammar_python tree_sitter_python)

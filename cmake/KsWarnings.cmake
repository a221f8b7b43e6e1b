# Warnings and sanitizers of own code only; third-party headers are SYSTEM.
add_library(ks_settings INTERFACE)
target_compile_options(ks_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wno-missing-field-initializers)  # designated initialisers leave the rest at its default
target_compile_features(ks_settings INTERFACE cxx_std_20)
if(KS_SANITIZE)
  target_compile_options(ks_settings INTERFACE -fsanitize=${KS_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(ks_settings INTERFACE -fsanitize=${KS_SANITIZE})
else()
  # One file that runs on any x86-64 Linux with this glibc or newer.
  target_link_options(ks_settings INTERFACE -static-libstdc++ -static-libgcc)
endif()
# Warnings stop those who work on it (builds with tests), not those who only want to run it.
if(KS_BUILD_TESTS)
  target_compile_options(ks_settings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12 on "literal" + std::string (GCC bug 105651); through a precompiled header
  # they are not taken for the library's own.
  target_compile_options(ks_settings INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                         -Wno-stringop-overread)
endif()

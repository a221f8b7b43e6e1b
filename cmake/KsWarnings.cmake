# Warnings and sanitizers of own code only; third-party headers are SYSTEM.
add_library(ks_settings INTERFACE)
target_compile_options(ks_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -Wno-missing-field-initializers)  # designated initialisers leave the rest at its default
target_compile_features(ks_settings INTERFACE cxx_std_20)
if(KS_SANITIZE)
  target_compile_options(ks_settings INTERFACE -fsanitize=${KS_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(ks_settings INTERFACE -fsanitize=${KS_SANITIZE})
else()
  # One file that runs on any x86-64 Linux with this glibc or newer.
  target_link_options(ks_settings INTERFACE -static-libstdc++ -static-libgcc)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12 on "literal" + std::string (GCC bug 105651).
  target_compile_options(ks_settings INTERFACE -Wno-restrict)
endif()

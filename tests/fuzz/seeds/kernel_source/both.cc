// ksmith: compiler clang++
// ksmith: flags -O3 -march=x86-64-v3
int x;

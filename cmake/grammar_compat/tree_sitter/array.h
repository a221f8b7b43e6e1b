// The growing array that scanners of tree-sitter 0.23 expect; Debian's 0.20 does not ship it.
#ifndef KS_GRAMMAR_COMPAT_ARRAY_H_
#define KS_GRAMMAR_COMPAT_ARRAY_H_

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define Array(T)       \
  struct {             \
    T* contents;       \
    uint32_t size;     \
    uint32_t capacity; \
  }

static inline void* ks_array_grow(void* contents, uint32_t* capacity, uint32_t wanted,
                                  size_t element) {
  if (wanted <= *capacity) return contents;
  uint32_t next = *capacity < 8 ? 8 : *capacity * 2;
  if (next < wanted) next = wanted;
  *capacity = next;
  return realloc(contents, next * element);
}

#define array_init(self) memset((self), 0, sizeof *(self))
#define array_get(self, index) (assert((index) < (self)->size), &(self)->contents[index])
#define array_back(self) array_get(self, (self)->size - 1)
#define array_clear(self) ((self)->size = 0)
#define array_reserve(self, count)                                                   \
  ((self)->contents = ks_array_grow((self)->contents, &(self)->capacity, (count), \
                                    sizeof *(self)->contents))
#define array_push(self, element) \
  (array_reserve(self, (self)->size + 1), (self)->contents[(self)->size++] = (element))
#define array_pop(self) ((self)->contents[--(self)->size])
#define array_delete(self) (free((self)->contents), array_init(self))

#endif  // KS_GRAMMAR_COMPAT_ARRAY_H_

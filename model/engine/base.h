// Texts, faults that carry words, and files: what the engine's other parts stand on.
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

typedef struct {
    const char *bytes; // not terminated
    size_t size;
} Text;

Text text(const char *terminated);
bool same(Text one, Text other);

// Where a loader returns to when it cannot go on, and why. `if (setjmp(fault.where)) ...fault.message...`
typedef struct {
    jmp_buf where;
    char message[1024];
} Fault;

_Noreturn void fail(Fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

Text read_file(Arena *arena, Fault *fault, const char *folder, const char *name); // terminated all the same

// A file in the page cache, read only.
typedef struct {
    const char *bytes;
    size_t size;
} Mapping;

Mapping map_file(Fault *fault, const char *folder, const char *name);
bool bring_in(Mapping mapping, size_t start, size_t size); // into memory; false where the file has become shorter
void unmap(Mapping mapping); // in steps, so that nobody who needs the process's memory waits long

uint64_t now_ns(void);

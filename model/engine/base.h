// Memory by the block, faults that carry words, and files: what the engine's other parts stand on.
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *bytes; // not terminated
    size_t size;
} Text;

Text text(const char *terminated);
bool same(Text one, Text other);

// Memory that is given out piece by piece and taken back all at once.
typedef struct Block Block;
typedef struct {
    Block *blocks;
} Arena;

void *take(Arena *arena, size_t bytes); // zeros, on a boundary of 64 bytes
void reset(Arena *arena);               // takes all pieces back and keeps the memory for the next ones
void release(Arena *arena);
#define TAKE(arena, type, count) ((type *)take((arena), sizeof(type) * (size_t)(count)))

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
void unmap(Mapping mapping); // in steps, so that nobody who needs the process's memory waits long

uint64_t now_ns(void);

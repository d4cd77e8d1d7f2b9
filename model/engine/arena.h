// Memory that is given out piece by piece and taken back all at once.
#pragma once

#include <stddef.h>

enum { KEPT_BYTES = 32 << 20 };

typedef struct Block Block;
typedef struct {
    Block *blocks;
} Arena;

void *take(Arena *arena, size_t bytes); // zeros, on a boundary of 64 bytes
void reset(Arena *arena);               // takes all pieces back, and keeps up to KEPT_BYTES for the next ones
void release(Arena *arena);
#define TAKE(arena, type, count) ((type *)take((arena), sizeof(type) * (size_t)(count)))

#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, LEAST_BLOCK = 1 << 16 };

struct Block {
    Block *before;
    size_t size, used;
    char *memory;
};

static void add_block(Arena *arena, size_t size) {
    Block *block = malloc(sizeof *block);
    char *memory = aligned_alloc(ALIGNMENT, size);
    if (!block || !memory) abort(); // as an allocation that fails in C++ would
    *block = (Block){arena->blocks, size, 0, memory};
    arena->blocks = block;
}

void *take(Arena *arena, size_t bytes) {
    if (bytes > PTRDIFF_MAX - ALIGNMENT) abort();
    size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->blocks || arena->blocks->size - arena->blocks->used < size)
        add_block(arena, size > LEAST_BLOCK ? size : LEAST_BLOCK);
    char *piece = arena->blocks->memory + arena->blocks->used;
    arena->blocks->used += size;
    return memset(piece, 0, size);
}

void release(Arena *arena) {
    while (arena->blocks) {
        Block *before = arena->blocks->before;
        free(arena->blocks->memory);
        free(arena->blocks);
        arena->blocks = before;
    }
}

void reset(Arena *arena) {
    if (!arena->blocks) return;
    size_t total = 0;
    for (Block *block = arena->blocks; block; block = block->before) total += block->size;
    if (arena->blocks->before || total > KEPT_BYTES) { // one block as large as all: the next time is without allocations
        release(arena);
        add_block(arena, total < KEPT_BYTES ? total : KEPT_BYTES);
    }
    arena->blocks->used = 0;
}

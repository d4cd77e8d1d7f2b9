#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ALIGNMENT = 64, LEAST_BLOCK = 1 << 16, UNMAP_STEP = 4 << 20 };

struct Block {
    Block *before;
    size_t size, used;
    char *memory;
};

Text text(const char *terminated) { return (Text){terminated, strlen(terminated)}; }

bool same(Text one, Text other) { return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0; }

static void add_block(Arena *arena, size_t size) {
    Block *block = malloc(sizeof *block);
    char *memory = aligned_alloc(ALIGNMENT, size);
    if (!block || !memory) abort(); // as an allocation that fails in C++ would
    *block = (Block){arena->blocks, size, 0, memory};
    arena->blocks = block;
}

void *take(Arena *arena, size_t bytes) {
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
    if (arena->blocks->before) { // one block as large as all: the next time is without allocations
        size_t total = 0;
        for (Block *block = arena->blocks; block; block = block->before) total += block->size;
        release(arena);
        add_block(arena, total);
    }
    arena->blocks->used = 0;
}

_Noreturn void fail(Fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    longjmp(fault->where, 1);
}

Mapping map_file(Fault *fault, const char *folder, const char *name) {
    char path[4096];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(fault, "%s: %s", path, strerror(errno));
    void *bytes = NULL;
    if (fstat(file, &facts) == 0 && facts.st_size > 0)
        bytes = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == NULL || bytes == MAP_FAILED) fail(fault, "%s: empty, or cannot be mapped", path);
    return (Mapping){bytes, (size_t)facts.st_size};
}

void unmap(Mapping mapping) {
    for (size_t done = 0; done < mapping.size; done += UNMAP_STEP) {
        size_t left = mapping.size - done;
        munmap((char *)mapping.bytes + done, left < UNMAP_STEP ? left : UNMAP_STEP);
    }
}

Text read_file(Arena *arena, Fault *fault, const char *folder, const char *name) {
    Mapping mapping = map_file(fault, folder, name);
    char *copy = take(arena, mapping.size + 1);
    memcpy(copy, mapping.bytes, mapping.size);
    unmap(mapping);
    return (Text){copy, mapping.size};
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

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

enum { UNMAP_STEP = 4 << 20, PAGE = 4096, POPULATE_READ = 22 }; // Linux 5.14

Text text(const char *terminated) { return (Text){terminated, strlen(terminated)}; }

bool same(Text one, Text other) { return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0; }

_Noreturn void fail(Fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    longjmp(fault->where, 1);
}

static int open_file(Fault *fault, const char *folder, const char *name, size_t *size) {
    char path[4096];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe by this name is refused and not waited for
    if (file < 0) fail(fault, "%s: %s", path, strerror(errno));
    bool is_full = fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0;
    if (!is_full) close(file), fail(fault, "%s: empty, or no file", path);
    *size = (size_t)facts.st_size;
    return file;
}

Mapping map_file(Fault *fault, const char *folder, const char *name) {
    Mapping mapping;
    int file = open_file(fault, folder, name, &mapping.size);
    void *bytes = mmap(NULL, mapping.size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED) fail(fault, "%s/%s: cannot be mapped", folder, name);
    mapping.bytes = bytes;
    return mapping;
}

bool bring_in(Mapping mapping, size_t start, size_t size) {
    size_t first = start / PAGE * PAGE;
    // An older kernel does not know it, and brings the pages in as they are read.
    return madvise((char *)mapping.bytes + first, start + size - first, POPULATE_READ) == 0 || errno != EFAULT;
}

void unmap(Mapping mapping) {
    for (size_t done = 0; done < mapping.size; done += UNMAP_STEP) {
        size_t left = mapping.size - done;
        munmap((char *)mapping.bytes + done, left < UNMAP_STEP ? left : UNMAP_STEP);
    }
}

Text read_file(Arena *arena, Fault *fault, const char *folder, const char *name) {
    size_t size, done = 0;
    ssize_t gained = 1;
    int file = open_file(fault, folder, name, &size);
    char *copy = take(arena, size + 1);
    while (done < size && (gained = read(file, copy + done, size - done)) > 0) done += (size_t)gained;
    close(file);
    if (done < size) fail(fault, "%s/%s: %s", folder, name, gained < 0 ? strerror(errno) : "became shorter while it was read");
    return (Text){copy, size};
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

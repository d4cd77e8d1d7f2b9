#include "embeddings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

enum { STEP_BYTES = 1 << 20, MOST_HEADER = 1 << 10, BOUNDARY = 16 };

typedef struct {
    const char *data;
    char type[16];         // numpy's name of it, and the quote after that
    int64_t rows, columns; // columns 1 where there is one dimension
} Array;

// numpy's format 1 to 3: magic, version, length of a header that is a Python dictionary, data.
static Array read_npy(Fault *fault, Mapping file, const char *name) {
    if (file.size < 12 || memcmp(file.bytes, "\x93NUMPY", 6) != 0) fail(fault, "%s: no numpy array", name);
    uint32_t length = 0;
    int wide = file.bytes[6] >= 2;
    memcpy(&length, file.bytes + 8, wide ? 4 : 2);
    size_t start = (wide ? 12 : 10) + (size_t)length;
    if (start > file.size) fail(fault, "%s: shorter than its header", name);
    char header[MOST_HEADER] = {0};
    if (length >= sizeof header || start % BOUNDARY) fail(fault, "%s: no plain numpy array", name);
    memcpy(header, file.bytes + (wide ? 12 : 10), length);
    const char *type = strstr(header, "'descr': '"), *shape = strstr(header, "'shape': (");
    if (!type || !shape || !strstr(header, "'fortran_order': False")) fail(fault, "%s: no plain numpy array", name);
    char *end;
    Array array = {file.bytes + start, {0}, 0, 1};
    strncpy(array.type, type + strlen("'descr': '"), sizeof array.type - 1);
    array.rows = strtoll(shape + 10, &end, 10);
    if (end[0] == ',' && end[1] == ' ') array.columns = strtoll(end + 2, NULL, 10);
    return array;
}

static void check_size(Fault *fault, Mapping file, Array array, int64_t item, const char *name) {
    int64_t numbers, bytes, found = (int64_t)file.size - (array.data - file.bytes);
    if (array.rows < 0 || array.columns < 0 || __builtin_mul_overflow(array.rows, array.columns, &numbers) ||
        __builtin_mul_overflow(numbers, item, &bytes) || bytes != found)
        fail(fault, "%s: not as large as its header says", name);
}

static void check_there(Fault *fault, Mapping file, size_t start, size_t size, const char *name) {
    if (!bring_in(file, start, size)) fail(fault, "%s: became shorter while it was read", name);
}

static void check_keys(Fault *fault, const Embeddings *embeddings, const char *folder) {
    const int64_t *numbers = (const int64_t *)embeddings->keys;
    int64_t width = embeddings->key_width;
    check_there(fault, embeddings->key_file, 0, embeddings->key_file.size, "keys.npy");
    for (int64_t row = 1; row < embeddings->count; row++)
        if (width ? memcmp(embeddings->keys + (row - 1) * width, embeddings->keys + row * width, (size_t)width) >= 0
                  : numbers[row - 1] >= numbers[row])
            fail(fault, "%s: keys are not ascending", folder);
}

static void check_vectors(Fault *fault, const Embeddings *embeddings, const char *folder, unsigned pause_us) {
    int64_t size = embeddings->count * embeddings->dim, step = STEP_BYTES / (int64_t)sizeof(float);
    for (int64_t start = 0; start < size; start += step) {
        int64_t end = start + step < size ? start + step : size;
        const uint32_t *bits = (const uint32_t *)embeddings->vectors, largest = 0x7F800000; // the exponent of the others
        uint32_t found = 0;
        size_t first = (size_t)((const char *)(bits + start) - embeddings->vector_file.bytes);
        check_there(fault, embeddings->vector_file, first, (size_t)(end - start) * sizeof(float), "vectors.npy");
        for (int64_t place = start; place < end; place++) found |= (bits[place] & largest) == largest;
        if (found)
            fail(fault, "%s: a vector in rows %lld and after is not finite", folder,
                 (long long)(start / embeddings->dim));
        if (pause_us) usleep(pause_us);
    }
}

static void read_embeddings(Arena *arena, Fault *fault, Embeddings *embeddings, const char *folder, Text base_digest,
                            int64_t dim, bool is_text, unsigned pause_us) {
    const Json *facts = read_json(arena, fault, folder, "embeddings.json");
    Text made_by = member(fault, facts, "base_digest", JSON_TEXT)->text;
    if (!same(made_by, base_digest))
        fail(fault, "%s: embeddings of %.*s; this model needs %.*s", folder, (int)made_by.size, made_by.bytes,
             (int)base_digest.size, base_digest.bytes);
    embeddings->cutoff_ns = whole(fault, facts, "cutoff_ns", -INT64_MAX, INT64_MAX); // the least is for none
    embeddings->key_file = map_file(fault, folder, "keys.npy");
    embeddings->vector_file = map_file(fault, folder, "vectors.npy");
    Array keys = read_npy(fault, embeddings->key_file, "keys.npy");
    Array vectors = read_npy(fault, embeddings->vector_file, "vectors.npy");
    embeddings->key_width = is_text && strncmp(keys.type, "|S", 2) == 0 ? strtoll(keys.type + 2, NULL, 10) : 0;
    if (is_text ? embeddings->key_width < 1 : strncmp(keys.type, "<i8'", 4) != 0)
        fail(fault, "%s: its keys are not %s, which this model's requests have", folder, is_text ? "texts" : "int64");
    check_size(fault, embeddings->key_file, keys, is_text ? embeddings->key_width : 8, "keys.npy");
    if (strncmp(vectors.type, "<f4'", 4) != 0 || vectors.rows != keys.rows || vectors.columns != dim)
        fail(fault, "%s: vectors are %.3s (%lld, %lld); expected float32 (%lld, %lld)", folder, vectors.type,
             (long long)vectors.rows, (long long)vectors.columns, (long long)keys.rows, (long long)dim);
    check_size(fault, embeddings->vector_file, vectors, sizeof(float), "vectors.npy");
    embeddings->keys = keys.data;
    embeddings->vectors = (const float *)vectors.data;
    embeddings->count = keys.rows;
    embeddings->dim = dim;
    check_keys(fault, embeddings, folder);
    check_vectors(fault, embeddings, folder, pause_us);
}

Embeddings *open_embeddings(Fault *fault, const char *folder, Text base_digest, int64_t dim, bool is_text,
                            unsigned pause_us) {
    Arena arena = {0};
    Fault inner;
    Embeddings *embeddings = calloc(1, sizeof *embeddings);
    if (!embeddings) abort();
    if (setjmp(inner.where)) {
        release(&arena);
        close_embeddings(embeddings);
        fail(fault, "%s", inner.message);
    }
    read_embeddings(&arena, &inner, embeddings, folder, base_digest, dim, is_text, pause_us);
    release(&arena);
    return embeddings;
}

void close_embeddings(Embeddings *embeddings) {
    unmap(embeddings->key_file);
    unmap(embeddings->vector_file);
    free(embeddings);
}

int64_t find_number(const Embeddings *embeddings, int64_t key) {
    const int64_t *keys = (const int64_t *)embeddings->keys, *first = keys;
    if (embeddings->count == 0) return -1;
    for (int64_t left = embeddings->count; left > 1; left -= left / 2)
        first += first[left / 2 - 1] < key ? left / 2 : 0; // a choice, not a jump
    return *first == key ? first - keys : -1;
}

static int compare(const char *stored, int64_t width, Text key) {
    int64_t shorter = (int64_t)key.size < width ? (int64_t)key.size : width;
    int order = memcmp(stored, key.bytes, (size_t)shorter);
    if (order) return order;
    if ((int64_t)key.size > width) return -1;
    return (int64_t)key.size < width && stored[key.size] ? 1 : 0;
}

int64_t find_text(const Embeddings *embeddings, Text key) {
    int64_t width = embeddings->key_width, low = 0, high = embeddings->count;
    while (key.size && !key.bytes[key.size - 1]) key.size--; // as numpy's texts of a fixed width have none
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = compare(embeddings->keys + middle * width, width, key);
        if (order == 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return -1;
}

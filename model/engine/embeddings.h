// The embeddings of one batch job, mapped and checked; the twin of `model/served/embedding_table.py`.
#pragma once

#include "base.h"

typedef struct {
    Mapping key_file, vector_file;
    const char *keys; // ascending, without duplicates: int64, or bytes of `key_width` that zeros fill up
    const float *vectors;
    int64_t count, dim, key_width; // key_width 0: int64
    int64_t cutoff_ns;
} Embeddings;

// Raises a fault: missing files, another deep model, another width, keys of another type or that do not ascend, values
// not finite, a file that becomes shorter meanwhile. What is open stays as it is: such files are written once.
// `pause_us` is slept after each mebibyte: beside a running model the reading must not take its processor.
Embeddings *open_embeddings(Fault *fault, const char *folder, Text base_digest, int64_t dim, bool is_text,
                            unsigned pause_us);
void close_embeddings(Embeddings *embeddings);

int64_t find_number(const Embeddings *embeddings, int64_t key); // -1 where there is none
int64_t find_text(const Embeddings *embeddings, Text key);     // zero bytes at its end do not count

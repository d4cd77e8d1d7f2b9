// What a loaded model has beside its weights: embeddings that may be exchanged while it runs, and its own metrics.
#pragma once

#include "model.h"
#include "triton.h"

typedef struct Live Live;

typedef struct {
    uint64_t read_ns, respond_ns, num_missing;
    Spent spent;
} Told; // of one batch

// Opens `<folder>/embeddings`, then follows the link `current` in `followed` (may be NULL) until the end.
Live *start_live(Fault *fault, const Model *model, const char *folder, const char *followed, const char *name,
                 const char *version);
void stop_live(Live *live); // no batch may be under way

// Embeddings to use for one batch, and their return; never waits for a file.
const Embeddings *borrow(Live *live, void **loan);
void give_back(void *loan);

void tell(Live *live, Told told, const float *score_B, int count); // scores that count, and what the batch cost

// An exported model's version folder -> scores of checked requests; the twin of `model/served/predictor.py`.
#pragma once

#include "embeddings.h"
#include "features.h"

typedef struct {
    const char *path;
    Table table;
    int time_input; // among the table's
    int max_rows;
    int64_t ignored_ns; // of the last while before the anchor
} History;

typedef struct {
    Arena arena; // holds all of it
    Text base_digest;
    int embedding_dim, num_histories;
    int key_input; // among the entity's
    bool is_binary;
    float target_mean, target_std, target_low, target_high;
    Table entity;
    History *histories;
    Linear embedding, embedding_age;
    const float *no_embedding;
    Network network;
    const double *score_bounds;
    int num_score_bounds;
} Model;

// One checked request of `items` items.
typedef struct {
    int64_t items;
    const int64_t *anchor_ns;
    const Values *facts;      // of each of the entity's inputs: [items]
    const int64_t *num_rows;  // of each history: rows of each item
    const Values *const *rows; // of each history, of each of its inputs: [items * num_rows]
} Request;

// Time that scoring took, part by part.
typedef struct {
    uint64_t encode_ns, network_ns;
} Spent;

bool has_text_key(const Model *model);
Model *open_model(Fault *fault, const char *folder);
void close_model(Model *model);

// A request of `items` items with full histories, all zeros, to warm up with.
Request *request_of_zeros(const Model *model, Arena *arena, int64_t items);

// Scores and cut-offs of the embeddings used (MISSING_INT64 where there is none) of all items of all requests. An
// embedding from after the anchor is not used: nothing reads after the cut-off.
void predict(const Model *model, const Embeddings *embeddings, Arena *scratch, const Request *requests, int num_requests,
             float *score_B, int64_t *time_B, Spent *spent);

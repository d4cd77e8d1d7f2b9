// The distilled model's network: packed tokens -> logits; the twin of `model/served/scorer.py`.
#pragma once

#include "base.h"

enum { LANES = 16 };
typedef float Lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

static inline int padded(int columns) { return (columns + LANES - 1) / LANES * LANES; }

// [rows, stride] with zeros beyond `columns`; `bias` is [stride] or NULL.
typedef struct {
    int rows, columns, stride;
    float *values, *bias;
} Linear;

typedef struct {
    float *scale, *shift, *is_column; // padded to whole lanes; `is_column` is 1, and 0 beyond the width
} Norm;

typedef struct {
    Norm norm_attention, norm_feedforward;
    Linear query, key_value, out, inner, outer; // keys fill the first half of `key_value`, padded; values the second
} Layer;

typedef struct {
    int width, num_heads, num_layers;
    Layer *layers;
    Norm norm;
    Linear head;
} Network;

// All float32 tensors of a safetensors file.
typedef struct Weights Weights;
Weights *read_weights(Arena *arena, Fault *fault, const char *folder, const char *name);
// [rows, columns] of the tensor called `prefix` + `name`; a fault where it is missing or of another shape.
const float *weight(Fault *fault, const Weights *weights, const char *prefix, const char *name, int rows, int columns);
int weight_columns(Fault *fault, const Weights *weights, const char *name); // the last size of its shape

// A linear map from torch's [outputs, inputs] weight and its bias, which may be NULL.
Linear linear_from(Arena *arena, const float *weight, const float *bias, int outputs, int inputs);
Network read_network(Arena *arena, Fault *fault, const Weights *weights, int width, int num_heads, int num_layers);

// out_NM = in_NK @ map + bias; rows of `in` are `in_stride` apart, those of `out` `map->stride`.
void apply(const Linear *map, const float *in, int in_stride, int count, float *out);

// Logits of B requests: `tokens` is [start_B[B], padded width], those of request b from start_B[b] on, the entity's
// first.
void score(const Network *network, Arena *scratch, float *tokens, const int *start_B, int num_requests, float *logit_B);

// Values of a request -> the numbers and codes of a token; the twin of `model/served/features.py` and `inputs.py`.
#pragma once

#include "json.h"
#include "network.h"

enum { INT64 = 9, FP32 = 11, BYTES = 13 }; // as Triton numbers them
enum { NUM_TIME = 16, NUM_SUMMARY = 8 };
#define MISSING_INT64 INT64_MIN

// One tensor that a request brings.
typedef struct {
    const char *name;   // of the tensor
    const char *column; // of the table
    int datatype;
    bool optional;
} Input;

// The values of one tensor, one after the other.
typedef union {
    const int64_t *int64;
    const float *fp32;
    const Text *bytes;
    const void *any; // NULL: left out, all null
} Values;

typedef struct {
    int input; // among its table's; -1 where requests do not have it
    float mean, std;
} Numerical;

typedef struct Slot Slot;

typedef struct {
    int input;
    Slot *slots; // a hash table from values to codes
    uint64_t mask;
    const float *token_VW; // what each code adds to the token, rows padded to whole lanes
} Categorical;

// Columns of one table, and what turns them into a token.
typedef struct {
    int num_inputs, num_numericals, num_timestamps, num_categoricals;
    Input *inputs;
    Numerical *numericals;
    int *timestamps; // their inputs
    Categorical *categoricals;
    int num_dense; // of the columns alone
    Linear dense;  // of the columns and of what is appended to them
} Table;

// `extra` numbers follow those of the columns; the weights are called by `prefix`.
Table read_table(Arena *arena, Fault *fault, const Json *features, Input *inputs, int num_inputs, const Weights *weights,
                 const char *prefix, int width, int extra);

void encode_numbers(const Table *table, const Values *values, int64_t row, int64_t anchor_ns, float *dense_F);
void add_categories(const Table *table, const Values *values, int64_t row, int width, float *token_W);

int64_t before(int64_t one_ns, int64_t other_ns); // `one` less `other`, not beyond the ends of int64
float age_days(int64_t anchor_ns, int64_t time_ns);
void encode_age(float days, float *out); // NUM_TIME numbers
void summarise(const float *age_days_R, int count, float *out); // NUM_SUMMARY numbers

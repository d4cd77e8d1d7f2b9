#include "features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double NS_PER_DAY = 86400e9, LOG_DAYS_SCALE = 8.0;
static const double PERIODS_DAYS[] = {1.0, 7.0, 30.4375, 91.3125, 365.25}, DECAYS_DAYS[] = {1.0, 7.0, 30.0, 90.0};
static const float SUMMARY_WINDOWS_DAYS[] = {1.0f, 7.0f, 30.0f, 90.0f, 365.0f};
static const float LONG_AGO_DAYS = 3650.0f, SUMMARY_SCALE = 1.0f / 3, CLIP = 6.0f, MISSING_FP32 = -3.4028234663852886e38f;

enum { NUM_PERIODS = 5, NUM_DECAYS = 4, NUM_WINDOWS = 5, NO_CODE = 0 };

// Which values are equal is Python's word: 1 and 1.0 are, "1" and 1 are not.
typedef enum { EMPTY, TEXT, WHOLE, REAL } SlotKind;

typedef struct {
    SlotKind kind;
    Text text;
    int64_t whole;
    double real;
} Key;

struct Slot {
    Key key;
    int code;
};

static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 32) * 0x9E3779B97F4A7C15u;
    return value ^ value >> 29;
}

static uint64_t hash(Key key) {
    uint64_t value = (uint64_t)key.whole;
    if (key.kind == REAL) memcpy(&value, &key.real, sizeof value);
    if (key.kind == TEXT) {
        value = key.text.size;
        for (size_t place = 0; place < key.text.size; place += 8) {
            uint64_t piece = 0;
            size_t left = key.text.size - place;
            memcpy(&piece, key.text.bytes + place, left < 8 ? left : 8);
            value = mix(value ^ piece);
        }
    }
    return mix(value + (uint64_t)key.kind);
}

static bool equal(Key one, Key other) {
    if (one.kind != other.kind) return false;
    if (one.kind == TEXT) return same(one.text, other.text);
    return one.kind == WHOLE ? one.whole == other.whole : one.real == other.real;
}

static Key real_key(double value) {
    if (value == floor(value) && fabs(value) < 9.2e18) return (Key){.kind = WHOLE, .whole = (int64_t)value};
    return (Key){.kind = REAL, .real = value};
}

static Slot *look_up(const Categorical *column, Key key) {
    uint64_t place = hash(key) & column->mask;
    while (column->slots[place].key.kind != EMPTY && !equal(column->slots[place].key, key))
        place = (place + 1) & column->mask;
    return &column->slots[place];
}

static void put(const Categorical *column, Key key, int code) {
    Slot *slot = look_up(column, key);
    if (slot->key.kind == EMPTY) *slot = (Slot){key, code}; // the first of equal values keeps its code
}

// The number that a request would carry for this category, as `_number` in features.py has it.
static bool number_of(Text value, Key *key) {
    char copy[64], shortest[64], *end;
    if (value.size == 0 || value.size >= sizeof copy) return false;
    memcpy(copy, value.bytes, value.size);
    copy[value.size] = 0;
    if (strlen(copy) != value.size || strspn(copy, "+-.0123456789eE") != value.size) return false;
    long long whole = strtoll(copy, &end, 10);
    if (*end == 0) {
        snprintf(shortest, sizeof shortest, "%lld", whole);
        *key = (Key){.kind = WHOLE, .whole = whole};
        return strcmp(shortest, copy) == 0;
    }
    double real = strtod(copy, &end);
    *key = real_key((double)(float)real);
    return *end == 0;
}

// The input of a feature's column, of the types that its kind can have; -1 where requests do not have it.
static int input_of(Fault *fault, const Input *inputs, int num_inputs, const Json *feature, bool is_time, bool is_number) {
    Text column = member(fault, feature, "column", JSON_TEXT)->text;
    for (int index = 0; index < num_inputs; index++) {
        if (!same(column, text(inputs[index].column))) continue;
        int datatype = inputs[index].datatype;
        if (is_time ? datatype != INT64 : is_number && datatype == BYTES)
            fail(fault, "contract.json: `%s` has another datatype than its feature", inputs[index].name);
        return index;
    }
    return -1;
}

static Categorical read_categorical(Arena *arena, Fault *fault, const Json *feature, int input) {
    const Json *values = member(fault, feature, "values", JSON_ARRAY);
    Categorical column = {.input = input, .mask = 15};
    while (column.mask < 4 * (uint64_t)values->count) column.mask = 2 * column.mask + 1;
    column.slots = TAKE(arena, Slot, column.mask + 1);
    int code = 1;
    for (const Json *value = values->first; value; value = value->next, code++) {
        Key number;
        put(&column, (Key){.kind = TEXT, .text = value->text}, code);
        if (number_of(value->text, &number)) put(&column, number, code);
    }
    return column;
}

// A category's vector is mixed into the token's width once, here.
static void mix_categories(Arena *arena, Fault *fault, Table *table, const Json *categoricals, const Weights *weights,
                           const char *prefix, int width) {
    char name[256];
    int total = 0, start = 0, stride = padded(width), count = table->num_categoricals;
    for (const Json *one = categoricals->first; one; one = one->next) total += find(one, "values")->count + 1;
    snprintf(name, sizeof name, "%smix.weight", prefix);
    int dim = weight_columns(fault, weights, name) / count;
    const float *vectors = weight(fault, weights, prefix, "categories.weight", total, dim);
    const float *mixed = weight(fault, weights, prefix, "mix.weight", width, dim * count);
    const Json *one = categoricals->first;
    for (int index = 0; index < count; index++, one = one->next) {
        int num_codes = find(one, "values")->count + 1;
        float *token_VW = TAKE(arena, float, num_codes * stride);
        for (int code = 0; code < num_codes; code++)
            for (int w = 0; w < width; w++)
                for (int d = 0; d < dim; d++)
                    token_VW[code * stride + w] += vectors[(start + code) * dim + d] * mixed[w * dim * count + index * dim + d];
        table->categoricals[index].token_VW = token_VW;
        start += num_codes;
    }
}

Table read_table(Arena *arena, Fault *fault, const Json *features, Input *inputs, int num_inputs, const Weights *weights,
                 const char *prefix, int width, int extra) {
    for (const Json *one = features->first; one; one = one->next) // what is not known here must not be left out
        if (!same(one->key, text("table")) && !same(one->key, text("numericals")) && !same(one->key, text("timestamps")) &&
            !same(one->key, text("categoricals")) && one->count)
            fail(fault, "its features of the kind `%.*s` are not known", (int)one->key.size, one->key.bytes);
    const Json *numericals = member(fault, features, "numericals", JSON_ARRAY);
    const Json *timestamps = member(fault, features, "timestamps", JSON_ARRAY);
    const Json *categoricals = member(fault, features, "categoricals", JSON_ARRAY);
    Table table = {num_inputs, numericals->count, timestamps->count, categoricals->count, inputs, NULL, NULL, NULL, 0, {0}};
    table.numericals = TAKE(arena, Numerical, numericals->count);
    table.timestamps = TAKE(arena, int, timestamps->count);
    table.categoricals = TAKE(arena, Categorical, categoricals->count);
    int place = 0;
    for (const Json *one = numericals->first; one; one = one->next)
        table.numericals[place++] =
            (Numerical){input_of(fault, inputs, num_inputs, one, false, true),
                        (float)member(fault, one, "mean", JSON_NUMBER)->number,
                        (float)member(fault, one, "std", JSON_NUMBER)->number};
    place = 0;
    for (const Json *one = timestamps->first; one; one = one->next)
        table.timestamps[place++] = input_of(fault, inputs, num_inputs, one, true, false);
    place = 0;
    for (const Json *one = categoricals->first; one; one = one->next)
        table.categoricals[place++] =
            read_categorical(arena, fault, one, input_of(fault, inputs, num_inputs, one, false, false));
    if (table.num_categoricals) mix_categories(arena, fault, &table, categoricals, weights, prefix, width);
    table.num_dense = 2 * (table.num_numericals + table.num_timestamps);
    int all = table.num_dense + extra;
    table.dense = linear_from(arena, weight(fault, weights, prefix, "dense.weight", width, all),
                              weight(fault, weights, prefix, "dense.bias", width, 1), width, all);
    return table;
}

static double signed_log_days(double days) { return copysign(log1p(fabs(days)), days) / LOG_DAYS_SCALE; }

int64_t before(int64_t one_ns, int64_t other_ns) {
    int64_t difference;
    if (__builtin_sub_overflow(one_ns, other_ns, &difference)) return one_ns < 0 ? INT64_MIN : INT64_MAX;
    return difference;
}

float age_days(int64_t anchor_ns, int64_t time_ns) { return (float)((double)before(anchor_ns, time_ns) / NS_PER_DAY); }

static bool is_missing(const Input *input, Values values, int64_t row) {
    if (!values.any) return true;
    if (input->datatype == INT64) return values.int64[row] == MISSING_INT64;
    return !isfinite(values.fp32[row]) || values.fp32[row] <= MISSING_FP32;
}

void encode_numbers(const Table *table, const Values *values, int64_t row, int64_t anchor_ns, float *dense_F) {
    for (int index = 0; index < table->num_numericals; index++, dense_F += 2) {
        const Numerical *one = &table->numericals[index];
        if (one->input < 0 || is_missing(&table->inputs[one->input], values[one->input], row)) {
            dense_F[0] = 0, dense_F[1] = 1;
            continue;
        }
        Values column = values[one->input];
        bool whole = table->inputs[one->input].datatype == INT64;
        float standard = ((whole ? (float)column.int64[row] : column.fp32[row]) - one->mean) / one->std;
        dense_F[0] = fminf(fmaxf(standard, -CLIP), CLIP), dense_F[1] = 0;
    }
    for (int index = 0; index < table->num_timestamps; index++, dense_F += 2) {
        int input = table->timestamps[index];
        if (input < 0 || is_missing(&table->inputs[input], values[input], row)) {
            dense_F[0] = 0, dense_F[1] = 1;
            continue;
        }
        double days = (double)before(anchor_ns, values[input].int64[row]) / NS_PER_DAY;
        dense_F[0] = (float)signed_log_days(days), dense_F[1] = 0;
    }
}

static int code_of(const Categorical *column, const Input *input, Values values, int64_t row) {
    if (!values.any || (input->datatype == FP32 && is_missing(input, values, row))) return NO_CODE;
    Key key = {.kind = TEXT};
    if (input->datatype == BYTES) key.text = values.bytes[row];
    else if (input->datatype == INT64) key = (Key){.kind = WHOLE, .whole = values.int64[row]};
    else key = real_key((double)values.fp32[row]);
    return look_up(column, key)->code;
}

void add_categories(const Table *table, const Values *values, int64_t row, int width, float *token_W) {
    int stride = padded(width);
    for (int index = 0; index < table->num_categoricals; index++) {
        const Categorical *column = &table->categoricals[index];
        int code = column->input < 0 ? NO_CODE : code_of(column, &table->inputs[column->input], values[column->input], row);
        const float *added = column->token_VW + code * stride;
        for (int w = 0; w < stride; w++) token_W[w] += added[w];
    }
}

void encode_age(float days, float *out) {
    double age = (double)days, late = age > 0 ? age : 0;
    *out++ = (float)signed_log_days(age);
    *out++ = 0; // not static
    for (int index = 0; index < NUM_PERIODS; index++) out[index] = (float)sin(age * (2 * M_PI / PERIODS_DAYS[index]));
    out += NUM_PERIODS;
    for (int index = 0; index < NUM_PERIODS; index++) out[index] = (float)cos(age * (2 * M_PI / PERIODS_DAYS[index]));
    out += NUM_PERIODS;
    for (int index = 0; index < NUM_DECAYS; index++) out[index] = (float)exp(-late / DECAYS_DAYS[index]);
}

void summarise(const float *age_days_R, int count, float *out) {
    float newest = LONG_AGO_DAYS, oldest = 0;
    for (int index = 0; index < NUM_SUMMARY; index++) out[index] = 0;
    for (int row = 0; row < count; row++) {
        for (int window = 0; window < NUM_WINDOWS; window++) out[window] += age_days_R[row] <= SUMMARY_WINDOWS_DAYS[window];
        newest = fminf(newest, age_days_R[row]);
        oldest = fmaxf(oldest, age_days_R[row]);
    }
    out[NUM_WINDOWS] = (float)count, out[NUM_WINDOWS + 1] = newest, out[NUM_WINDOWS + 2] = oldest;
    for (int index = 0; index < NUM_SUMMARY; index++) out[index] = log1pf(out[index]) * SUMMARY_SCALE;
}

#include "network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

static const float NORM_EPSILON = 1e-5f;

enum { MOST_COLUMNS = 1 << 16, ASKS = 4 }; // tokens that ask at once

struct Weights {
    const char *data;
    size_t size;
    const Json *header;
};

Weights *read_weights(Arena *arena, Fault *fault, const char *folder, const char *name) {
    Text file = read_file(arena, fault, folder, name);
    uint64_t length = 0;
    if (file.size >= 8) memcpy(&length, file.bytes, 8);
    if (file.size < 8 || length > file.size - 8) fail(fault, "%s: shorter than its header", name);
    if (length % sizeof(float)) fail(fault, "%s: its numbers are not on a boundary of four bytes", name);
    Weights *weights = TAKE(arena, Weights, 1);
    weights->header = parse_json(arena, fault, (Text){file.bytes + 8, length}, name);
    weights->data = file.bytes + 8 + length;
    weights->size = file.size - 8 - length;
    return weights;
}

const float *weight(Fault *fault, const Weights *weights, const char *prefix, const char *name, int rows, int columns) {
    char key[256];
    snprintf(key, sizeof key, "%s%s", prefix, name);
    const Json *entry = find(weights->header, key);
    if (!entry) fail(fault, "weights: `%s` is missing", key);
    const Json *offsets = member(fault, entry, "data_offsets", JSON_ARRAY), *first = offsets->first;
    bool is_good = same(member(fault, entry, "dtype", JSON_TEXT)->text, text("F32")) && offsets->count == 2 &&
                   first->is_whole && first->next->is_whole;
    int64_t start = is_good ? first->whole : 0, end = is_good ? first->next->whole : 0;
    if (!is_good || start < 0 || start % (int64_t)sizeof(float) || end < start || end > (int64_t)weights->size ||
        end - start != (int64_t)sizeof(float) * rows * columns)
        fail(fault, "weights: `%s` is not float32 [%d, %d]", key, rows, columns);
    return (const float *)(weights->data + start);
}

Linear linear_from(Arena *arena, const float *weight, const float *bias, int outputs, int inputs) {
    Linear map = {inputs, outputs, padded(outputs), NULL, NULL};
    map.values = TAKE(arena, float, inputs * map.stride);
    for (int in = 0; in < inputs; in++)
        for (int out = 0; out < outputs; out++) map.values[in * map.stride + out] = weight[out * inputs + in];
    if (bias) {
        map.bias = TAKE(arena, float, map.stride);
        memcpy(map.bias, bias, sizeof(float) * (size_t)outputs);
    }
    return map;
}

// Keys and values of all inputs, each padded to whole lanes.
static Linear key_value_from(Arena *arena, const float *weight, const float *bias, int width) {
    int half = padded(width);
    float *spread = TAKE(arena, float, 2 * half * width), *spread_bias = TAKE(arena, float, 2 * half);
    for (int part = 0; part < 2; part++) {
        memcpy(spread + part * half * width, weight + part * width * width, sizeof(float) * (size_t)(width * width));
        memcpy(spread_bias + part * half, bias + part * width, sizeof(float) * (size_t)width);
    }
    return linear_from(arena, spread, spread_bias, 2 * half, width);
}

static Norm norm_from(Arena *arena, Fault *fault, const Weights *weights, const char *name, int width) {
    Norm norm = {TAKE(arena, float, padded(width)), TAKE(arena, float, padded(width)), TAKE(arena, float, padded(width))};
    for (int column = 0; column < width; column++) norm.is_column[column] = 1;
    memcpy(norm.scale, weight(fault, weights, name, ".weight", width, 1), sizeof(float) * (size_t)width);
    memcpy(norm.shift, weight(fault, weights, name, ".bias", width, 1), sizeof(float) * (size_t)width);
    return norm;
}

static Linear named(Arena *arena, Fault *fault, const Weights *weights, const char *name, int outputs, int inputs) {
    return linear_from(arena, weight(fault, weights, name, ".weight", outputs, inputs),
                       weight(fault, weights, name, ".bias", outputs, 1), outputs, inputs);
}

int weight_columns(Fault *fault, const Weights *weights, const char *name) {
    const Json *entry = find(weights->header, name);
    if (!entry) fail(fault, "weights: `%s` is missing", name);
    const Json *size = member(fault, entry, "shape", JSON_ARRAY)->first;
    while (size && size->next) size = size->next;
    if (!size || !size->is_whole || size->whole < 1 || size->whole > MOST_COLUMNS)
        fail(fault, "weights: the last size of `%s` is not from 1 to %d", name, MOST_COLUMNS);
    return (int)size->whole;
}

Network read_network(Arena *arena, Fault *fault, const Weights *weights, int width, int num_heads, int num_layers) {
    Network network = {width, num_heads, num_layers, TAKE(arena, Layer, num_layers), {0}, {0}};
    for (int index = 0; index < num_layers; index++) {
        char names[7][64];
        const char *parts[] = {"norm_attention", "norm_feedforward", "qkv", "out", "inner", "outer", "inner.bias"};
        for (int part = 0; part < 7; part++) snprintf(names[part], sizeof names[part], "layers.%d.%s", index, parts[part]);
        int inner = weight_columns(fault, weights, names[6]);
        const float *qkv = weight(fault, weights, names[2], ".weight", 3 * width, width);
        const float *bias = weight(fault, weights, names[2], ".bias", 3 * width, 1);
        network.layers[index] = (Layer){
            .norm_attention = norm_from(arena, fault, weights, names[0], width),
            .norm_feedforward = norm_from(arena, fault, weights, names[1], width),
            .query = linear_from(arena, qkv, bias, width, width),
            .key_value = key_value_from(arena, qkv + width * width, bias + width, width),
            .out = named(arena, fault, weights, names[3], width, width),
            .inner = named(arena, fault, weights, names[4], inner, width),
            .outer = named(arena, fault, weights, names[5], width, inner),
        };
    }
    network.norm = norm_from(arena, fault, weights, "norm", width);
    network.head = named(arena, fault, weights, "head", 1, width);
    return network;
}

// A tile of `rows` x LANES outputs: the accumulators stay in registers.
static inline __attribute__((always_inline)) void tile(const Linear *map, const float *in, int in_stride, float *out,
                                                       const int rows, int column) {
    const float *values = map->values + column;
    Lanes sum[rows];
    for (int row = 0; row < rows; row++) sum[row] = map->bias ? *(const Lanes *)(map->bias + column) : (Lanes){0};
    for (int k = 0; k < map->rows; k++) {
        Lanes value = *(const Lanes *)(values + k * map->stride);
        for (int row = 0; row < rows; row++) sum[row] += in[row * in_stride + k] * value;
    }
    for (int row = 0; row < rows; row++) *(Lanes *)(out + row * map->stride + column) = sum[row];
}

static inline __attribute__((always_inline)) int apply_by(const Linear *map, const float *in, int in_stride, int row,
                                                          int count, float *out, const int rows) {
    for (; row + rows <= count; row += rows)
        for (int column = 0; column < map->stride; column += LANES)
            tile(map, in + row * in_stride, in_stride, out + row * map->stride, rows, column);
    return row;
}

void apply(const Linear *map, const float *in, int in_stride, int count, float *out) {
    int row = apply_by(map, in, in_stride, 0, count, out, 6);
    row = apply_by(map, in, in_stride, row, count, out, 3);
    apply_by(map, in, in_stride, row, count, out, 1);
}

static inline float sum_of(Lanes lanes) {
    typedef float Half __attribute__((vector_size(sizeof(Lanes) / 2)));
    typedef float Quarter __attribute__((vector_size(sizeof(Lanes) / 4)));
    Half half = __builtin_shufflevector(lanes, lanes, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15);
    Quarter quarter = __builtin_shufflevector(half, half, 0, 1, 2, 3) + __builtin_shufflevector(half, half, 4, 5, 6, 7);
    return (quarter[0] + quarter[1]) + (quarter[2] + quarter[3]);
}

// Columns beyond `width` are zeros before and after.
static void normalise(const Norm *norm, const float *in, int width, int count, float *out) {
    int stride = padded(width);
    for (int row = 0; row < count; row++, in += stride, out += stride) {
        Lanes sum = {0}, squares = {0};
        for (int column = 0; column < stride; column += LANES) sum += *(const Lanes *)(in + column);
        float mean = sum_of(sum) / (float)width;
        for (int column = 0; column < stride; column += LANES) {
            Lanes centred = (*(const Lanes *)(in + column) - mean) * *(const Lanes *)(norm->is_column + column);
            squares += centred * centred;
        }
        float scale = 1 / sqrtf(sum_of(squares) / (float)width + NORM_EPSILON);
        for (int column = 0; column < stride; column += LANES)
            *(Lanes *)(out + column) = (*(const Lanes *)(in + column) - mean) * scale *
                                           *(const Lanes *)(norm->scale + column) + *(const Lanes *)(norm->shift + column);
    }
}

// exp(x) for x <= 0, to about 1e-7 of its value: 2^n times a polynomial.
static inline Lanes exponential(Lanes x) {
    typedef int32_t Integers __attribute__((vector_size(sizeof(Lanes))));
    Lanes magic = (Lanes){0} + 12582912.0f; // 1.5 * 2^23 rounds what is added to it
    x = __builtin_elementwise_max(x, (Lanes){0} - 87.0f);
    Lanes n = x * 1.44269504088896341f + magic - magic;
    Lanes r = x - n * 0.693359375f + n * 2.12194440e-4f;
    Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
    return p * (Lanes)power;
}

// What `asks` tokens hear of `count` in one head of width D. `turned` is [D, places]: the keys, turned, and zeros; `hidden`
// is 0 for each of `count` and minus infinity beyond.
static inline __attribute__((always_inline)) void hear(const float *query, int stride, const float *turned,
                                                       const float *hidden, const float *values, int kv_stride, int count,
                                                       const int D, const int asks, float *weights, float *heard) {
    int places = padded(count);
    float factor = 1 / sqrtf((float)D), sums[asks][D], inverse[asks];
    Lanes largest[asks];
    for (int ask = 0; ask < asks; ask++) largest[ask] = (Lanes){0} - INFINITY;
    for (int place = 0; place < places; place += LANES) {
        Lanes sum[asks];
        for (int ask = 0; ask < asks; ask++) sum[ask] = *(const Lanes *)(hidden + place);
        for (int d = 0; d < D; d++) {
            Lanes key = factor * *(const Lanes *)(turned + d * places + place);
            for (int ask = 0; ask < asks; ask++) sum[ask] += query[ask * stride + d] * key;
        }
        for (int ask = 0; ask < asks; ask++) {
            largest[ask] = __builtin_elementwise_max(largest[ask], sum[ask]);
            *(Lanes *)(weights + ask * places + place) = sum[ask];
        }
    }
    for (int ask = 0; ask < asks; ask++) {
        float bound = __builtin_reduce_max(largest[ask]);
        Lanes total = {0}; // what stands beyond `count` is 1e-38 each
        for (int place = 0; place < places; place += LANES) {
            Lanes weight = exponential(*(const Lanes *)(weights + ask * places + place) - bound);
            *(Lanes *)(weights + ask * places + place) = weight;
            total += weight;
        }
        inverse[ask] = 1 / sum_of(total);
    }
    for (int ask = 0; ask < asks; ask++)
        for (int d = 0; d < D; d++) sums[ask][d] = 0;
    for (int place = 0; place < count; place++)
        for (int ask = 0; ask < asks; ask++)
            for (int d = 0; d < D; d++) sums[ask][d] += weights[ask * places + place] * values[place * kv_stride + d];
    for (int ask = 0; ask < asks; ask++)
        for (int d = 0; d < D; d++) heard[ask * stride + d] = sums[ask][d] * inverse[ask];
}

// Attention of `asking` tokens over the `count` tokens of one request, one head of width D after the other.
static inline __attribute__((always_inline)) void attend_heads(const float *query, int stride, int asking,
                                                               const float *keys, const float *values, int kv_stride,
                                                               int count, int heads, const int D, float *turned,
                                                               float *weights, float *heard) {
    int places = padded(count);
    float *hidden = turned + D * places;
    for (int place = 0; place < places; place++) hidden[place] = place < count ? 0 : -INFINITY;
    memset(turned, 0, sizeof(float) * (size_t)(D * places));
    for (int head = 0; head < heads; head++, query += D, keys += D, values += D, heard += D) {
        for (int place = 0; place < count; place++)
            for (int d = 0; d < D; d++) turned[d * places + place] = keys[place * kv_stride + d];
        int ask = 0;
        for (; ask + ASKS <= asking; ask += ASKS)
            hear(query + ask * stride, stride, turned, hidden, values, kv_stride, count, D, ASKS, weights, heard + ask * stride);
        for (; ask < asking; ask++)
            hear(query + ask * stride, stride, turned, hidden, values, kv_stride, count, D, 1, weights, heard + ask * stride);
    }
}

static void attend(const Network *network, const float *query, int asking, const float *key_value, int count,
                   float *turned, float *weights, float *heard) {
    int stride = padded(network->width), heads = network->num_heads, D = network->width / heads;
    const float *keys = key_value, *values = key_value + stride;
    if (D == 8) attend_heads(query, stride, asking, keys, values, 2 * stride, count, heads, 8, turned, weights, heard);
    else if (D == 16) attend_heads(query, stride, asking, keys, values, 2 * stride, count, heads, 16, turned, weights, heard);
    else attend_heads(query, stride, asking, keys, values, 2 * stride, count, heads, D, turned, weights, heard);
}

// One pre-norm layer: all tokens answer; with `entity_only` only the first token of each request asks, and
// `tokens` becomes [B, stride].
static void run_layer(const Network *network, const Layer *layer, Arena *scratch, float *tokens, const int *start_B,
                      int num_requests, bool entity_only) {
    int width = network->width, stride = padded(width), count = start_B[num_requests], most = 0;
    int asking = entity_only ? num_requests : count;
    for (int b = 0; b < num_requests; b++)
        if (start_B[b + 1] - start_B[b] > most) most = start_B[b + 1] - start_B[b];
    float *normed = TAKE(scratch, float, count * stride), *key_value = TAKE(scratch, float, count * 2 * stride);
    float *query = TAKE(scratch, float, asking * stride), *heard = TAKE(scratch, float, asking * stride);
    float *inner = TAKE(scratch, float, asking * layer->inner.stride), *added = TAKE(scratch, float, asking * stride);
    float *turned = TAKE(scratch, float, (width / network->num_heads + 1) * padded(most));
    float *weights = TAKE(scratch, float, ASKS * padded(most));
    normalise(&layer->norm_attention, tokens, width, count, normed);
    apply(&layer->key_value, normed, stride, count, key_value);
    if (entity_only)
        for (int b = 0; b < num_requests; b++) {
            memmove(normed + b * stride, normed + start_B[b] * stride, sizeof(float) * (size_t)stride);
            memmove(tokens + b * stride, tokens + start_B[b] * stride, sizeof(float) * (size_t)stride);
        }
    apply(&layer->query, normed, stride, asking, query);
    for (int b = 0; b < num_requests; b++) {
        int first = start_B[b], size = start_B[b + 1] - first, place = entity_only ? b : first;
        attend(network, query + place * stride, entity_only ? 1 : size, key_value + first * 2 * stride, size, turned,
               weights, heard + place * stride);
    }
    apply(&layer->out, heard, stride, asking, added);
    for (int place = 0; place < asking * stride; place++) tokens[place] += added[place];
    normalise(&layer->norm_feedforward, tokens, width, asking, normed);
    apply(&layer->inner, normed, stride, asking, inner);
    for (int place = 0; place < asking * layer->inner.stride; place++) inner[place] = inner[place] > 0 ? inner[place] : 0;
    apply(&layer->outer, inner, layer->inner.stride, asking, added);
    for (int place = 0; place < asking * stride; place++) tokens[place] += added[place];
}

void score(const Network *network, Arena *scratch, float *tokens, const int *start_B, int num_requests, float *logit_B) {
    int stride = padded(network->width);
    for (int index = 0; index < network->num_layers; index++)
        run_layer(network, &network->layers[index], scratch, tokens, start_B, num_requests,
                  index == network->num_layers - 1);
    float *normed = TAKE(scratch, float, num_requests * stride), *out = TAKE(scratch, float, num_requests * LANES);
    normalise(&network->norm, tokens, network->width, num_requests, normed);
    apply(&network->head, normed, stride, num_requests, out);
    for (int b = 0; b < num_requests; b++) logit_B[b] = out[b * LANES];
}

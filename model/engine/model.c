#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { MOST_SIZE = 1 << 14, MOST_LAYERS = 64 };

static int datatype_of(Fault *fault, const Json *spec) {
    Text name = member(fault, spec, "datatype", JSON_TEXT)->text;
    if (same(name, text("INT64"))) return INT64;
    if (same(name, text("FP32"))) return FP32;
    if (same(name, text("BYTES"))) return BYTES;
    fail(fault, "contract.json: the datatype %.*s is not known", (int)name.size, name.bytes);
}

// The inputs of one role and path, in the contract's order.
static Input *read_inputs(Arena *arena, Fault *fault, const Json *contract, const char *role, Text path, int *count) {
    const Json *specs = member(fault, contract, "inputs", JSON_ARRAY);
    Text key = member(fault, contract, "embedding_key", JSON_TEXT)->text;
    Input *inputs = TAKE(arena, Input, specs->count);
    *count = 0;
    for (const Json *spec = specs->first; spec; spec = spec->next) {
        if (!same(member(fault, spec, "role", JSON_TEXT)->text, text(role))) continue;
        if (!same(member(fault, spec, "path", JSON_TEXT)->text, path)) continue;
        Text name = member(fault, spec, "name", JSON_TEXT)->text;
        inputs[(*count)++] = (Input){words(arena, name), words(arena, member(fault, spec, "column", JSON_TEXT)->text),
                                     datatype_of(fault, spec), strcmp(role, "fact") == 0 && !same(name, key)};
    }
    return inputs;
}

static int named_input(Fault *fault, const Input *inputs, int count, Text name, int datatype, int other) {
    for (int index = 0; index < count; index++) {
        if (!same(name, text(inputs[index].name))) continue;
        if (inputs[index].datatype == datatype || inputs[index].datatype == other) return index;
        fail(fault, "contract.json: `%s` has a datatype that it cannot have", inputs[index].name);
    }
    fail(fault, "contract.json: no input is called %.*s", (int)name.size, name.bytes);
}

static History read_history(Arena *arena, Fault *fault, const Json *contract, const Json *entry, const Json *features,
                            const Weights *weights, int index, int width) {
    char prefix[64];
    int count;
    Text path = member(fault, entry, "path", JSON_TEXT)->text;
    History history = {.path = words(arena, path)};
    Input *inputs = read_inputs(arena, fault, contract, "interaction", path, &count);
    snprintf(prefix, sizeof prefix, "histories.%d.", index);
    history.table = read_table(arena, fault, member(fault, features, history.path, JSON_OBJECT), inputs, count, weights,
                               prefix, width, NUM_TIME);
    history.time_input = named_input(fault, inputs, count, member(fault, entry, "time_tensor", JSON_TEXT)->text, INT64,
                                     INT64);
    history.max_rows = (int)whole(fault, entry, "max_rows", 1, MOST_SIZE);
    history.ignored_ns = whole(fault, entry, "ignored_ns", 0, INT64_MAX);
    return history;
}

static void read_model(Model *model, Fault *fault, const char *folder) {
    Arena *arena = &model->arena;
    const Json *contract = read_json(arena, fault, folder, "contract.json");
    const Json *settings = read_json(arena, fault, folder, "settings.json");
    const Json *features = read_json(arena, fault, folder, "features.json");
    const Json *bounds = read_json(arena, fault, folder, "score_bounds.json");
    const Weights *weights = read_weights(arena, fault, folder, "weights.safetensors");
    const Json *network = member(fault, settings, "network", JSON_OBJECT);
    const Json *target = member(fault, settings, "target", JSON_OBJECT);
    const Json *interactions = member(fault, contract, "interactions", JSON_ARRAY);
    Text task = member(fault, contract, "task", JSON_TEXT)->text;
    model->is_binary = same(task, text("binary"));
    if (!model->is_binary && !same(task, text("regression")))
        fail(fault, "contract.json: only binary and regression are compiled (got %.*s)", (int)task.size, task.bytes);
    model->base_digest = member(fault, contract, "base_digest", JSON_TEXT)->text;
    model->embedding_dim = (int)whole(fault, contract, "embedding_dim", 1, MOST_SIZE);
    model->target_mean = (float)member(fault, target, "mean", JSON_NUMBER)->number;
    model->target_std = (float)member(fault, target, "std", JSON_NUMBER)->number;
    if (!model->is_binary) {
        model->target_low = (float)member(fault, target, "low", JSON_NUMBER)->number;
        model->target_high = (float)member(fault, target, "high", JSON_NUMBER)->number;
    }
    int width = (int)whole(fault, network, "width", 1, MOST_SIZE), num_facts, dim = model->embedding_dim;
    int num_heads = (int)whole(fault, network, "num_heads", 1, width);
    if (width % num_heads) fail(fault, "settings.json: a width of %d cannot be split into %d heads", width, num_heads);
    Input *facts = read_inputs(arena, fault, contract, "fact", text(""), &num_facts);
    model->key_input = named_input(fault, facts, num_facts, member(fault, contract, "embedding_key", JSON_TEXT)->text, INT64,
                                   BYTES);
    model->num_histories = interactions->count;
    model->entity = read_table(arena, fault, member(fault, features, "entity", JSON_OBJECT), facts, num_facts, weights,
                               "entity.", width, NUM_SUMMARY * model->num_histories);
    model->histories = TAKE(arena, History, model->num_histories);
    int index = 0;
    for (const Json *entry = interactions->first; entry; entry = entry->next, index++)
        model->histories[index] = read_history(arena, fault, contract, entry, features, weights, index, width);
    model->embedding = linear_from(arena, weight(fault, weights, "embedding", ".weight", width, dim),
                                   weight(fault, weights, "embedding", ".bias", width, 1), width, dim);
    model->embedding_age = linear_from(arena, weight(fault, weights, "embedding_age", ".weight", width, NUM_TIME),
                                       weight(fault, weights, "embedding_age", ".bias", width, 1), width, NUM_TIME);
    model->no_embedding = weight(fault, weights, "no_embedding", "", width, 1);
    model->network = read_network(arena, fault, weights, width, num_heads,
                                  (int)whole(fault, network, "num_layers", 1, MOST_LAYERS));
    double *score_bounds = TAKE(arena, double, bounds->count);
    for (const Json *bound = bounds->first; bound; bound = bound->next)
        score_bounds[model->num_score_bounds++] = bound->number;
    model->score_bounds = score_bounds;
}

Model *open_model(Fault *fault, const char *folder) {
    Fault inner;
    Model *model = calloc(1, sizeof *model);
    if (!model) abort();
    if (setjmp(inner.where)) {
        close_model(model);
        fail(fault, "%s: %s", folder, inner.message);
    }
    read_model(model, &inner, folder);
    return model;
}

bool has_text_key(const Model *model) { return model->entity.inputs[model->key_input].datatype == BYTES; }

void close_model(Model *model) {
    Arena arena = model->arena;
    free(model);
    release(&arena);
}

static Values zeros(Arena *arena, int datatype, int64_t count) {
    Values values = {.any = NULL};
    if (datatype == BYTES) {
        Text *texts = TAKE(arena, Text, count);
        for (int64_t place = 0; place < count; place++) texts[place] = text("");
        values.bytes = texts;
    }
    if (datatype == FP32) values.fp32 = TAKE(arena, float, count);
    if (datatype == INT64) values.int64 = TAKE(arena, int64_t, count); // times before the anchor, so that rows count
    return values;
}

Request *request_of_zeros(const Model *model, Arena *arena, int64_t items) {
    Request *request = TAKE(arena, Request, 1);
    int64_t *anchor_ns = TAKE(arena, int64_t, items), *num_rows = TAKE(arena, int64_t, model->num_histories);
    Values *facts = TAKE(arena, Values, model->entity.num_inputs);
    const Values **rows = TAKE(arena, const Values *, model->num_histories);
    for (int64_t item = 0; item < items; item++) anchor_ns[item] = INT64_MAX;
    for (int index = 0; index < model->entity.num_inputs; index++)
        facts[index] = zeros(arena, model->entity.inputs[index].datatype, items);
    for (int h = 0; h < model->num_histories; h++) {
        const Table *table = &model->histories[h].table;
        Values *columns = TAKE(arena, Values, table->num_inputs);
        num_rows[h] = model->histories[h].max_rows;
        for (int index = 0; index < table->num_inputs; index++)
            columns[index] = zeros(arena, table->inputs[index].datatype, items * num_rows[h]);
        rows[h] = columns;
    }
    *request = (Request){items, anchor_ns, facts, num_rows, rows};
    return request;
}

// Rows of one item's history that count, and their ages.
typedef struct {
    int64_t *row;
    float *age_days;
    int count;
} Kept;

typedef struct {
    int64_t time_ns, row;
} Moment;

static int newest_first(const void *one, const void *other) {
    const Moment *a = one, *b = other;
    if (a->time_ns != b->time_ns) return a->time_ns > b->time_ns ? -1 : 1;
    return a->row > b->row ? -1 : a->row < b->row;
}

// Time known, not after the anchor less the ignored while, and the `max_rows` newest of these; among equal times the
// later position counts as newer.
static Kept keep_recent(const History *history, Arena *scratch, const int64_t *time_ns, int64_t first, int64_t num_rows,
                        int64_t anchor_ns) {
    Moment *moments = TAKE(scratch, Moment, num_rows);
    int64_t count = 0, upto_ns = before(anchor_ns, history->ignored_ns);
    for (int64_t row = first; row < first + num_rows; row++)
        if (time_ns[row] != MISSING_INT64 && time_ns[row] <= upto_ns) moments[count++] = (Moment){time_ns[row], row};
    if (count > history->max_rows) {
        qsort(moments, (size_t)count, sizeof *moments, newest_first);
        count = history->max_rows;
    }
    Kept kept = {TAKE(scratch, int64_t, count), TAKE(scratch, float, count), (int)count};
    for (int64_t place = 0; place < count; place++) {
        kept.row[place] = moments[place].row;
        kept.age_days[place] = age_days(anchor_ns, moments[place].time_ns);
    }
    return kept;
}

static int64_t find_embedding(const Model *model, const Embeddings *embeddings, const Request *request, int64_t item) {
    const Values key = request->facts[model->key_input];
    if (request->anchor_ns[item] < embeddings->cutoff_ns) return -1;
    return has_text_key(model) ? find_text(embeddings, key.bytes[item]) : find_number(embeddings, key.int64[item]);
}

// The tokens of one item: entity, embedding, rows of the histories.
static void encode_item(const Model *model, const Embeddings *embeddings, Arena *scratch, const Request *request,
                        int64_t item, const Kept *kept, float *tokens, int64_t *time_ns) {
    int width = model->network.width, stride = padded(width), num_dense = model->entity.num_dense;
    int64_t anchor_ns = request->anchor_ns[item];
    float *dense = TAKE(scratch, float, model->entity.dense.rows), age[NUM_TIME];
    encode_numbers(&model->entity, request->facts, item, anchor_ns, dense);
    for (int h = 0; h < model->num_histories; h++)
        summarise(kept[h].age_days, kept[h].count, dense + num_dense + h * NUM_SUMMARY);
    apply(&model->entity.dense, dense, 0, 1, tokens);
    add_categories(&model->entity, request->facts, item, width, tokens);
    tokens += stride;
    int64_t row = find_embedding(model, embeddings, request, item);
    *time_ns = row < 0 ? MISSING_INT64 : embeddings->cutoff_ns;
    if (row < 0) {
        memcpy(tokens, model->no_embedding, sizeof(float) * (size_t)width);
    } else {
        float *aged = TAKE(scratch, float, stride);
        encode_age(age_days(anchor_ns, embeddings->cutoff_ns), age);
        apply(&model->embedding, embeddings->vectors + row * embeddings->dim, 0, 1, tokens);
        apply(&model->embedding_age, age, 0, 1, aged);
        for (int w = 0; w < stride; w++) tokens[w] += aged[w];
    }
    tokens += stride;
    for (int h = 0; h < model->num_histories; h++) {
        const Table *table = &model->histories[h].table;
        float *rows = TAKE(scratch, float, kept[h].count * table->dense.rows);
        for (int place = 0; place < kept[h].count; place++) {
            float *into = rows + place * table->dense.rows;
            encode_numbers(table, request->rows[h], kept[h].row[place], anchor_ns, into);
            encode_age(kept[h].age_days[place], into + table->num_dense);
        }
        apply(&table->dense, rows, table->dense.rows, kept[h].count, tokens);
        for (int place = 0; place < kept[h].count; place++, tokens += stride)
            add_categories(table, request->rows[h], kept[h].row[place], width, tokens);
    }
}

static float answer(const Model *model, float output) {
    if (model->is_binary) return 1 / (1 + expf(-output));
    float value = output * model->target_std + model->target_mean;
    if (isnan(value)) return value; // refused later, not clamped to a number
    return fminf(fmaxf(value, model->target_low), model->target_high);
}

void predict(const Model *model, const Embeddings *embeddings, Arena *scratch, const Request *requests, int num_requests,
             float *score_B, int64_t *time_B, Spent *spent) {
    uint64_t begin_ns = now_ns();
    int num_items = 0, b = 0, num_tokens = 0;
    for (int index = 0; index < num_requests; index++) num_items += (int)requests[index].items;
    int *start_B = TAKE(scratch, int, num_items + 1);
    Kept *kept = TAKE(scratch, Kept, num_items * model->num_histories);
    for (int index = 0; index < num_requests; index++)
        for (int64_t item = 0; item < requests[index].items; item++, b++) {
            start_B[b] = num_tokens;
            num_tokens += 2;
            for (int h = 0; h < model->num_histories; h++) {
                const History *history = &model->histories[h];
                int64_t num_rows = requests[index].num_rows[h];
                kept[b * model->num_histories + h] =
                    keep_recent(history, scratch, requests[index].rows[h][history->time_input].int64, item * num_rows,
                                num_rows, requests[index].anchor_ns[item]);
                num_tokens += kept[b * model->num_histories + h].count;
            }
        }
    start_B[num_items] = num_tokens;
    int stride = padded(model->network.width);
    float *tokens = TAKE(scratch, float, num_tokens * stride);
    b = 0;
    for (int index = 0; index < num_requests; index++)
        for (int64_t item = 0; item < requests[index].items; item++, b++)
            encode_item(model, embeddings, scratch, &requests[index], item, kept + b * model->num_histories,
                        tokens + start_B[b] * stride, &time_B[b]);
    uint64_t encoded_ns = now_ns();
    score(&model->network, scratch, tokens, start_B, num_items, score_B);
    for (b = 0; b < num_items; b++) score_B[b] = answer(model, score_B[b]);
    spent->encode_ns += encoded_ns - begin_ns;
    spent->network_ns += now_ns() - encoded_ns;
}

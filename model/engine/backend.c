// Triton's entry points: a model's life, and one batch of requests after the other.

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "live.h"
#include "request.h"

static const char FOLLOWED_VARIABLE[] = "STILLHOUSE_EMBEDDINGS";
enum { WARM_ITEMS = 64 };

typedef struct {
    Model *model;
    Live *live;
} Loaded;

typedef struct {
    Loaded *loaded;
    Arena scratch; // of one batch
} Instance;

static TRITONSERVER_Error *internal(const char *message) { return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, message); }

static bool is_built_for_this_processor(void) {
#ifdef __x86_64__ // the compiler's own runtime does not fill in what __builtin_cpu_supports reads
    unsigned a, b, c, d, more_b, more_c;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid_count(7, 0, &a, &more_b, &more_c, &d)) return false;
    return (c & bit_FMA) && (c & bit_OSXSAVE) && (more_b & bit_AVX2);
#else
    return true;
#endif
}

#define RETURN_ERROR(call)                     \
    do {                                       \
        TRITONSERVER_Error *error_ = (call);   \
        if (error_) return error_;             \
    } while (0)

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInitialize(TRITONBACKEND_Model *model) {
    TRITONBACKEND_ArtifactType type;
    const char *repository, *name;
    uint64_t number;
    char folder[4096], version[32];
    Fault fault;
    if (!is_built_for_this_processor()) return internal("the engine was built for processors with AVX2 and FMA");
    RETURN_ERROR(TRITONBACKEND_ModelRepository(model, &type, &repository));
    RETURN_ERROR(TRITONBACKEND_ModelName(model, &name));
    RETURN_ERROR(TRITONBACKEND_ModelVersion(model, &number));
    snprintf(version, sizeof version, "%llu", (unsigned long long)number);
    snprintf(folder, sizeof folder, "%s/%s", repository, version);
    Loaded *loaded = calloc(1, sizeof *loaded);
    if (!loaded) abort();
    if (setjmp(fault.where)) {
        if (loaded->model) close_model(loaded->model);
        free(loaded);
        return internal(fault.message);
    }
    loaded->model = open_model(&fault, folder);
    loaded->live = start_live(&fault, loaded->model, folder, getenv(FOLLOWED_VARIABLE), name, version);
    return TRITONBACKEND_ModelSetState(model, loaded);
}

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelFinalize(TRITONBACKEND_Model *model) {
    void *state;
    RETURN_ERROR(TRITONBACKEND_ModelState(model, &state));
    Loaded *loaded = state;
    if (!loaded) return NULL;
    stop_live(loaded->live);
    close_model(loaded->model);
    free(loaded);
    return NULL;
}

// The first batch finds its memory there, and its code and weights in the caches.
static void warm_up(Instance *instance) {
    void *loan;
    const Model *model = instance->loaded->model;
    const Embeddings *embeddings = borrow(instance->loaded->live, &loan);
    for (int items = 1; items <= WARM_ITEMS; items *= 2) {
        reset(&instance->scratch);
        Request *request = request_of_zeros(model, &instance->scratch, items);
        float *score_B = TAKE(&instance->scratch, float, items);
        int64_t *time_B = TAKE(&instance->scratch, int64_t, items);
        predict(model, embeddings, &instance->scratch, request, 1, score_B, time_B, &(Spent){0});
    }
    give_back(loan);
}

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance *instance) {
    TRITONBACKEND_Model *model;
    void *state;
    RETURN_ERROR(TRITONBACKEND_ModelInstanceModel(instance, &model));
    RETURN_ERROR(TRITONBACKEND_ModelState(model, &state));
    Instance *mine = calloc(1, sizeof *mine);
    if (!mine) abort();
    mine->loaded = state;
    warm_up(mine);
    return TRITONBACKEND_ModelInstanceSetState(instance, mine);
}

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance *instance) {
    void *state;
    RETURN_ERROR(TRITONBACKEND_ModelInstanceState(instance, &state));
    Instance *mine = state;
    if (!mine) return NULL;
    release(&mine->scratch);
    free(mine);
    return NULL;
}

// The requests of one batch: those that keep the contract are scored together, a bad one fails alone.
typedef struct {
    Request *good;
    bool *is_bad, *is_real;
    int num_good;
    int64_t num_items;
} Batch;

static Batch read_batch(const Model *model, Arena *scratch, TRITONBACKEND_Request **requests, uint32_t count) {
    Batch batch = {TAKE(scratch, Request, count), TAKE(scratch, bool, count), TAKE(scratch, bool, count), 0, 0};
    Fault *fault = TAKE(scratch, Fault, 1);
    for (volatile uint32_t index = 0; index < count; index++) {
        if (setjmp(fault->where)) {
            batch.is_bad[index] = true;
            refuse(requests[index], TRITONSERVER_ERROR_INVALID_ARG, fault->message);
            continue;
        }
        Request *read = read_request(model, scratch, fault, requests[index]);
        batch.is_real[batch.num_good] = !is_probe(requests[index]);
        batch.good[batch.num_good++] = *read;
        batch.num_items += read->items;
    }
    return batch;
}

static bool all_finite(const float *score_B, int64_t items) {
    for (int64_t item = 0; item < items; item++)
        if (!isfinite(score_B[item])) return false;
    return true;
}

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance *instance,
                                                                     TRITONBACKEND_Request **requests,
                                                                     const uint32_t count) {
    void *state, *loan;
    uint64_t begin_ns = now_ns();
    RETURN_ERROR(TRITONBACKEND_ModelInstanceState(instance, &state));
    Instance *mine = state;
    Arena *scratch = &mine->scratch;
    Told told = {0};
    reset(scratch);
    Batch batch = read_batch(mine->loaded->model, scratch, requests, count);
    float *score_B = TAKE(scratch, float, batch.num_items), *real_B = TAKE(scratch, float, batch.num_items);
    int64_t *time_B = TAKE(scratch, int64_t, batch.num_items);
    uint64_t read_ns = now_ns();
    const Embeddings *embeddings = borrow(mine->loaded->live, &loan);
    predict(mine->loaded->model, embeddings, scratch, batch.good, batch.num_good, score_B, time_B, &told.spent);
    give_back(loan);
    uint64_t scored_ns = now_ns();
    int64_t start = 0, num_real = 0;
    int good = 0;
    for (uint32_t index = 0; index < count; index++) {
        if (batch.is_bad[index]) continue;
        int64_t items = batch.good[good].items;
        batch.is_bad[index] = !all_finite(score_B + start, items);
        if (batch.is_bad[index]) refuse(requests[index], TRITONSERVER_ERROR_INTERNAL, "the model's score is not finite");
        else answer(requests[index], items, score_B + start, time_B + start);
        for (int64_t item = start; item < start + items; item++) {
            told.num_missing += time_B[item] == MISSING_INT64;
            if (batch.is_real[good]) real_B[num_real++] = score_B[item];
        }
        start += items;
        good++;
    }
    uint64_t end_ns = now_ns();
    told.read_ns = read_ns - begin_ns;
    told.respond_ns = end_ns - scored_ns;
    tell(mine->loaded->live, told, real_B, (int)num_real);
    for (uint32_t index = 0; index < count; index++) {
        TRITONSERVER_Error *error = TRITONBACKEND_ModelInstanceReportStatistics(
            instance, requests[index], !batch.is_bad[index], begin_ns, read_ns, scored_ns, end_ns);
        if (error) TRITONSERVER_ErrorDelete(error);
        if ((error = TRITONBACKEND_RequestRelease(requests[index], TRITONSERVER_REQUEST_RELEASE_ALL)))
            TRITONSERVER_ErrorDelete(error);
    }
    TRITONSERVER_Error *error = TRITONBACKEND_ModelInstanceReportBatchStatistics(
        instance, (uint64_t)batch.num_items, begin_ns, read_ns, scored_ns, end_ns);
    if (error) TRITONSERVER_ErrorDelete(error);
    return NULL;
}

// For the export, which opens the library without a server: whether a version folder is one that the engine knows.
// 0, or 1 with the reason in `message`.
TRITON_ENTRY int stillhouse_check(const char *folder, char *message, size_t size) {
    Fault fault;
    if (setjmp(fault.where)) {
        snprintf(message, size, "%s", fault.message);
        return 1;
    }
    close_model(open_model(&fault, folder));
    return 0;
}

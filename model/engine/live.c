#define _GNU_SOURCE
#include "live.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 200, LOOKS_A_TELL = 5, PAUSE_US = 500, NICENESS = 5, MAX_PATH = 4096 };
enum { READ, ENCODE, NETWORK, RESPOND, NUM_PARTS };
static const char *const PARTS[] = {"read", "encode", "network", "respond"};

typedef struct Loaned {
    Embeddings *embeddings;
    atomic_int users;
    struct Loaned *next; // among those that wait for their last user
} Loaned;

typedef struct {
    TRITONSERVER_MetricFamily *family;
    TRITONSERVER_Metric **series;
    int count;
} Metrics;

struct Live {
    const Model *model;
    char followed[MAX_PATH], seen[MAX_PATH];
    pthread_t watcher;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t stopping;
    bool stop;
    Loaned *current, *retired;
    Told told;             // since the last look
    uint64_t *num_scores;  // of each bound, and beyond the last
    uint64_t num_refused;
    Metrics cutoff, refused, missing, scores, parts;
};

static void log_message(TRITONSERVER_LogLevel level, const char *message) {
    TRITONSERVER_Error *error = TRITONSERVER_LogMessage(level, __FILE__, __LINE__, message);
    if (error) TRITONSERVER_ErrorDelete(error);
}

// One series for each value of `label`, or one where it is NULL. Without Triton's metrics there are none.
static Metrics new_metrics(const char *name, const char *words, TRITONSERVER_MetricKind kind, const char *model,
                           const char *version, const char *label, const char *const *values, int count) {
    Metrics metrics = {0};
    TRITONSERVER_Error *error = TRITONSERVER_MetricFamilyNew(&metrics.family, kind, name, words);
    if (error) {
        TRITONSERVER_ErrorDelete(error);
        return metrics;
    }
    metrics.series = calloc((size_t)count, sizeof *metrics.series);
    for (int index = 0; index < count; index++) {
        const TRITONSERVER_Parameter *labels[] = {
            TRITONSERVER_ParameterNew("model", TRITONSERVER_PARAMETER_STRING, model),
            TRITONSERVER_ParameterNew("version", TRITONSERVER_PARAMETER_STRING, version),
            label ? TRITONSERVER_ParameterNew(label, TRITONSERVER_PARAMETER_STRING, values[index]) : NULL,
        };
        error = TRITONSERVER_MetricNew(&metrics.series[index], metrics.family, labels, label ? 3 : 2);
        for (int one = 0; one < (label ? 3 : 2); one++) TRITONSERVER_ParameterDelete((TRITONSERVER_Parameter *)labels[one]);
        if (error) {
            TRITONSERVER_ErrorDelete(error);
            break;
        }
        metrics.count++;
    }
    return metrics;
}

static void delete_metrics(Metrics metrics) {
    TRITONSERVER_Error *error;
    for (int index = 0; index < metrics.count; index++)
        if ((error = TRITONSERVER_MetricDelete(metrics.series[index]))) TRITONSERVER_ErrorDelete(error);
    if (metrics.family && (error = TRITONSERVER_MetricFamilyDelete(metrics.family))) TRITONSERVER_ErrorDelete(error);
    free(metrics.series);
}

static void add(Metrics metrics, int index, double gained) {
    TRITONSERVER_Error *error = NULL;
    if (index < metrics.count && gained != 0) error = TRITONSERVER_MetricIncrement(metrics.series[index], gained);
    if (error) TRITONSERVER_ErrorDelete(error);
}

static void set(Metrics metrics, double value) {
    TRITONSERVER_Error *error = metrics.count ? TRITONSERVER_MetricSet(metrics.series[0], value) : NULL;
    if (error) TRITONSERVER_ErrorDelete(error);
}

static void make_metrics(Live *live, const char *name, const char *version) {
    TRITONSERVER_MetricKind counter = TRITONSERVER_METRIC_KIND_COUNTER, gauge = TRITONSERVER_METRIC_KIND_GAUGE;
    int num_bounds = live->model->num_score_bounds;
    char texts[num_bounds + 1][32];
    const char *values[num_bounds + 1];
    for (int index = 0; index <= num_bounds; index++) {
        if (index < num_bounds) snprintf(texts[index], sizeof texts[index], "%g", live->model->score_bounds[index]);
        else strcpy(texts[index], "+Inf");
        values[index] = texts[index];
    }
    live->cutoff = new_metrics("stillhouse_embedding_cutoff_seconds", "Cut-off of the embeddings in use, Unix time",
                               gauge, name, version, "instance", &name, 1);
    live->refused = new_metrics("stillhouse_embedding_refused_total", "Embedding tables refused", counter, name, version,
                                "instance", &name, 1);
    live->missing = new_metrics("stillhouse_embedding_missing_total", "Predictions for entities without an embedding",
                                counter, name, version, "instance", &name, 1);
    live->scores = new_metrics("stillhouse_score_bucket", "Scores by bound", counter, name, version, "le", values,
                               num_bounds + 1);
    live->parts = new_metrics("stillhouse_part_seconds_total", "Time of the model's own parts", counter, name, version,
                              "part", PARTS, NUM_PARTS);
}

// Counts are told now and then: every call to Triton's metrics costs the caller time.
static void tell_triton(Live *live) {
    int num_bounds = live->model->num_score_bounds;
    uint64_t gained[num_bounds + 1], sum = 0;
    pthread_mutex_lock(&live->mutex);
    Told told = live->told;
    live->told = (Told){0};
    for (int index = 0; index <= num_bounds; index++) {
        gained[index] = sum += live->num_scores[index];
        live->num_scores[index] = 0;
    }
    pthread_mutex_unlock(&live->mutex);
    for (int index = 0; index <= num_bounds; index++) add(live->scores, index, (double)gained[index]);
    add(live->parts, READ, (double)told.read_ns / 1e9);
    add(live->parts, ENCODE, (double)told.spent.encode_ns / 1e9);
    add(live->parts, NETWORK, (double)told.spent.network_ns / 1e9);
    add(live->parts, RESPOND, (double)told.respond_ns / 1e9);
}

static Loaned *lendable(Fault *fault, const Model *model, const char *folder, unsigned pause_us) {
    Embeddings *embeddings = open_embeddings(fault, folder, model->base_digest, model->embedding_dim, has_text_key(model), pause_us);
    Loaned *loaned = calloc(1, sizeof *loaned);
    if (!loaned) abort();
    loaned->embeddings = embeddings;
    return loaned;
}

static void take_over(Live *live, Loaned *fresh) {
    pthread_mutex_lock(&live->mutex);
    Loaned *old = live->current;
    live->current = fresh;
    pthread_mutex_unlock(&live->mutex);
    if (old) old->next = live->retired, live->retired = old;
    set(live->cutoff, (double)fresh->embeddings->cutoff_ns / 1e9);
}

// Close what nobody uses any more, here and not where requests wait.
static void drop_retired(Live *live, bool all) {
    for (Loaned **place = &live->retired; *place;) {
        Loaned *one = *place;
        if (!all && atomic_load(&one->users)) {
            place = &one->next;
            continue;
        }
        *place = one->next;
        close_embeddings(one->embeddings);
        free(one);
    }
}

// Take the table over when `current` points elsewhere than before; the old one stays when it is refused.
static void look(Live *live, unsigned pause_us) {
    char link[MAX_PATH + 16], target[MAX_PATH], message[MAX_PATH + 1200];
    Fault fault;
    snprintf(link, sizeof link, "%s/current", live->followed);
    if (!realpath(link, target) || strcmp(target, live->seen) == 0) return;
    snprintf(live->seen, sizeof live->seen, "%s", target);
    if (setjmp(fault.where)) {
        add(live->refused, 0, 1);
        snprintf(message, sizeof message, "embeddings refused, the old ones stay: %s", fault.message);
        log_message(TRITONSERVER_LOG_ERROR, message);
        return;
    }
    Loaned *fresh = lendable(&fault, live->model, target, pause_us);
    take_over(live, fresh);
    snprintf(message, sizeof message, "embeddings of %s: %lld at %lld ns", target, (long long)fresh->embeddings->count,
             (long long)fresh->embeddings->cutoff_ns);
    log_message(TRITONSERVER_LOG_INFO, message);
}

static bool wait_for_stop(Live *live) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    pthread_mutex_lock(&live->mutex);
    while (!live->stop && pthread_cond_timedwait(&live->stopping, &live->mutex, &until) == 0) {}
    bool stop = live->stop;
    pthread_mutex_unlock(&live->mutex);
    return stop;
}

static void *watch(void *given) {
    Live *live = given;
    // Of this thread alone: a large table must not take the processor from requests, nor wait for ever on a busy machine.
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    for (int looks = 1; !wait_for_stop(live); looks++) {
        if (live->followed[0]) look(live, PAUSE_US);
        drop_retired(live, false);
        if (looks % LOOKS_A_TELL == 0) tell_triton(live);
    }
    return NULL;
}

static void end_live(Live *live) {
    live->current->next = live->retired;
    live->retired = live->current;
    drop_retired(live, true);
    delete_metrics(live->cutoff), delete_metrics(live->refused), delete_metrics(live->missing);
    delete_metrics(live->scores), delete_metrics(live->parts);
    pthread_cond_destroy(&live->stopping);
    pthread_mutex_destroy(&live->mutex);
    free(live->num_scores);
    free(live);
}

Live *start_live(Fault *fault, const Model *model, const char *folder, const char *followed, const char *name,
                 const char *version) {
    char bundled[MAX_PATH];
    snprintf(bundled, sizeof bundled, "%s/embeddings", folder);
    Loaned *first = lendable(fault, model, bundled, 0);
    Live *live = calloc(1, sizeof *live);
    if (!live) abort();
    live->model = model;
    snprintf(live->followed, sizeof live->followed, "%s", followed ? followed : "");
    live->num_scores = calloc((size_t)model->num_score_bounds + 1, sizeof *live->num_scores);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&live->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&live->mutex, NULL);
    make_metrics(live, name, version);
    take_over(live, first);
    if (live->followed[0]) look(live, 0);
    if (pthread_create(&live->watcher, NULL, watch, live) == 0) return live;
    end_live(live);
    fail(fault, "no thread can be started to follow the embeddings");
}

void stop_live(Live *live) {
    pthread_mutex_lock(&live->mutex);
    live->stop = true;
    pthread_cond_signal(&live->stopping);
    pthread_mutex_unlock(&live->mutex);
    pthread_join(live->watcher, NULL);
    tell_triton(live);
    end_live(live);
}

const Embeddings *borrow(Live *live, void **loan) {
    pthread_mutex_lock(&live->mutex);
    Loaned *loaned = live->current;
    atomic_fetch_add(&loaned->users, 1);
    pthread_mutex_unlock(&live->mutex);
    *loan = loaned;
    return loaned->embeddings;
}

void give_back(void *loan) { atomic_fetch_sub(&((Loaned *)loan)->users, 1); }

static int bound_of(const Model *model, double score) {
    int low = 0, high = model->num_score_bounds;
    while (low < high) {
        int middle = (low + high) / 2;
        if (model->score_bounds[middle] < score) low = middle + 1;
        else high = middle;
    }
    return low;
}

void tell(Live *live, Told told, const float *score_B, int count) {
    add(live->missing, 0, (double)told.num_missing);
    pthread_mutex_lock(&live->mutex);
    for (int index = 0; index < count; index++)
        if (isfinite(score_B[index])) live->num_scores[bound_of(live->model, (double)score_B[index])]++;
    live->told.read_ns += told.read_ns;
    live->told.respond_ns += told.respond_ns;
    live->told.spent.encode_ns += told.spent.encode_ns;
    live->told.spent.network_ns += told.spent.network_ns;
    pthread_mutex_unlock(&live->mutex);
}

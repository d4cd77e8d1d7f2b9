// A stand-in for Triton in one process: it brings the engine up, hands it requests without any check of its own, and keeps what
// it answers. Counts all that the engine must give back.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "guarded.h"
#include "triton.h"

typedef struct {
    const char *name;
    const int64_t *shape;
    uint32_t num_dims;
    int32_t datatype;
    const char *bytes;
    uint64_t size;      // of `bytes`
    uint64_t byte_size; // as the host tells it
    uint32_t num_buffers;
} HostInput;

typedef struct {
    const char *id;
    HostInput *inputs;
    uint32_t num_inputs;
    int32_t code; // of the error; 0: answered
    char message[2048];
    int64_t items;
    float *score_B;
    int64_t *time_B;
    int64_t most_items; // that the two have room for
    int32_t num_responses, num_releases;
} HostRequest;

struct TRITONSERVER_Error {
    TRITONSERVER_Error_Code code;
    char message[2048];
};
struct TRITONBACKEND_Model {
    const char *repository, *name;
    uint64_t version;
    void *state;
};
struct TRITONBACKEND_ModelInstance {
    TRITONBACKEND_Model *model;
    void *state;
};
struct TRITONBACKEND_Input {
    HostInput *from;
    char *piece;
};
struct TRITONBACKEND_Request {
    HostRequest *from;
    TRITONBACKEND_Input *inputs;
};
struct TRITONBACKEND_Output {
    bool is_score;
    TRITONBACKEND_Response *response;
};
struct TRITONBACKEND_Response {
    HostRequest *to;
    TRITONBACKEND_Output outputs[2];
    int num_outputs;
};
struct TRITONSERVER_Metric {
    double value;
};
struct TRITONSERVER_MetricFamily {
    int unused;
};

typedef struct {
    TRITONBACKEND_Model model;
    TRITONBACKEND_ModelInstance instance;
    char names[2][4096];
} Host;

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInitialize(TRITONBACKEND_Model *model);
TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelFinalize(TRITONBACKEND_Model *model);
TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance *instance);
TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance *instance);
TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance *instance,
                                                                     TRITONBACKEND_Request **requests, const uint32_t count);

static atomic_int num_live;

static void *make(size_t size) {
    num_live++;
    return calloc(1, size);
}

static void drop(void *made) {
    if (!made) abort();
    num_live--;
    free(made);
}

TRITONSERVER_Error *TRITONSERVER_ErrorNew(TRITONSERVER_Error_Code code, const char *message) {
    TRITONSERVER_Error *error = make(sizeof *error);
    error->code = code;
    snprintf(error->message, sizeof error->message, "%s", message);
    return error;
}
void TRITONSERVER_ErrorDelete(TRITONSERVER_Error *error) { drop(error); }
const char *TRITONSERVER_ErrorMessage(TRITONSERVER_Error *error) { return error->message; }
TRITONSERVER_Error *TRITONSERVER_LogMessage(TRITONSERVER_LogLevel level, const char *file, int line, const char *message) {
    fprintf(stderr, "%d %s:%d %s\n", level, file, line, message);
    return NULL;
}
TRITONSERVER_Parameter *TRITONSERVER_ParameterNew(const char *name, TRITONSERVER_ParameterType type, const void *value) {
    (void)name, (void)type, (void)value;
    return make(1);
}
void TRITONSERVER_ParameterDelete(TRITONSERVER_Parameter *parameter) { drop(parameter); }
TRITONSERVER_Error *TRITONSERVER_MetricFamilyNew(TRITONSERVER_MetricFamily **family, TRITONSERVER_MetricKind kind,
                                                 const char *name, const char *description) {
    (void)kind, (void)name, (void)description;
    *family = make(sizeof **family);
    return NULL;
}
TRITONSERVER_Error *TRITONSERVER_MetricFamilyDelete(TRITONSERVER_MetricFamily *family) { return drop(family), NULL; }
TRITONSERVER_Error *TRITONSERVER_MetricNew(TRITONSERVER_Metric **metric, TRITONSERVER_MetricFamily *family,
                                           const TRITONSERVER_Parameter **labels, uint64_t count) {
    (void)family, (void)labels, (void)count;
    *metric = make(sizeof **metric);
    return NULL;
}
TRITONSERVER_Error *TRITONSERVER_MetricDelete(TRITONSERVER_Metric *metric) { return drop(metric), NULL; }
TRITONSERVER_Error *TRITONSERVER_MetricIncrement(TRITONSERVER_Metric *metric, double value) {
    metric->value += value;
    return value < 0 ? TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INVALID_ARG, "a counter only grows") : NULL;
}
TRITONSERVER_Error *TRITONSERVER_MetricSet(TRITONSERVER_Metric *metric, double value) {
    metric->value = value;
    return NULL;
}

TRITONSERVER_Error *TRITONBACKEND_ModelName(TRITONBACKEND_Model *model, const char **name) {
    *name = model->name;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelVersion(TRITONBACKEND_Model *model, uint64_t *version) {
    *version = model->version;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelRepository(TRITONBACKEND_Model *model, TRITONBACKEND_ArtifactType *type,
                                                  const char **location) {
    *type = TRITONBACKEND_ARTIFACT_FILESYSTEM;
    *location = model->repository;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelState(TRITONBACKEND_Model *model, void **state) {
    *state = model->state;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelSetState(TRITONBACKEND_Model *model, void *state) {
    model->state = state;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceModel(TRITONBACKEND_ModelInstance *instance, TRITONBACKEND_Model **model) {
    *model = instance->model;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceState(TRITONBACKEND_ModelInstance *instance, void **state) {
    *state = instance->state;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceSetState(TRITONBACKEND_ModelInstance *instance, void *state) {
    instance->state = state;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceReportStatistics(TRITONBACKEND_ModelInstance *instance,
                                                                TRITONBACKEND_Request *request, bool success, uint64_t a,
                                                                uint64_t b, uint64_t c, uint64_t d) {
    (void)instance;
    if (success != (request->from->code == 0) || a > b || b > c || c > d) abort();
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceReportBatchStatistics(TRITONBACKEND_ModelInstance *instance, uint64_t size,
                                                                     uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    (void)instance, (void)size, (void)a, (void)b, (void)c, (void)d;
    return NULL;
}

TRITONSERVER_Error *TRITONBACKEND_RequestId(TRITONBACKEND_Request *request, const char **id) {
    *id = request->from->id;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_RequestInputCount(TRITONBACKEND_Request *request, uint32_t *count) {
    *count = request->from->num_inputs;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_RequestInputByIndex(TRITONBACKEND_Request *request, uint32_t index,
                                                      TRITONBACKEND_Input **input) {
    *input = &request->inputs[index];
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_RequestOutputCount(TRITONBACKEND_Request *request, uint32_t *count) {
    (void)request;
    *count = 2;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_RequestOutputName(TRITONBACKEND_Request *request, uint32_t index, const char **name) {
    (void)request;
    *name = index ? "embedding_time" : "score";
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_RequestRelease(TRITONBACKEND_Request *request, uint32_t flags) {
    (void)flags;
    request->from->num_releases++;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_InputProperties(TRITONBACKEND_Input *input, const char **name,
                                                  TRITONSERVER_DataType *datatype, const int64_t **shape,
                                                  uint32_t *dims_count, uint64_t *byte_size, uint32_t *buffer_count) {
    *name = input->from->name, *datatype = input->from->datatype, *shape = input->from->shape;
    *dims_count = input->from->num_dims, *byte_size = input->from->byte_size, *buffer_count = input->from->num_buffers;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_InputBuffer(TRITONBACKEND_Input *input, uint32_t index, const void **buffer,
                                              uint64_t *byte_size, TRITONSERVER_MemoryType *memory_type,
                                              int64_t *memory_type_id) {
    (void)memory_type, (void)memory_type_id;
    uint64_t start = input->from->size * index / input->from->num_buffers;
    uint64_t end = input->from->size * (index + 1) / input->from->num_buffers;
    *buffer = end > start ? input->piece + start : NULL;
    *byte_size = end - start;
    return NULL;
}

TRITONSERVER_Error *TRITONBACKEND_ResponseNew(TRITONBACKEND_Response **response, TRITONBACKEND_Request *request) {
    *response = make(sizeof **response);
    (*response)->to = request->from;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ResponseOutput(TRITONBACKEND_Response *response, TRITONBACKEND_Output **output,
                                                 const char *name, TRITONSERVER_DataType datatype, const int64_t *shape,
                                                 uint32_t dims_count) {
    (void)datatype;
    if (dims_count != 2 || shape[1] != 1 || shape[0] > response->to->most_items) abort();
    response->to->items = shape[0];
    *output = &response->outputs[response->num_outputs++];
    **output = (TRITONBACKEND_Output){strcmp(name, "score") == 0, response};
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_OutputBuffer(TRITONBACKEND_Output *output, void **buffer, uint64_t byte_size,
                                               TRITONSERVER_MemoryType *memory_type, int64_t *memory_type_id) {
    (void)memory_type, (void)memory_type_id;
    HostRequest *to = output->response->to;
    if (byte_size != (uint64_t)to->items * (output->is_score ? sizeof(float) : sizeof(int64_t))) abort();
    *buffer = output->is_score ? (void *)to->score_B : (void *)to->time_B;
    return NULL;
}
TRITONSERVER_Error *TRITONBACKEND_ResponseSend(TRITONBACKEND_Response *response, uint32_t flags, TRITONSERVER_Error *error) {
    (void)flags;
    HostRequest *to = response->to;
    to->num_responses++;
    to->code = error ? (int32_t)error->code : 0;
    if (error) memcpy(to->message, error->message, sizeof to->message);
    drop(response);
    return NULL;
}

static Host *refused(Host *host, TRITONSERVER_Error *error, char *message, size_t size) {
    snprintf(message, size, "%s", error->message);
    TRITONSERVER_ErrorDelete(error);
    free(host);
    return NULL;
}

// NULL, with the reason in `message`, where the engine refuses `<repository>/<version>`.
TRITON_ENTRY Host *host_open(const char *repository, uint64_t version, char *message, size_t size) {
    Host *host = calloc(1, sizeof *host);
    snprintf(host->names[0], sizeof host->names[0], "%s", repository);
    host->model = (TRITONBACKEND_Model){host->names[0], "model", version, NULL};
    host->instance.model = &host->model;
    TRITONSERVER_Error *error = TRITONBACKEND_ModelInitialize(&host->model);
    if (error) return refused(host, error, message, size);
    error = TRITONBACKEND_ModelInstanceInitialize(&host->instance);
    if (error) abort();
    return host;
}

TRITON_ENTRY void host_close(Host *host) {
    if (TRITONBACKEND_ModelInstanceFinalize(&host->instance) || TRITONBACKEND_ModelFinalize(&host->model)) abort();
    free(host);
}

TRITON_ENTRY void host_execute(Host *host, HostRequest *requests, uint32_t count) {
    TRITONBACKEND_Request *all = calloc(count + 1, sizeof *all), **handed = calloc(count + 1, sizeof *handed);
    for (uint32_t index = 0; index < count; index++) {
        HostRequest *from = &requests[index];
        all[index] = (TRITONBACKEND_Request){from, calloc(from->num_inputs + 1, sizeof(TRITONBACKEND_Input))};
        handed[index] = &all[index];
        for (uint32_t place = 0; place < from->num_inputs; place++) {
            HostInput *input = &from->inputs[place];
            all[index].inputs[place] = (TRITONBACKEND_Input){input, guarded_piece(input->size, 1)};
            memcpy(all[index].inputs[place].piece, input->bytes, input->size);
        }
    }
    if (TRITONBACKEND_ModelInstanceExecute(&host->instance, handed, count)) abort();
    for (uint32_t index = 0; index < count; index++) {
        for (uint32_t place = 0; place < requests[index].num_inputs; place++)
            guarded_free(all[index].inputs[place].piece, requests[index].inputs[place].size, 1);
        free(all[index].inputs);
    }
    free(all);
    free(handed);
}

// What the engine has not given back; 0 while nothing is open.
TRITON_ENTRY int64_t host_live(void) { return num_live + guarded_live(); }

// A byte of a guarded piece of `bytes`; the process ends where it has none at that place.
TRITON_ENTRY int host_peek(size_t bytes, size_t place) {
    volatile char *piece = guarded_piece(bytes, 1);
    return piece[place];
}

// Whether a file that is cut once it is mapped can still be brought in.
TRITON_ENTRY bool host_bring_in_cut(const char *folder, const char *name, int64_t size) {
    char path[4096];
    Fault fault;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    Mapping mapping = map_file(&fault, folder, name);
    if (truncate(path, size)) abort();
    bool is_there = bring_in(mapping, 0, mapping.size);
    unmap(mapping);
    return is_there;
}

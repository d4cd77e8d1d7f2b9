// A backend that answers every request with zeros of the right shape: what the path costs without a model.

#include <string.h>
#include <time.h>

#include "triton.h"

enum { INT64 = 9, FP32 = 11 };

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define RETURN_ERROR(call)                   \
    do {                                     \
        TRITONSERVER_Error *error_ = (call); \
        if (error_) return error_;           \
    } while (0)

static void forget(TRITONSERVER_Error *error) {
    if (error) TRITONSERVER_ErrorDelete(error);
}

static TRITONSERVER_Error *put(TRITONBACKEND_Response *response, const char *name, TRITONSERVER_DataType datatype,
                               int64_t items, uint64_t size) {
    TRITONBACKEND_Output *output;
    TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
    int64_t memory_id = 0, shape[] = {items, 1};
    void *buffer;
    RETURN_ERROR(TRITONBACKEND_ResponseOutput(response, &output, name, datatype, shape, 2));
    RETURN_ERROR(TRITONBACKEND_OutputBuffer(output, &buffer, size * (uint64_t)items, &memory, &memory_id));
    memset(buffer, 0, size * (uint64_t)items);
    return NULL;
}

static TRITONSERVER_Error *fill(TRITONBACKEND_Request *request, TRITONBACKEND_Response *response) {
    TRITONBACKEND_Input *input;
    const char *name;
    const int64_t *shape;
    uint32_t dims, buffers;
    uint64_t size;
    TRITONSERVER_DataType datatype;
    RETURN_ERROR(TRITONBACKEND_RequestInputByIndex(request, 0, &input));
    RETURN_ERROR(TRITONBACKEND_InputProperties(input, &name, &datatype, &shape, &dims, &size, &buffers));
    RETURN_ERROR(put(response, "score", FP32, shape[0], sizeof(float)));
    return put(response, "embedding_time", INT64, shape[0], sizeof(int64_t));
}

TRITON_ENTRY TRITONSERVER_Error *TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance *instance,
                                                                     TRITONBACKEND_Request **requests,
                                                                     const uint32_t count) {
    uint64_t begin_ns = now_ns();
    for (uint32_t index = 0; index < count; index++) {
        TRITONBACKEND_Response *response;
        RETURN_ERROR(TRITONBACKEND_ResponseNew(&response, requests[index]));
        TRITONSERVER_Error *error = fill(requests[index], response);
        forget(TRITONBACKEND_ResponseSend(response, TRITONSERVER_RESPONSE_COMPLETE_FINAL, error));
        forget(error);
    }
    uint64_t end_ns = now_ns();
    for (uint32_t index = 0; index < count; index++) {
        forget(TRITONBACKEND_ModelInstanceReportStatistics(instance, requests[index], true, begin_ns, begin_ns, end_ns,
                                                           end_ns));
        forget(TRITONBACKEND_RequestRelease(requests[index], TRITONSERVER_REQUEST_RELEASE_ALL));
    }
    forget(TRITONBACKEND_ModelInstanceReportBatchStatistics(instance, count, begin_ns, begin_ns, end_ns, end_ns));
    return NULL;
}

#include "request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char ANCHOR_TIME[] = "anchor_time", SCORE[] = "score", EMBEDDING_TIME[] = "embedding_time";
static const char PROBE_ID[] = "stillhouse-probe";
enum { MOST_ITEMS = 1 << 16 };

static const Input ANCHOR = {ANCHOR_TIME, "", INT64, false};

// One input of a request, as Triton describes it.
typedef struct {
    TRITONBACKEND_Input *handle;
    const char *name;
    const int64_t *shape;
    uint64_t byte_size;
    uint32_t num_dims, num_buffers;
    TRITONSERVER_DataType datatype;
} Tensor;

typedef struct {
    Tensor *tensors;
    uint32_t count, hint; // where the next one probably is: requests keep the contract's order
} Tensors;

static void check(Fault *fault, TRITONSERVER_Error *error) {
    if (!error) return;
    char message[512];
    snprintf(message, sizeof message, "%s", TRITONSERVER_ErrorMessage(error));
    TRITONSERVER_ErrorDelete(error);
    fail(fault, "%s", message);
}

static void ignore(TRITONSERVER_Error *error) {
    if (error) TRITONSERVER_ErrorDelete(error);
}

static Tensors list_tensors(Arena *scratch, Fault *fault, TRITONBACKEND_Request *from) {
    Tensors tensors = {0};
    check(fault, TRITONBACKEND_RequestInputCount(from, &tensors.count));
    tensors.tensors = TAKE(scratch, Tensor, tensors.count);
    for (uint32_t index = 0; index < tensors.count; index++) {
        Tensor *one = &tensors.tensors[index];
        check(fault, TRITONBACKEND_RequestInputByIndex(from, index, &one->handle));
        check(fault, TRITONBACKEND_InputProperties(one->handle, &one->name, &one->datatype, &one->shape, &one->num_dims,
                                                   &one->byte_size, &one->num_buffers));
    }
    return tensors;
}

static const Tensor *find_tensor(Tensors *tensors, const char *name) {
    for (uint32_t tried = 0; tried < tensors->count; tried++) {
        const Tensor *one = &tensors->tensors[(tensors->hint + tried) % tensors->count];
        if (strcmp(one->name, name) != 0) continue;
        tensors->hint = (uint32_t)(one - tensors->tensors) + 1;
        return one;
    }
    return NULL;
}

// The bytes of a tensor in one piece on an even boundary, as neither comes from the wire.
static const char *gather(Arena *scratch, Fault *fault, const Tensor *tensor) {
    char *whole = take(scratch, tensor->byte_size);
    uint64_t done = 0;
    for (uint32_t index = 0; index < tensor->num_buffers; index++) {
        const void *piece;
        uint64_t size;
        int64_t place = 0;
        TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
        check(fault, TRITONBACKEND_InputBuffer(tensor->handle, index, &piece, &size, &memory, &place));
        if (memory == TRITONSERVER_MEMORY_GPU) fail(fault, "`%s` lies on a GPU; expected host memory", tensor->name);
        if (size > tensor->byte_size - done) fail(fault, "`%s` is larger than it says", tensor->name);
        if (size) memcpy(whole + done, piece, size); // an empty one may lie nowhere
        done += size;
    }
    if (done != tensor->byte_size) fail(fault, "`%s` has %llu bytes of %llu", tensor->name, (unsigned long long)done,
                                        (unsigned long long)tensor->byte_size);
    return whole;
}

static const Text *split_texts(Arena *scratch, Fault *fault, const Tensor *tensor, const char *bytes, int64_t count) {
    Text *texts = TAKE(scratch, Text, count);
    const char *end = bytes + tensor->byte_size;
    for (int64_t place = 0; place < count; place++) {
        uint32_t size = 0;
        if (end - bytes >= 4) memcpy(&size, bytes, 4);
        if (end - bytes < 4 || end - bytes - 4 < (int64_t)size)
            fail(fault, "`%s` has fewer strings than its shape says, or one of another length", tensor->name);
        texts[place] = (Text){bytes + 4, size};
        bytes += 4 + (size_t)size;
    }
    if (bytes != end) fail(fault, "`%s` has more strings than its shape says", tensor->name);
    return texts;
}

static Values read_values(Arena *scratch, Fault *fault, const Tensor *tensor, const Input *input, int64_t count) {
    Values values;
    if (tensor->datatype != input->datatype) fail(fault, "`%s` is of another datatype than the contract's", input->name);
    uint64_t least = input->datatype == INT64 ? 8 : 4; // bytes of a value; a string's length has four
    if (count < 0 || (uint64_t)count > tensor->byte_size / least)
        fail(fault, "`%s` has fewer values than its shape says", input->name);
    values.any = gather(scratch, fault, tensor);
    if (input->datatype == BYTES) values.bytes = split_texts(scratch, fault, tensor, values.any, count);
    else if (tensor->byte_size != (uint64_t)count * least)
        fail(fault, "`%s` has more values than its shape says", input->name);
    if (input->datatype == FP32)
        for (int64_t place = 0; place < count; place++)
            if (isinf(values.fp32[place]))
                fail(fault, "`%s` is infinite or too large for 32 bits; expected a number or null", input->name);
    return values;
}

static Values read_fact(Arena *scratch, Fault *fault, Tensors *tensors, const Input *input, int64_t items) {
    const Tensor *tensor = find_tensor(tensors, input->name);
    if (!tensor && input->optional) return (Values){.any = NULL};
    if (!tensor) fail(fault, "`%s` is missing", input->name);
    if (tensor->num_dims != 2 || tensor->shape[0] != items || tensor->shape[1] != 1)
        fail(fault, "`%s` has another shape than expected: [%lld, 1]", input->name, (long long)items);
    return read_values(scratch, fault, tensor, input, items);
}

// All columns of one history; they have as many rows as its first.
static const Values *read_rows(Arena *scratch, Fault *fault, Tensors *tensors, const History *history, int64_t items,
                               int64_t *num_rows) {
    const char *first = history->table.inputs[0].name;
    Values *columns = TAKE(scratch, Values, history->table.num_inputs);
    for (int index = 0; index < history->table.num_inputs; index++) {
        const Input *input = &history->table.inputs[index];
        const Tensor *tensor = find_tensor(tensors, input->name);
        if (!tensor)
            fail(fault, "`%s` is missing; the columns of a history come together, and may be empty: [%lld, 0, 1]",
                 input->name, (long long)items);
        if (tensor->num_dims != 3 || tensor->shape[0] != items || tensor->shape[2] != 1)
            fail(fault, "`%s` has another shape than expected: [%lld, rows, 1]", input->name, (long long)items);
        if (index == 0) *num_rows = tensor->shape[1];
        if (tensor->shape[1] != *num_rows)
            fail(fault, "`%s` has %lld rows, `%s` has %lld; all columns of one history need the same length", input->name,
                 (long long)tensor->shape[1], first, (long long)*num_rows);
        int64_t count;
        if (__builtin_mul_overflow(items, *num_rows, &count)) count = -1;
        columns[index] = read_values(scratch, fault, tensor, input, count);
    }
    return columns;
}

Request *read_request(const Model *model, Arena *scratch, Fault *fault, TRITONBACKEND_Request *from) {
    Request *request = TAKE(scratch, Request, 1);
    Tensors tensors = list_tensors(scratch, fault, from);
    const Tensor *anchor = find_tensor(&tensors, ANCHOR_TIME);
    if (!anchor) fail(fault, "`%s` is missing", ANCHOR_TIME);
    request->items = anchor->num_dims ? anchor->shape[0] : 0;
    if (request->items < 0 || request->items > MOST_ITEMS)
        fail(fault, "`%s` has %lld items; expected up to %d", ANCHOR_TIME, (long long)request->items, MOST_ITEMS);
    request->anchor_ns = read_fact(scratch, fault, &tensors, &ANCHOR, request->items).int64;
    for (int64_t item = 0; item < request->items; item++)
        if (request->anchor_ns[item] == MISSING_INT64)
            fail(fault, "`%s` is missing: a time in nanoseconds is needed", ANCHOR_TIME);
    Values *facts = TAKE(scratch, Values, model->entity.num_inputs);
    for (int index = 0; index < model->entity.num_inputs; index++)
        facts[index] = read_fact(scratch, fault, &tensors, &model->entity.inputs[index], request->items);
    int64_t *num_rows = TAKE(scratch, int64_t, model->num_histories);
    const Values **rows = TAKE(scratch, const Values *, model->num_histories);
    for (int h = 0; h < model->num_histories; h++)
        rows[h] = read_rows(scratch, fault, &tensors, &model->histories[h], request->items, &num_rows[h]);
    request->facts = facts;
    request->num_rows = num_rows;
    request->rows = rows;
    return request;
}

static TRITONSERVER_Error *put_output(TRITONBACKEND_Response *response, const char *name, TRITONSERVER_DataType datatype,
                                      int64_t items, const void *values, uint64_t size) {
    TRITONBACKEND_Output *output;
    void *buffer;
    int64_t shape[] = {items, 1}, place = 0;
    TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
    TRITONSERVER_Error *error = TRITONBACKEND_ResponseOutput(response, &output, name, datatype, shape, 2);
    if (!error) error = TRITONBACKEND_OutputBuffer(output, &buffer, size, &memory, &place);
    if (!error && memory == TRITONSERVER_MEMORY_GPU)
        error = TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_UNSUPPORTED, "outputs go to host memory only");
    if (!error) memcpy(buffer, values, size);
    return error;
}

void answer(TRITONBACKEND_Request *request, int64_t items, const float *score_B, const int64_t *time_B) {
    TRITONBACKEND_Response *response;
    uint32_t count = 0;
    TRITONSERVER_Error *error = TRITONBACKEND_ResponseNew(&response, request);
    if (error) return ignore(error);
    error = TRITONBACKEND_RequestOutputCount(request, &count);
    for (uint32_t index = 0; index < count && !error; index++) {
        const char *name;
        error = TRITONBACKEND_RequestOutputName(request, index, &name);
        if (error) break;
        if (strcmp(name, SCORE) == 0)
            error = put_output(response, SCORE, FP32, items, score_B, (uint64_t)items * sizeof *score_B);
        else if (strcmp(name, EMBEDDING_TIME) == 0)
            error = put_output(response, EMBEDDING_TIME, INT64, items, time_B, (uint64_t)items * sizeof *time_B);
    }
    ignore(TRITONBACKEND_ResponseSend(response, TRITONSERVER_RESPONSE_COMPLETE_FINAL, error));
    ignore(error);
}

void refuse(TRITONBACKEND_Request *request, TRITONSERVER_Error_Code code, const char *message) {
    TRITONBACKEND_Response *response;
    TRITONSERVER_Error *error = TRITONBACKEND_ResponseNew(&response, request);
    if (error) return ignore(error);
    TRITONSERVER_Error *reason = TRITONSERVER_ErrorNew(code, message);
    ignore(TRITONBACKEND_ResponseSend(response, TRITONSERVER_RESPONSE_COMPLETE_FINAL, reason));
    TRITONSERVER_ErrorDelete(reason);
}

bool is_probe(TRITONBACKEND_Request *request) {
    const char *id = NULL;
    ignore(TRITONBACKEND_RequestId(request, &id));
    return id && strcmp(id, PROBE_ID) == 0;
}

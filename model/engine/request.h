// Triton's requests -> checked requests of the model, and scores -> Triton's responses.
#pragma once

#include "model.h"
#include "triton.h"

// Reads and checks one request. A fault names the tensor that does not keep the contract; what is read lies in
// `scratch`, or where the request has it.
Request *read_request(const Model *model, Arena *scratch, Fault *fault, TRITONBACKEND_Request *from);

// Sends the outputs that were asked for, of [items] scores and times.
void answer(TRITONBACKEND_Request *request, int64_t items, const float *score_B, const int64_t *time_B);
void refuse(TRITONBACKEND_Request *request, TRITONSERVER_Error_Code code, const char *message);

bool is_probe(TRITONBACKEND_Request *request); // only asks whether the model answers; its score counts for nothing

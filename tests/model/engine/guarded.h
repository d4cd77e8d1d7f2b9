// Memory that ends where a page begins that nobody may touch.
#pragma once

#include <stdint.h>

#include "arena.h"

char *guarded_piece(size_t bytes, size_t boundary);
void guarded_free(char *piece, size_t bytes, size_t boundary);
int64_t guarded_live(void); // pieces that have not been freed

// JSON -> a tree, for the files that the export wrote.
#pragma once

#include "base.h"

typedef enum { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT } JsonKind;

typedef struct Json {
    JsonKind kind;
    Text key;  // of an object's member
    Text text; // of a text
    double number;
    int64_t whole; // the number, where `is_whole`: an integer of 64 bits
    bool is_whole;
    int count; // of members
    struct Json *first, *next;
} Json;

Json *parse_json(Arena *arena, Fault *fault, Text source, const char *name);
Json *read_json(Arena *arena, Fault *fault, const char *folder, const char *name);
const Json *find(const Json *object, const char *key); // NULL where there is none
const Json *member(Fault *fault, const Json *object, const char *key, JsonKind kind);
int64_t whole(Fault *fault, const Json *object, const char *key, int64_t least, int64_t most); // both inclusive
const char *words(Arena *arena, Text text); // terminated

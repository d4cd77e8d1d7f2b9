#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Arena *arena;
    Fault *fault;
    const char *name, *start, *at, *end;
    int depth;
} Reader;

enum { MOST_DEPTH = 64 };

static _Noreturn void refuse(Reader *reader, const char *expected) {
    fail(reader->fault, "%s: expected %s at byte %td", reader->name, expected, reader->at - reader->start);
}

static void skip_space(Reader *reader) {
    while (reader->at < reader->end && *reader->at && strchr(" \t\r\n", *reader->at)) reader->at++;
}

static char peek(Reader *reader) {
    skip_space(reader);
    if (reader->at == reader->end) refuse(reader, "more");
    return *reader->at;
}

static bool skip(Reader *reader, const char *token) {
    size_t size = strlen(token);
    peek(reader);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, token, size) != 0) return false;
    reader->at += size;
    return true;
}

static unsigned code_unit(Reader *reader) {
    unsigned unit = 0;
    for (int digit = 0; digit < 4; digit++, reader->at++) {
        const char *digits = "0123456789abcdef", *place = NULL;
        if (reader->at < reader->end && *reader->at) place = strchr(digits, *reader->at | 0x20);
        if (!place) refuse(reader, "four hexadecimal digits");
        unit = unit * 16 + (unsigned)(place - digits);
    }
    return unit;
}

static char *put_utf8(char *out, unsigned point) {
    if (point < 0x80) return *out++ = (char)point, out;
    if (point < 0x800) return *out++ = (char)(0xC0 | point >> 6), *out++ = (char)(0x80 | (point & 63)), out;
    if (point < 0x10000) *out++ = (char)(0xE0 | point >> 12);
    else *out++ = (char)(0xF0 | point >> 18), *out++ = (char)(0x80 | (point >> 12 & 63));
    *out++ = (char)(0x80 | (point >> 6 & 63));
    *out++ = (char)(0x80 | (point & 63));
    return out;
}

static char *put_escaped(Reader *reader, char *out) {
    const char *plain = "\"\\/bfnrt", *meant = "\"\\/\b\f\n\r\t";
    char escape = reader->at < reader->end ? *reader->at++ : 0;
    if (escape == 'u') {
        unsigned point = code_unit(reader);
        if (point >= 0xD800 && point < 0xE000) { // half of a pair
            unsigned low = point < 0xDC00 && skip(reader, "\\u") ? code_unit(reader) : 0;
            if (low < 0xDC00 || low >= 0xE000) refuse(reader, "the other half of a pair");
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        }
        return put_utf8(out, point);
    }
    const char *place = escape ? strchr(plain, escape) : NULL;
    if (!place) refuse(reader, "an escape");
    *out++ = meant[place - plain];
    return out;
}

static Text parse_text(Reader *reader) {
    if (!skip(reader, "\"")) refuse(reader, "a text");
    const char *close = reader->at;
    while (close < reader->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= reader->end) refuse(reader, "the end of a text");
    char *bytes = take(reader->arena, (size_t)(close - reader->at) + 1), *out = bytes;
    while (reader->at < close) {
        char byte = *reader->at++;
        if (byte == '\\') out = put_escaped(reader, out);
        else *out++ = byte;
    }
    reader->at = close + 1;
    return (Text){bytes, (size_t)(out - bytes)};
}

static Json *parse_value(Reader *reader);

static void parse_members(Reader *reader, Json *parent, const char *close) {
    Json **last = &parent->first;
    if (skip(reader, close)) return;
    do {
        Text key = {0};
        if (parent->kind == JSON_OBJECT) {
            peek(reader);
            key = parse_text(reader);
            if (!skip(reader, ":")) refuse(reader, "a colon");
        }
        Json *value = parse_value(reader);
        value->key = key;
        *last = value;
        last = &value->next;
        parent->count++;
    } while (skip(reader, ","));
    if (!skip(reader, close)) refuse(reader, close);
}

static Json *parse_value(Reader *reader) {
    Json *value = TAKE(reader->arena, Json, 1);
    if (++reader->depth > MOST_DEPTH) refuse(reader, "less depth");
    char first = peek(reader);
    if (skip(reader, "{")) {
        value->kind = JSON_OBJECT;
        parse_members(reader, value, "}");
    } else if (skip(reader, "[")) {
        value->kind = JSON_ARRAY;
        parse_members(reader, value, "]");
    } else if (first == '"') {
        value->kind = JSON_TEXT;
        value->text = parse_text(reader);
    } else if (skip(reader, "true")) {
        value->kind = JSON_TRUE;
    } else if (skip(reader, "false")) {
        value->kind = JSON_FALSE;
    } else if (!skip(reader, "null")) {
        char *end, *whole_end;
        value->kind = JSON_NUMBER;
        value->number = strtod(reader->at, &end); // files are read terminated
        if (end == reader->at || end > reader->end) refuse(reader, "a value");
        errno = 0;
        value->whole = strtoll(reader->at, &whole_end, 10);
        value->is_whole = errno == 0 && whole_end == end;
        reader->at = end;
    }
    reader->depth--;
    return value;
}

Json *parse_json(Arena *arena, Fault *fault, Text source, const char *name) {
    Reader reader = {arena, fault, name, source.bytes, source.bytes, source.bytes + source.size, 0};
    Json *value = parse_value(&reader);
    skip_space(&reader);
    if (reader.at != reader.end) refuse(&reader, "the end");
    return value;
}

Json *read_json(Arena *arena, Fault *fault, const char *folder, const char *name) {
    return parse_json(arena, fault, read_file(arena, fault, folder, name), name);
}

const Json *find(const Json *object, const char *key) {
    for (const Json *one = object->first; one; one = one->next)
        if (same(one->key, text(key))) return one;
    return NULL;
}

const Json *member(Fault *fault, const Json *object, const char *key, JsonKind kind) {
    const Json *found = find(object, key);
    if (!found || found->kind != kind) fail(fault, "`%s` is missing, or of another type than expected", key);
    return found;
}

int64_t whole(Fault *fault, const Json *object, const char *key, int64_t least, int64_t most) {
    const Json *found = member(fault, object, key, JSON_NUMBER);
    if (!found->is_whole || found->whole < least || found->whole > most)
        fail(fault, "`%s` is %g; expected a whole number from %lld to %lld", key, found->number, (long long)least,
             (long long)most);
    return found->whole;
}

const char *words(Arena *arena, Text text) {
    char *copy = take(arena, text.size + 1);
    memcpy(copy, text.bytes, text.size);
    return copy;
}

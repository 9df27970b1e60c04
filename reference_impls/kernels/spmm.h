// Y = W X (+ bias, activation) for both layouts of X: tokens first (tokens, inputs), or channels first
// (images, inputs, pixels), where the tokens are the pixels of all images.
#pragma once
#include "tile.h"

struct Dense {
  const float* x;
  float* y;
  int64_t inputs, outputs, tokens;
  int64_t pixels;  // of an image; only channels first
  int tokens_first, activation;
};

// Eight by eight values, turned over by shuffles of vectors.
typedef float oct __attribute__((vector_size(32), aligned(4), may_alias));
static inline void turn(const float* from, int64_t from_step, float* to, int64_t to_step) {
  oct r[8], s[8];
  for (int i = 0; i < 8; i++) r[i] = *reinterpret_cast<const oct*>(from + i * from_step);
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; j++) {
      r[i + j] = __builtin_shufflevector(s[i + j], s[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + j + 2] = __builtin_shufflevector(s[i + j], s[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int j = 0; j < 4; j++) {
    s[j] = __builtin_shufflevector(r[j], r[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    s[j + 4] = __builtin_shufflevector(r[j], r[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < 8; i++) *reinterpret_cast<oct*>(to + i * to_step) = s[i];
}

// Turn a matrix over: from (rows, columns) to (columns, rows). Sixteen columns at a time, a cache line of each row, so
// that few rows of the result are open at once.
static inline void turn_all(const float* from, int64_t from_step, int64_t rows, int64_t columns, float* to,
                            int64_t to_step) {
  for (int64_t j = 0; j < columns; j += 16) {
    const int64_t end = std::min(columns, j + 16);
    for (int64_t i = 0; i < rows; i += 8) {
      int64_t k = j;
      if (i + 8 <= rows)
        for (; k + 8 <= end; k += 8) turn(from + i * from_step + k, from_step, to + k * to_step + i, to_step);
      for (; k < end; k++)
        for (int64_t l = i; l < std::min(rows, i + 8); l++) to[k * to_step + l] = from[l * from_step + k];
    }
  }
}

// Tokens [start, start + count) in runs in one image: visit(token of the tile, length, image, pixel).
template <class Visit>
static inline void for_pictures(const Dense& d, int64_t start, int64_t count, const Visit& visit) {
  for (int64_t at = 0; at < count;) {
    const int64_t picture = (start + at) / d.pixels, pixel = (start + at) % d.pixels;
    const int64_t length = std::min(count - at, d.pixels - pixel);
    visit(at, length, picture, pixel);
    at += length;
  }
}

// Panel of inputs [first, last) and one tile of tokens: (inputs, TILE), zero beyond the last token.
template <int TILE>
static void pack_tokens(const Dense& d, int64_t tile, int64_t first, int64_t last, float* panel) {
  const int64_t start = tile * TILE, count = std::min<int64_t>(TILE, d.tokens - start);
  if (count < TILE) std::memset(panel, 0, sizeof(float) * TILE * (last - first));
  if (d.tokens_first) {
    turn_all(d.x + start * d.inputs + first, d.inputs, count, last - first, panel, TILE);
    return;
  }
  for_pictures(d, start, count, [&](int64_t at, int64_t length, int64_t picture, int64_t pixel) {
    const float* from = d.x + picture * d.inputs * d.pixels + pixel;
    for (int64_t k = first; k < last; k++)
      std::memcpy(panel + (k - first) * TILE + at, from + k * d.pixels, sizeof(float) * length);
  });
}

template <int TILE>
static void write_tokens(const Dense& d, int64_t tile, int64_t first, int64_t rows, float* sums) {
  const int64_t start = tile * TILE, count = std::min<int64_t>(TILE, d.tokens - start);
  if (d.activation != NONE)
    for (int64_t i = 0; i < rows * TILE; i += LANES) store(sums + i, activate(load(sums + i), d.activation));
  if (d.tokens_first) {
    turn_all(sums, TILE, rows, count, d.y + start * d.outputs + first, d.outputs);
    return;
  }
  for_pictures(d, start, count, [&](int64_t at, int64_t length, int64_t picture, int64_t pixel) {
    float* to = d.y + picture * d.outputs * d.pixels + pixel;
    for (int64_t row = 0; row < rows; row++)
      std::memcpy(to + (first + row) * d.pixels, sums + row * TILE + at, sizeof(float) * length);
  });
}

template <class Add>
static void spmm(const Stream<typename Add::Entry>& weights, const float* bias, const Dense& d, int64_t block_inputs,
                 int threads) {
  constexpr int TILE = Add::TILE;
  walk_all<Add>(
      weights, bias, block_inputs * TILE, (d.tokens + TILE - 1) / TILE, threads,
      [&](int64_t tile, int64_t block, float* panel) {
        pack_tokens<TILE>(d, tile, block * block_inputs, std::min(d.inputs, (block + 1) * block_inputs), panel);
      },
      [&](int64_t tile, int64_t first, int64_t rows, float* sums) { write_tokens<TILE>(d, tile, first, rows, sums); });
}

#define SPMM(NAME, ADD)                                                                                                \
  extern "C" int NAME##_tile() { return ADD::TILE; }                                                                   \
  extern "C" void NAME(const ADD::Entry* entries, const int32_t* span_row, const int32_t* span_count,                  \
                       const int64_t* span_start, const int64_t* entry_start, int64_t chunks, int64_t blocks,          \
                       int64_t chunk_rows, int64_t rows, int64_t block_inputs, const float* bias, const float* x,      \
                       float* y, int64_t inputs, int64_t tokens, int64_t pixels, int tokens_first, int activation,     \
                       int threads) {                                                                                  \
    const Stream<ADD::Entry> weights{entries, span_row, span_count, span_start, entry_start, chunks, blocks,           \
                                     chunk_rows, rows};                                                                \
    const Dense dense{x, y, inputs, rows, tokens, pixels, tokens_first, activation};                                   \
    spmm<ADD>(weights, bias, dense, block_inputs, threads);                                                            \
  }

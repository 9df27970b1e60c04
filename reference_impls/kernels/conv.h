// A 3×3 convolution as an SpMM over shifted reads: no im2col.
//
// Output positions are numbered row by row, over all images of a batch, stacked with their padding
// between; a tile is TILE of them in a row. The panel of a channel holds its inputs three times, once for each column
// of the 3×3 window, so that the input of position p for tap (dy, dx) is at p + dy * width in copy dx, and all loads
// are aligned where the width allows. With stride 2, even and odd rows stand apart, for the same reason.
//
// Positions in the padding between two images are computed and not written. Wide images are cut into strips.
#pragma once
#include "tile.h"

struct Pictures {
  const float* x;
  float* y;
  int64_t images, channels, outputs, height, width, out_height, out_width;
  int64_t x_image, x_channel, x_row, x_column;  // steps in floats
  int64_t y_image, y_channel, y_row, y_column;
  int64_t strip;       // columns of a strip
  int64_t image_rows;  // output rows from one image to the next, padding included
  int stride, padding, activation;
};

// A run of positions in one row of an image.
struct Run {
  int64_t at, length, image, row, column;  // row and column of the output, or row of the input
};

static inline void copy(float* __restrict to, const float* __restrict from, int64_t count) {
  if (count < LANES) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
    return;
  }
  for (int64_t i = 0; i < count - LANES; i += LANES) store(to + i, load(from + i));
  store(to + count - LANES, load(from + count - LANES));  // the last vector may copy some again
}

static inline int64_t rounded(int64_t floats) { return (floats + 15) & ~int64_t(15); }

template <int TILE>
struct Layout {
  int64_t even, odd, plane, channel;  // floats
  explicit Layout(const Pictures& p) {
    even = rounded(TILE + (p.stride == 1 ? 2 : 1) * p.strip);
    odd = p.stride == 1 ? 0 : rounded(TILE);
    plane = even + odd;
    channel = 3 * plane;
  }
};

// Runs of `count` positions from `first` on, in strip `strip`. With `rows` > 0, rows below that number follow each other
// in memory and make one run.
static void find_runs(const Pictures& p, int64_t strip, int64_t first, int64_t count, int64_t from_row, int64_t rows,
                      std::vector<Run>& runs) {
  runs.clear();
  for (int64_t at = 0; at < count;) {
    const int64_t tall = (first + at) / p.strip, x = (first + at) % p.strip;
    const int64_t row = tall % p.image_rows;
    const int64_t together = row >= from_row && row < rows ? rows - row : 1;
    const int64_t length = std::min(count - at, together * p.strip - x);
    runs.push_back({at, length, tall / p.image_rows, row, strip * p.strip + x});
    at += length;
  }
}

// One copy of one row: inputs column * stride + dx - padding, zero outside the image.
static inline void copy_row(const Pictures& p, const float* channel, const Run& run, int64_t row, int dx, float* to) {
  const int64_t y = row - p.padding;
  if (run.image >= p.images || y < 0 || y >= p.height) {
    std::memset(to, 0, sizeof(float) * run.length);
    return;
  }
  const float* from = channel + run.image * p.x_image + y * p.x_row;
  const int64_t first = run.column * p.stride + dx - p.padding;
  int64_t i = 0, end = run.length;
  while (i < end && first + i * p.stride < 0) to[i++] = 0;
  while (end > i && first + (end - 1) * p.stride >= p.width) to[--end] = 0;
  if (p.stride == 1 && p.x_column == 1)
    copy(to + i, from + first + i, end - i);
  else
    for (; i < end; i++) to[i] = from[(first + i * p.stride) * p.x_column];
}

// Rows that follow each other in memory, all three copies: the neighbours of a position stand beside it, but at the edges.
static inline void copy_rows(const Pictures& p, const float* channel, const Run& run, int64_t plane, float* to) {
  const float* from = channel + run.image * p.x_image + (run.row - 1) * p.width + run.column;
  const int64_t n = run.length, to_edge = (p.width - run.column) % p.width;  // first position in column 0
  const int64_t skip = to_edge == 0, cut = (run.column + n) % p.width == 0;
  copy(to + skip, from + skip - 1, n - skip);
  copy(to + plane, from, n);
  copy(to + 2 * plane, from + 1, n - cut);
  for (int64_t i = to_edge; i < n; i += p.width) to[i] = 0;
  for (int64_t i = (to_edge + p.width - 1) % p.width; i < n; i += p.width) to[2 * plane + i] = 0;
}

template <int TILE>
static void pack_pictures(const Pictures& p, const Layout<TILE>& layout, int64_t tiles_of_strip, int64_t tile,
                          int64_t first, int64_t last, float* panel) {
  static thread_local std::vector<Run> even, odd;
  const int64_t strip = tile / tiles_of_strip, start = tile % tiles_of_strip * TILE;
  const bool plain = p.stride == 1 && p.padding == 1 && p.x_column == 1 && p.x_row == p.width && p.strip == p.width;
  find_runs(p, strip, start, TILE + (p.stride == 1 ? 2 : 1) * p.strip, 1, plain ? p.height + 1 : 0, even);
  if (p.stride == 2) find_runs(p, strip, start, TILE, 0, 0, odd);
  for (int64_t c = first; c < last; c++) {
    const float* channel = p.x + c * p.x_channel;
    if (plain) {
      float* to = panel + (c - first) * layout.channel;
      for (const Run& run : even) {
        if (run.image < p.images && run.row >= 1 && run.row <= p.height) {
          copy_rows(p, channel, run, layout.plane, to + run.at);
        } else {
          for (int dx = 0; dx < 3; dx++) std::memset(to + dx * layout.plane + run.at, 0, sizeof(float) * run.length);
        }
      }
      continue;
    }
    for (int dx = 0; dx < 3; dx++) {
      float* to = panel + (c - first) * layout.channel + dx * layout.plane;
      for (const Run& run : even) copy_row(p, channel, run, run.row * p.stride, dx, to + run.at);
      for (const Run& run : odd) copy_row(p, channel, run, run.row * 2 + 1, dx, to + layout.even + run.at);
    }
  }
}

template <int TILE>
static void write_pictures(const Pictures& p, int64_t tiles_of_strip, int64_t tile, int64_t first, int64_t rows,
                           float* sums) {
  static thread_local std::vector<Run> runs;
  const bool plain = p.y_column == 1 && p.y_row == p.strip;
  find_runs(p, tile / tiles_of_strip, tile % tiles_of_strip * TILE, TILE, 0, plain ? p.out_height : 0, runs);
  for (int64_t m = 0; m < rows; m++) {
    float* from = sums + m * TILE;
    if (p.activation != NONE)
      for (int j = 0; j < TILE; j += LANES) store(from + j, activate(load(from + j), p.activation));
    for (const Run& run : runs) {
      if (run.image >= p.images || run.row >= p.out_height || run.column >= p.out_width) continue;
      const int64_t count = plain ? run.length : std::min(run.length, p.out_width - run.column);
      float* to = p.y + run.image * p.y_image + (first + m) * p.y_channel + run.row * p.y_row + run.column * p.y_column;
      if (p.y_column == 1)
        copy(to, from + run.at, count);
      else
        for (int64_t i = 0; i < count; i++) to[i * p.y_column] = from[run.at + i];
    }
  }
}

template <class Add>
static void convolve(const Stream<typename Add::Entry>& weights, const float* bias, const Pictures& p,
                     int64_t block_channels, int threads) {
  constexpr int TILE = Add::TILE;
  const Layout<TILE> layout(p);
  const int64_t strips = (p.out_width + p.strip - 1) / p.strip;
  const int64_t rows_of_all = (p.images - 1) * p.image_rows + p.out_height;  // no padding behind the last image
  const int64_t tiles_of_strip = (rows_of_all * p.strip + TILE - 1) / TILE;
  walk_all<Add>(
      weights, bias, block_channels * layout.channel, strips * tiles_of_strip, threads,
      [&](int64_t tile, int64_t block, float* panel) {
        pack_pictures<TILE>(p, layout, tiles_of_strip, tile, block * block_channels,
                            std::min(p.channels, (block + 1) * block_channels), panel);
      },
      [&](int64_t tile, int64_t first, int64_t rows, float* sums) {
        write_pictures<TILE>(p, tiles_of_strip, tile, first, rows, sums);
      });
}

#define CONVOLUTION(NAME, ADD)                                                                                         \
  extern "C" int NAME##_tile() { return ADD::TILE; }                                                                   \
  extern "C" void NAME(const ADD::Entry* entries, const int32_t* span_row, const int32_t* span_count,                  \
                       const int64_t* span_start, const int64_t* entry_start, int64_t chunks, int64_t blocks,          \
                       int64_t chunk_rows, int64_t rows, int64_t block_channels, const float* bias,                    \
                       const Pictures* pictures, int threads) {                                                        \
    const Stream<ADD::Entry> weights{entries, span_row, span_count, span_start, entry_start, chunks, blocks,           \
                                     chunk_rows, rows};                                                                \
    convolve<ADD>(weights, bias, *pictures, block_channels, threads);                                                  \
  }

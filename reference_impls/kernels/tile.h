// What the kernels share: vectors, the walk over tiles and blocks, the last step.
//
// Every kernel computes Y = W X for a sparse W and a dense X, a tile of columns at a time:
//
//     for each tile of TILE columns                     (tiles and chunks are split among threads)
//       for each chunk of output rows                   sums of the chunk: CHUNK x TILE floats, in L2
//         for each block of inputs                      panel: inputs x TILE floats, contiguous, in L1
//           pack the panel                              once a tile, where the panels of all blocks fit in L2
//           for each span: the weights of some rows     their sums in registers
//             for each weight                           a multiply-add for each vector of the tile
//         bias, activation, write out                   in the layout of the caller
//
// GCC and Clang vector extensions only: the same source compiles for SSE, AVX2, AVX-512 and NEON.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));  // loads need no alignment
typedef int32_t ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

static inline vec load(const void* at) { return *static_cast<const vec*>(at); }
static inline void store(void* at, vec value) { *static_cast<vec*>(at) = value; }
static inline vec splat(float value) { return value - vec{}; }  // not +: -0 + 0 is 0, so a real addition stays

// Four values, again and again; and value K of them in every lane. One load serves four splats.
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
static inline vec repeat(const float* four) {
  const quad q = *reinterpret_cast<const quad*>(four);
#if defined(__AVX512F__)
  return __builtin_shufflevector(q, q, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
#elif defined(__AVX__)
  return __builtin_shufflevector(q, q, 0, 1, 2, 3, 0, 1, 2, 3);
#else
  return q;
#endif
}
template <int K>
static inline vec pick(vec v) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(v, v, K, K, K, K, K + 4, K + 4, K + 4, K + 4, K + 8, K + 8, K + 8, K + 8, K + 12, K + 12,
                                 K + 12, K + 12);
#elif defined(__AVX__)
  return __builtin_shufflevector(v, v, K, K, K, K, K + 4, K + 4, K + 4, K + 4);
#else
  return __builtin_shufflevector(v, v, K, K, K, K);
#endif
}

// e^x to 2e-7 for |x| < 80: 2^n times a polynomial of the rest. (Cody and Waite, 1980.)
static inline vec exponential(vec x) {
  x = x > 80.0f ? splat(80.0f) : x;
  x = x < -80.0f ? splat(-80.0f) : x;
  const vec scaled = x * 1.44269504f;
  const ivec n = __builtin_convertvector(scaled + (scaled > 0.0f ? splat(0.5f) : splat(-0.5f)), ivec);
  const vec whole = __builtin_convertvector(n, vec);
  const vec r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
  vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * reinterpret_cast<vec>((n + 127) << 23);
}

enum Activation { NONE = 0, SILU = 1, GELU = 2 };  // GELU in its tanh form

static inline vec activate(vec x, int activation) {
  if (activation == SILU) return x / (1.0f + exponential(-x));
  if (activation == GELU) return x / (1.0f + exponential(-1.5957691216f * (x + 0.044715f * x * x * x)));
  return x;
}

#if defined(__AVX512F__)
constexpr int64_t KEPT_FLOATS = 1 << 18;  // 1 MiB of an L2 cache of 2
#else
constexpr int64_t KEPT_FLOATS = 5 << 14;  // 320 KiB of an L2 cache of 512
#endif

// Weights in the order in which they are used: [chunk][block][span][entry].
template <class Entry>
struct Stream {
  const Entry* entries;
  const int32_t* span_row;     // which rows of the chunk, Add::SPAN_ROWS of them (or which group of rows)
  const int32_t* span_count;   // how many weights of all its rows, or of a group
  const int64_t* span_start;   // [chunk * blocks + block]: first span; one more at the end
  const int64_t* entry_start;  // the same for entries
  int64_t chunks, blocks, chunk_rows, rows;
};

// A buffer that begins on a cache line.
struct Buffer {
  std::unique_ptr<float[]> memory;
  float* start;
  explicit Buffer(int64_t floats) : memory(new float[floats + 32]) {
    start = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(memory.get()) + 63) & ~uintptr_t(63));
  }
};

// A share of the work: units [first, last), where unit u is chunk u % chunks of tile u / chunks.
//   pack(tile, block, panel)            fills the panel
//   Add()(entry, count, panel, sums, row)  adds the weights of one span to the sums of its rows; the entry behind them
//   write(tile, first_row, count, sums) takes finished sums, count x TILE
template <class Add, class Pack, class Write>
void walk(const Stream<typename Add::Entry>& weights, const float* bias, int64_t panel_floats, int64_t first_unit,
          int64_t last_unit, const Pack& pack, const Write& write) {
  constexpr int TILE = Add::TILE;
  const bool keep = panel_floats * weights.blocks <= KEPT_FLOATS;
  Buffer panels(panel_floats * (keep ? weights.blocks : 1) + TILE), sums(weights.chunk_rows * TILE);
  for (int64_t unit = first_unit; unit < last_unit; unit++) {
    const int64_t tile = unit / weights.chunks, chunk = unit % weights.chunks;
    const bool new_tile = unit == first_unit || chunk == 0;
    const int64_t first = chunk * weights.chunk_rows;
    const int64_t count = std::min(weights.chunk_rows, weights.rows - first);
    for (int64_t row = 0; row < count; row++) {
      const vec start = splat(bias ? bias[first + row] : 0.0f);
      for (int j = 0; j < TILE; j += LANES) store(sums.start + row * TILE + j, start);
    }
    for (int64_t block = 0; block < weights.blocks; block++) {
      const int64_t at = chunk * weights.blocks + block;
      float* panel = panels.start + (keep ? block * panel_floats : 0);
      if (!keep || new_tile) pack(tile, block, panel);
      const typename Add::Entry* entry = weights.entries + weights.entry_start[at];
      for (int64_t span = weights.span_start[at]; span < weights.span_start[at + 1]; span++) {
        entry = Add()(entry, weights.span_count[span], panel, sums.start, weights.span_row + span * Add::SPAN_ROWS);
      }
    }
    write(tile, first, count, sums.start);
  }
}

// The threads that a process has already, those of torch where it is loaded: its idle threads wait in a loop for a while,
// and would be in the way of others. Null: threads are started for each call. The signature is that of GOMP_parallel.
typedef void (*Team)(void (*body)(void*), void* data, unsigned threads, unsigned flags);
static Team team = nullptr;
extern "C" void use_team(Team given) { team = given; }

// share(0), …, share(threads - 1), whichever thread takes which.
template <class Share>
void in_threads(int threads, const Share& share) {
  struct Work {
    const Share& share;
    const int threads;
    std::atomic<int> next;
  } work{share, threads, {0}};
  void (*const body)(void*) = [](void* data) {
    Work& mine = *static_cast<Work*>(data);
    for (int number; (number = mine.next++) < mine.threads;) mine.share(number);
  };
  if (threads > 1 && team) {
    team(body, &work, unsigned(threads), 0);
    return;
  }
  std::vector<std::thread> others;
  for (int number = 1; number < threads; number++) others.emplace_back(body, &work);
  body(&work);
  for (auto& other : others) other.join();
}

// All the work, in equal shares: where a tile is divided, both threads pack it.
template <class Add, class Pack, class Write>
void walk_all(const Stream<typename Add::Entry>& weights, const float* bias, int64_t panel_floats, int64_t tiles,
              int threads, const Pack& pack, const Write& write) {
  panel_floats = (panel_floats + 15) & ~int64_t(15);  // whole cache lines
  const int64_t units = tiles * weights.chunks;
  threads = int(std::max<int64_t>(1, std::min<int64_t>(threads, units)));
  in_threads(threads, [&](int number) {
    walk<Add>(weights, bias, panel_floats, units * number / threads, units * (number + 1) / threads, pack, write);
  });
}

// ---- unstructured: every row has its own pattern, and each multiply-add loads its inputs ----

// Loads limit the loop, also those of weights and offsets; so an entry has four weights, whose values and whose offsets
// are one load each: those of each of R rows by turns, and zeros where a row has fewer than another.
struct Weights {
  float value[4];
  uint64_t offsets;  // four times 16 bits, the first lowest: floats into the panel
};

// R rows times V vectors of sums: R * V = 8, as many as a core with two multiply-adds of 4 cycles keeps under way.
template <int R, int V>
struct Rows {
  using Entry = Weights;
  static constexpr int SPAN_ROWS = R, TILE = V * LANES;

  template <int K>
  __attribute__((always_inline)) static void add(vec (&acc)[R][V], vec values, uint64_t offsets, const float* panel) {
    const vec value = pick<K>(values);
    const float* x = panel + uint16_t(offsets >> 16 * K);
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) acc[K % R][v] += value * load(x + v * LANES);
  }

  __attribute__((always_inline)) const Weights* operator()(const Weights* w, int32_t count, const float* panel,
                                                           float* sums, const int32_t* row) const {
    float* at[R];
    vec acc[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      at[r] = sums + int64_t(row[r]) * TILE;
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) acc[r][v] = load(at[r] + v * LANES);
    }
    for (; count >= 4; count -= 4, w++) {
      const vec values = repeat(w->value);
      const uint64_t offsets = w->offsets;
      add<0>(acc, values, offsets, panel);
      add<1>(acc, values, offsets, panel);
      add<2>(acc, values, offsets, panel);
      add<3>(acc, values, offsets, panel);
    }
    if (count) {  // one to three; spans of the same length follow each other, so the branches are foreseen
      const vec values = repeat(w->value);
      const uint64_t offsets = w->offsets;
      add<0>(acc, values, offsets, panel);
      if (count > 1) add<1>(acc, values, offsets, panel);
      if (count > 2) add<2>(acc, values, offsets, panel);
      w++;
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) store(at[r] + v * LANES, acc[r][v]);
    return w;
  }
};

using OneRow = Rows<1, 8>;
using TwoRows = Rows<2, 4>;  // half the tile: blocks of inputs twice as long, sums loaded and stored half as often

// ---- a pattern shared by four rows: each load of inputs serves four multiply-adds ----

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int BLOCK_VECTORS = 4;  // 16 sums, 4 inputs, 1 weight of 32 registers
#else
constexpr int BLOCK_VECTORS = 3;  // 12 sums, 3 inputs, 1 weight of 16 registers
#endif

struct Weight4 {
  float value[4];
  int32_t offset;  // floats into the panel
};

template <int V>
struct FourRows {
  using Entry = Weight4;
  static constexpr int SPAN_ROWS = 1, GROUP = 4, TILE = V * LANES;

  __attribute__((always_inline)) const Weight4* operator()(const Weight4* w, int32_t count, const float* panel,
                                                           float* all, const int32_t* group) const {
    float* sums = all + int64_t(*group) * GROUP * TILE;
    vec acc[GROUP][V];
#pragma GCC unroll 8
    for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) acc[r][v] = load(sums + r * TILE + v * LANES);
    for (int32_t i = 0; i < count; i++) {
      const float* at = panel + w[i].offset;
      vec x[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) x[v] = load(at + v * LANES);
#pragma GCC unroll 8
      for (int r = 0; r < GROUP; r++) {
        const vec value = splat(w[i].value[r]);
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) acc[r][v] += value * x[v];
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < GROUP; r++)
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) store(sums + r * TILE + v * LANES, acc[r][v]);
    return w + count;
  }
};

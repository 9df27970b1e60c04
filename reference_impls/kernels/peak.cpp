// How many multiply-adds a core can do: twelve independent sums in registers, nothing loaded.
#include "tile.h"

extern "C" float peak(int64_t rounds) {
  vec a[12];
  for (int i = 0; i < 12; i++) a[i] = splat(1.0f + i);
  const vec b = splat(0.999f), c = splat(1e-3f);
  for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) a[i] = a[i] * b + c;
  }
  vec sum{};
  for (int i = 0; i < 12; i++) sum += a[i];
  return sum[0];
}

extern "C" int64_t peak_operations(int64_t rounds) { return rounds * 12 * LANES * 2; }

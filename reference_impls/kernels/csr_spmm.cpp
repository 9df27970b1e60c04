// Unstructured SpMM: every row has its own pattern. See tile.h for the walk and csr_spmm.py for the packing.
#include "spmm.h"

extern "C" int csr_spmm_tile() { return ROW_TILE; }

extern "C" void csr_spmm(const Weight* entries, const int32_t* span_row, const int32_t* span_count,
                         const int64_t* span_start, const int64_t* entry_start, int64_t chunks, int64_t blocks,
                         int64_t chunk_rows, int64_t rows, int64_t block_inputs, const float* bias, const float* x,
                         float* y, int64_t inputs, int64_t tokens, int64_t x_step, int64_t y_step, int tokens_first,
                         int activation, int threads) {
  const Stream<Weight> weights{entries, span_row, span_count, span_start, entry_start, chunks, blocks, chunk_rows, rows};
  spmm<ROW_TILE, 1>(weights, bias, Dense{x, y, inputs, rows, tokens, x_step, y_step, tokens_first, activation},
                    block_inputs, threads, add_row);
}

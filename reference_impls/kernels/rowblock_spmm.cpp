// SpMM with a pattern shared by four rows. See tile.h for the walk and rowblock_spmm.py for the packing.
#include "spmm.h"

extern "C" int rowblock_spmm_tile() { return BLOCK_TILE; }

extern "C" void rowblock_spmm(const Weight4* entries, const int32_t* span_row, const int32_t* span_count,
                              const int64_t* span_start, const int64_t* entry_start, int64_t chunks, int64_t blocks,
                              int64_t chunk_rows, int64_t rows, int64_t block_inputs, const float* bias, const float* x,
                              float* y, int64_t inputs, int64_t tokens, int64_t x_step, int64_t y_step,
                              int tokens_first, int activation, int threads) {
  const Stream<Weight4> weights{entries, span_row, span_count, span_start, entry_start, chunks, blocks, chunk_rows, rows};
  spmm<BLOCK_TILE, ROWS>(weights, bias, Dense{x, y, inputs, rows, tokens, x_step, y_step, tokens_first, activation},
                         block_inputs, threads, add_block);
}

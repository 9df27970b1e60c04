// SpMM with a pattern shared by four rows. See tile.h for the walk and rowblock_spmm.py for the packing.
#include "spmm.h"

SPMM(rowblock_spmm, FourRows<BLOCK_VECTORS>)

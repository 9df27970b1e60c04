// Unstructured SpMM: every row has its own pattern. See tile.h for the walk and csr_spmm.py for the packing.
#include "spmm.h"

SPMM(csr_spmm, OneRow)
SPMM(csr_spmm_narrow, TwoRows)

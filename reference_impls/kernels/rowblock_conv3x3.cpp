// Direct 3×3 convolution with 4×1 blocks. See conv.h for the idea, rowblock_conv3x3.py for the packing.
#include "conv.h"

CONVOLUTION(rowblock_conv3x3, FourRows<BLOCK_VECTORS>)

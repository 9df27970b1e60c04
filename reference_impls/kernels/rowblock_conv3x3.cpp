// Direct 3x3 convolution, a pattern shared by four output channels. See conv.h, and rowblock_conv3x3.py for the packing.
#include "conv.h"

CONVOLUTION(rowblock_conv3x3, FourRows<BLOCK_VECTORS>)

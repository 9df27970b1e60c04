// Direct 3x3 convolution with a pattern shared by four output channels. See conv.h and rowblock_conv3x3.py.
#include "conv.h"

CONVOLUTION(rowblock_conv3x3, BLOCK_TILE, ROWS, Weight4, add_block)

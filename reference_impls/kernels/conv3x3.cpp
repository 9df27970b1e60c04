// Direct 3×3 convolution, every output channel with its own pattern. See conv.h for the idea, conv3x3.py for the packing.
#include "conv.h"

CONVOLUTION(conv3x3, OneRow)

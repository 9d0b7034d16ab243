/** Words of scratch memory the kernels read their parameters from: lists of the current tile nest, then the rest. */
export const SCRATCH_WORDS = 1 << 16;
export const TILE_WORDS = 1 << 15;

/** Words of what is known about a WBUF block: 1 once widened, 2 where only its diagonal holds weights, pairs of reduction rows and groups of columns that hold
 * nonzero weights (as far as the last such), reduction rows with a nonzero weight. */
export const META_WORDS = 4;

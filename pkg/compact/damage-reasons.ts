// The words that marks of broken blocks carry. They stand alone, so that whoever only compares them loads no code that reads
// blocks.

/** Some of its chunks come before others that they should come after. */
export const OUT_OF_ORDER_REASON = 'block-index-out-of-order-chunk';
/** Anything else. */
export const DAMAGED_REASON = 'damaged-block';

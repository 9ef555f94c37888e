/**
 * How much an evaluation may still do, in steps of about as much as comparing one character takes (some nanoseconds). Patterns and messages are anybody's: many of the one against a long one
 * of the other would hold up everybody else.
 */
export interface Work {
  left: number;
}

/** Some milliseconds: sixty words that the longest event does not have. */
export const MAX_WORK = 500_000;
/** What the engine's own search costs for each character that it passes over. */
export const SEARCHED = 1 / 8;
/** What a look at a place costs, where a part was found, beside comparing. */
export const LOOKED_AT = 16;

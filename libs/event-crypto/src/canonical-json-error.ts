/** The value has no canonical form: a float, a number or depth out of range, a lone surrogate, or not JSON at all. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

export { canonicalJson, lenientCanonicalJson } from './canonical-json.js';
export { CanonicalJsonError } from './canonical-json-error.js';
export { isRawNumber, MAX_JSON_DEPTH, parseExactJson, type RawNumber } from './exact-json.js';
export * from './base64.js';
export * from './sha256.js';
export * from './signing-key.js';
export * from './verify-signature.js';
export * from './signed-json.js';

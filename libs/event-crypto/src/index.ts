export { canonicalJson, CanonicalJsonError, MAX_JSON_DEPTH } from './canonical-json.js';
export * from './base64.js';
export * from './sha256.js';
export * from './signing-key.js';
export * from './verify-signature.js';
export * from './signed-json.js';

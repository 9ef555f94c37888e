export { accessTokenOf, authenticateAccessToken, unknownToken } from './authentication/access-token.js';
export type { ResolveToken, UserRequester } from './authentication/access-token.js';
export { AuthenticatorFor } from './authentication/authenticator.js';
export type { AuthenticationScheme, Authenticator } from './authentication/authenticator.js';
export {
  AccessToken,
  Authenticated,
  FederationSignature,
  OptionalAccessToken,
  Public,
  SharedSecret,
} from './authentication/declare-authentication.js';
export type { AuthenticationDeclaration } from './authentication/declare-authentication.js';
export { Requester } from './authentication/requester.js';
export { MAX_EXACT_JSON_DEPTH, MAX_JSON_DEPTH, notJson, parseJsonBody } from './body/json-body.js';
export { issuesToMatrixError, optionalBody } from './body/schema-issues.js';
export { drainMatrixApp } from './drain-matrix-app.js';
export type { DrainOptions } from './drain-matrix-app.js';
export { Draining } from './hooks/draining.js';
export { createMatrixApp } from './matrix-app.js';
export type { MatrixAppOptions } from './matrix-app.js';
export { RouteSettings } from './routes/route-settings.js';

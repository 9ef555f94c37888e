export { authTypesForEvent, type StateType } from './auth-types-for-event.js';
export { type AuthRules } from './auth-rules.js';
export { authorizeEvent } from './authorize-event.js';
export {
  type AuthorisationBasis,
  type AuthorisationVerdict,
  authorizeByAuthEvents,
  authorizeReceivedEvent,
} from './authorize-received-event.js';
export { canRedact } from './can-redact.js';
export { checkAuthEvents } from './check-auth-events.js';
export { creatorsOf, isCreator } from './creators.js';
export { levelIn } from './level-in.js';
export { membershipOf } from './membership.js';
export { LEVEL_DEFAULTS, type LevelName, PowerLevels, powerLevelOf, powerLevelsIn } from './power-levels.js';
export { type Rejection } from './rejection.js';
export { type StateLookup } from './state-lookup.js';
export { keysThatSigned, type ThirdPartyKey } from './third-party-invite.js';

import type { AuthCase } from './auth-case.spec-support.js';
import { acceptedCreates, rejectedCreates } from './create-cases.spec-support.js';
import { acceptedEvents, rejectedEvents } from './event-cases.spec-support.js';
import { acceptedJoins, rejectedJoins } from './join-cases.spec-support.js';
import { acceptedLevelForms, rejectedLevelForms } from './level-form-cases.spec-support.js';
import { acceptedMembers, rejectedMembers } from './member-cases.spec-support.js';
import { acceptedLevelChanges, rejectedLevelChanges } from './power-level-cases.spec-support.js';
import { acceptedThirdPartyInvites, rejectedThirdPartyInvites } from './third-party-cases.spec-support.js';

/** Every case that `authorizeEvent` answers; those of `checkAuthEvents` and of signatures are tables of their own. */
export const rejectedCases: readonly AuthCase[] = [
  ...rejectedCreates,
  ...rejectedEvents,
  ...rejectedJoins,
  ...rejectedMembers,
  ...rejectedThirdPartyInvites,
  ...rejectedLevelForms,
  ...rejectedLevelChanges,
];

export const acceptedCases: readonly AuthCase[] = [
  ...acceptedCreates,
  ...acceptedEvents,
  ...acceptedJoins,
  ...acceptedMembers,
  ...acceptedThirdPartyInvites,
  ...acceptedLevelForms,
  ...acceptedLevelChanges,
];

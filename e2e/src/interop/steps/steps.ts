import type { Step } from '../step.js';
import { contentSteps } from './content.js';
import { directorySteps } from './directory.js';
import { ephemeralSteps } from './ephemeral.js';
import { historySteps } from './history.js';
import { inviteSteps } from './invites.js';
import { joinRuleSteps } from './join-rules.js';
import { joinSteps } from './join.js';
import { leavingSteps } from './leaving.js';
import { moderationSteps } from './moderation.js';
import { outageSteps } from './outage.js';
import { spaceSteps } from './spaces.js';
import { stateSteps } from './state.js';
import { upgradeSteps } from './upgrades.js';

/** All steps, in the order in which they run. */
export const steps: readonly Step[] = [
  ...directorySteps,
  ...joinSteps,
  ...contentSteps,
  ...historySteps,
  ...inviteSteps,
  ...leavingSteps,
  ...moderationSteps,
  ...joinRuleSteps,
  ...stateSteps,
  ...ephemeralSteps,
  ...upgradeSteps,
  ...spaceSteps,
  ...outageSteps,
];

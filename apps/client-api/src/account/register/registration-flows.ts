import type { Config } from '@atoll/config';
import { forbidden } from '@atoll/matrix';
import type { StageName } from '../../auth/uia/stage.js';

const FLOWS = {
  open: [['m.login.dummy']],
  token: [['m.login.registration_token']],
} as const satisfies Record<string, readonly (readonly StageName[])[]>;

/**
 * What a stranger must prove to get an account.
 * @throws MatrixError 403 when there is no registration
 */
export function registrationFlows({ registration }: Config): readonly (readonly StageName[])[] {
  if (registration === 'closed') throw forbidden('Registration is not enabled on this homeserver');
  return FLOWS[registration];
}

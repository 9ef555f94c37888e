import { hears, sameState, sendMany, speaks } from '../expectations.js';
import type { Person } from '../person.js';
import type { Homeserver } from '../servers/homeserver.js';
import type { Step } from '../step.js';

const messages = 30;

const guestAway: Step = {
  name: 'outage-of-guest',
  timeoutMs: 180_000,
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await missesNothing(roomId, scene.guest, bob, alice);
  },
};

const hostAway: Step = {
  name: 'outage-of-host',
  timeoutMs: 180_000,
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await missesNothing(roomId, scene.host, alice, bob);
  },
};

/** `server` is down while `speaker` of the other one sends; up again, it gets everything, although nobody says more. */
async function missesNothing(
  roomId: string,
  server: Homeserver,
  listener: Person,
  speaker: Person,
): Promise<void> {
  await speaks(roomId, speaker, listener);
  await server.stop();
  let sent: string[];
  try {
    sent = await sendMany(roomId, speaker, messages);
  } finally {
    await server.start();
  }
  await hears(roomId, listener, speaker, sent, 90_000);
  await speaks(roomId, listener, speaker);
  await sameState(roomId, listener, speaker);
}

export const outageSteps: readonly Step[] = [guestAway, hostAway];

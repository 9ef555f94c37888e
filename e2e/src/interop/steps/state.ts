import { expectRefusal, sameState, sendMany } from '../expectations.js';
import { path } from '@atoll/testing';
import { stateName, type Person } from '../person.js';
import { bothSeeJoined } from '../scene.js';
import type { Step } from '../step.js';
import { powerOf } from './power.js';

const topicType = 'm.room.topic';

const stateChanges: Step = {
  name: 'state-changes',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await seesState(roomId, bob, await setTopic(roomId, alice, 'by the host'));
    const denied = await bob.user.request('PUT', path`/v3/rooms/${roomId}/state/${topicType}/`, {
      topic: 'no',
    });
    expectRefusal('a topic without power', denied, 'M_FORBIDDEN');
    await powerOf(roomId, alice, bob, 50);
    await seesState(roomId, alice, await setTopic(roomId, bob, 'by the guest'));
    await powerOf(roomId, alice, bob, 0);
    await sameState(roomId, alice, bob);
  },
};

const additionalCreators: Step = {
  name: 'additional-creators',
  skips: ({ roomVersion }) =>
    Number(roomVersion) < 12 ? 'rooms have one creator before version 12' : undefined,
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, { creation_content: { additional_creators: [bob.userId] } });
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await seesState(roomId, alice, await setTopic(roomId, bob, 'by the other creator'));
    await sameState(roomId, alice, bob);
  },
};

const redactions: Step = {
  name: 'redactions',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    const [byAlice, byBob, alsoByBob] = [
      await alice.user.send(roomId, 'of the host'),
      await bob.user.send(roomId, 'of the guest'),
      await bob.user.send(roomId, 'of the guest, too'),
    ];
    await seesEvent(roomId, bob, byAlice);
    await seesEvent(roomId, alice, alsoByBob);
    await seesRedacted(roomId, bob, byAlice, await alice.user.redact(roomId, byAlice, 'own'));
    await seesRedacted(roomId, alice, byBob, await bob.user.redact(roomId, byBob, 'own'));
    await seesRedacted(roomId, bob, alsoByBob, await alice.user.redact(roomId, alsoByBob, 'moderated'));
  },
};

const rounds = 6;

/** Both servers change the same state at the same time; afterwards they have to agree. */
const concurrent: Step = {
  name: 'concurrent-state-changes',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await powerOf(roomId, alice, bob, 50);
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        [alice, bob].flatMap((person) => [
          setTopic(roomId, person, `round ${round} of ${person.userId}`),
          person.user.setState(roomId, 'm.room.name', { name: `round ${round}` }),
          person.user.setState(
            roomId,
            'org.example.round',
            { round },
            `own ${person.userId.split(':')[0] ?? ''}`,
          ),
          sendMany(roomId, person, 2),
        ]),
      );
    }
    await agree(roomId, alice, bob);
    const demoted = powerOf(roomId, alice, bob, 0);
    // Whether this is still allowed depends on which of the two comes first.
    await bob.user.request('PUT', path`/v3/rooms/${roomId}/state/${topicType}/`, { topic: 'the last one' });
    await demoted;
    await agree(roomId, alice, bob);
  },
};

/** Both say something, which joins the forks; then the state is one. */
async function agree(roomId: string, alice: Person, bob: Person): Promise<void> {
  const said = [await alice.user.send(roomId, 'done'), await bob.user.send(roomId, 'done')];
  for (const eventId of said) {
    await seesEvent(roomId, alice, eventId);
    await seesEvent(roomId, bob, eventId);
  }
  await sameState(roomId, alice, bob);
}

function setTopic(roomId: string, { user }: Person, topic: string): Promise<string> {
  return user.setState(roomId, topicType, { topic });
}

async function seesState(roomId: string, person: Person, eventId: string): Promise<void> {
  await person.sees(
    roomId,
    `the topic ${eventId}`,
    ({ state }) => state.get(stateName(topicType))?.event_id === eventId,
  );
}

async function seesEvent(roomId: string, person: Person, eventId: string): Promise<void> {
  await person.sees(roomId, `event ${eventId}`, ({ timeline }) =>
    timeline.some(({ event_id }) => event_id === eventId),
  );
}

async function seesRedacted(
  roomId: string,
  person: Person,
  eventId: string,
  redactionId: string,
): Promise<void> {
  await seesEvent(roomId, person, redactionId);
  const event = await person.user.expect('GET', path`/v3/rooms/${roomId}/event/${eventId}`);
  const rest = JSON.stringify(event['content']);
  if (rest !== '{}') throw new Error(`${person.userId} still gets ${rest} of the redacted event`);
}

export const stateSteps: readonly Step[] = [stateChanges, additionalCreators, redactions, concurrent];

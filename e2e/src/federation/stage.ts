import {
  register,
  RemoteServer,
  startFederation,
  type FederatedServer,
  type RemoteRoom,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import type { Pdu, UserId } from '@atoll/matrix';
import { testSettings } from '../test-settings.js';

/** One homeserver under test, scripted ones that it trusts, and a local user. */
export interface Stage {
  readonly atoll: FederatedServer;
  readonly remote: RemoteServer;
  /** A second scripted server. */
  readonly other: RemoteServer;
  readonly alice: TestUser;
  stop(): Promise<void>;
}

/** @param more further scripted servers that the homeserver trusts; they are stopped with the others */
export async function setStage(more: readonly RemoteServer[] = []): Promise<Stage> {
  const [remote, other] = [await RemoteServer.start(), await RemoteServer.start()];
  const remotes = [remote, other, ...more];
  const trusted = remotes.map(({ certificateFile }) => certificateFile);
  const stopRemotes = () => Promise.all(remotes.map((one) => one.stop()));
  try {
    const federation = await startFederation({ servers: ['all-in-one'], env: testSettings, trusted });
    const atoll = federation.servers[0] as FederatedServer;
    const alice = await register(atoll.clientUrl, 'alice');
    const stop = async () => {
      await federation.stop();
      await stopRemotes();
    };
    return { atoll, remote, other, alice, stop };
  } catch (error) {
    await stopRemotes();
    throw error;
  }
}

/** A room of the local user in which mallory of the scripted server is. */
export interface Scene {
  readonly stage: Stage;
  readonly roomId: string;
  /** As the scripted server knows it. */
  readonly room: RemoteRoom;
  readonly mallory: UserId;
  /** The local user's sync, from after mallory's join on. */
  readonly follower: SyncFollower;
}

export async function newScene(stage: Stage, version = '11'): Promise<Scene> {
  const { alice, atoll, remote } = stage;
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version });
  const mallory = remote.user('mallory');
  const room = await remote.join(atoll, roomId, mallory);
  return { stage, roomId, room, mallory, follower: await alice.follow() };
}

/** Sends events of any kind from the scripted server. */
export function deliver({ stage }: Scene, ...pdus: (Pdu | string)[]) {
  return stage.remote.transaction(stage.atoll, { pdus });
}

/** Says something honest and waits until the local user sees it. @returns what the sync showed of the room on the way */
export async function proveUnharmed(scene: Scene) {
  const { room, roomId, mallory, follower } = scene;
  const { pdu, eventId } = await room.say(mallory, 'an ordinary word');
  const answer = await deliver(scene, pdu);
  if (answer.status !== 200) throw new Error(`The transaction was answered ${answer.status} ${answer.text}`);
  await follower.untilEvent(roomId, eventId, 20_000);
  return follower.answers.flatMap(({ rooms }) => rooms?.join?.[roomId] ?? []);
}

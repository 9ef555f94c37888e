import { path, query, register } from '@atoll/testing';
import { Person } from './person.js';
import type { Homeserver } from './servers/homeserver.js';

/** Who plays a step: rooms are made at the host, users of the guest come in over federation. */
export class Scene {
  constructor(
    readonly roomVersion: string,
    readonly host: Homeserver,
    readonly guest: Homeserver,
  ) {}

  /** A new user of the host. */
  async newHost(name = 'alice'): Promise<Person> {
    return new Person(await register(this.host.clientUrl, name));
  }

  /** A new user of the guest. */
  async newGuest(name = 'bob'): Promise<Person> {
    return new Person(await register(this.guest.clientUrl, name));
  }

  /** A new room of this scene's version; public unless `options` say otherwise. */
  createRoom(creator: Person, options: Record<string, unknown> = {}): Promise<string> {
    return creator.user.createRoom({
      preset: 'public_chat',
      name: 'The room',
      room_version: this.roomVersion,
      ...options,
    });
  }

  /** Joins by the help of the host, which may also be the user's own server. */
  async join(person: Person, room: string): Promise<void> {
    const via = query({ via: this.host.serverName, server_name: this.host.serverName });
    await person.user.expect('POST', path`/v3/join/${room}` + via, {});
  }

  /** A room of `alice`, in which both see `bob` of the other server joined. */
  async sharedRoom(options: Record<string, unknown> = {}): Promise<SharedRoom> {
    const [alice, bob] = [await this.newHost(), await this.newGuest()];
    const roomId = await this.createRoom(alice, options);
    await this.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    return { roomId, alice, bob };
  }
}

export interface SharedRoom {
  readonly roomId: string;
  readonly alice: Person;
  readonly bob: Person;
}

/** Waits until each sees both joined. */
export async function bothSeeJoined(roomId: string, one: Person, other: Person): Promise<void> {
  for (const person of [one, other]) {
    await person.sees(
      roomId,
      'both joined',
      (room) =>
        room.membership === 'join' &&
        [one, other].every(({ userId }) => room.memberships.get(userId) === 'join'),
    );
  }
}

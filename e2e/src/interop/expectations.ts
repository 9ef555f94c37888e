import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { path, type Answer, type ClientEvent } from '@atoll/testing';
import { texts } from '../users.js';
import { stateName, type Person } from './person.js';

/** @throws Error that names both values */
export function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (isDeepStrictEqual(seen, expected)) return;
  throw new Error(`${what}: ${brief(seen)} instead of ${brief(expected)}`);
}

const brief = (value: unknown): string => JSON.stringify(value ?? null).slice(0, 1000);

/** @throws Error when the answer is another */
export function expectRefusal(what: string, answer: Answer, errcode: string): void {
  if (answer.body.errcode === errcode) return;
  throw new Error(`${what} answered ${answer.status} ${answer.text.slice(0, 300)}, not ${errcode}`);
}

/** Repeats `look` until it throws no more. @throws what it threw last */
export async function eventually<Value>(look: () => Promise<Value>, withinMs = 15_000): Promise<Value> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** `from` sends messages one after the other; `to` has to see all of them in that order. */
export async function speaks(roomId: string, from: Person, to: Person, count = 3): Promise<void> {
  const sent = await sendMany(roomId, from, count);
  await hears(roomId, to, from, sent);
}

/** Sends messages one after the other. @returns their texts */
export async function sendMany(roomId: string, from: Person, count: number): Promise<string[]> {
  const sent: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const text = `${from.userId} says ${number} at ${Date.now()}`;
    await from.user.send(roomId, text);
    sent.push(text);
  }
  return sent;
}

/** Waits until the last texts that `person` sees of `sender` are `expected`, in that order. */
export async function hears(
  roomId: string,
  person: Person,
  sender: Person,
  expected: readonly string[],
  withinMs?: number,
): Promise<void> {
  const heard = (timeline: readonly ClientEvent[]) =>
    texts(timeline.filter((event) => event.sender === sender.userId)).slice(-expected.length);
  await person.sees(
    roomId,
    `${expected.length} messages of ${sender.userId} in order`,
    ({ timeline }) => isDeepStrictEqual(heard(timeline), expected),
    withinMs,
  );
}

/** Waits until the member event of `subject` says `membership` in what `person` sees. */
export async function seesMembership(
  roomId: string,
  person: Person,
  subject: Person,
  membership: string,
): Promise<void> {
  await person.sees(
    roomId,
    `${subject.userId} as ${membership}`,
    ({ memberships }) => memberships.get(subject.userId) === membership,
  );
}

/** Waits until sync has the room in this section. */
export async function isIn(roomId: string, person: Person, section: string): Promise<void> {
  await person.sees(roomId, `the room in its section ${section}`, ({ membership }) => membership === section);
}

/** Waits until both servers have the same events as the current state. @throws Error with the difference */
export async function sameState(roomId: string, one: Person, other: Person): Promise<void> {
  await eventually(async () => {
    const [first, second] = [await stateOf(roomId, one), await stateOf(roomId, other)];
    const names = [...new Set([...first.keys(), ...second.keys()])];
    const different = names.filter((name) => first.get(name) !== second.get(name));
    if (different.length === 0) return;
    const rows = different.map(
      (name) => `${name}: ${first.get(name) ?? 'none'} / ${second.get(name) ?? 'none'}`,
    );
    throw new Error(`the state of ${one.userId} and ${other.userId} differs in ${rows.join(', ')}`);
  });
}

async function stateOf(roomId: string, { user }: Person): Promise<Map<string, string>> {
  const answer: unknown = await user.expect('GET', path`/v3/rooms/${roomId}/state`);
  return new Map(
    (answer as ClientEvent[]).map((event) => [stateName(event.type, event.state_key), event.event_id]),
  );
}

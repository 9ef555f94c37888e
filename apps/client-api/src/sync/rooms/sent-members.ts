import type { DeviceId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const DEVICES = 10_000;
const MEMBERS_PER_ANSWER = 100;
/** Of a device: that to which its present request refers, and the newest ones, of which some may get lost. */
const ANSWERS = 3;
const NONE: ReadonlySet<number> = new Set();

/** A device of a user. */
export interface SyncingDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
  /** Of a device that syncs over several connections: each knows what it was told. */
  readonly connection?: string;
}

/** The member events of one answer, by their nids. */
export interface AnsweredMembers {
  /** Those that the client has. */
  readonly known: ReadonlySet<number>;
  /** Those that the answer tells; they are added as it is made. */
  readonly told: Set<number>;
}

/** From which answer a client comes, undefined with a first request, and to which it goes: by their tokens. */
export interface SyncStep {
  readonly since: string | undefined;
  readonly next: string;
}

type DeviceKey = `${string} ${string} ${string}`;

/**
 * Remembers which member events each device got lately, so that lazily loaded members are not told again. What counts is what was told
 * on the way to the very token that the client comes with: answers get lost, and clients start anew, perhaps on another instance.
 * Tokens must differ between the ways that start with different first requests. What is forgotten here, or was told by another
 * instance, is told again, which is allowed.
 */
@Injectable()
export class SentMembers {
  /** By device, and by token: what a client with that token has. The oldest first. */
  private readonly devices = new LRUCache<DeviceKey, Map<string, ReadonlySet<number>>>({ max: DEVICES });

  /** What a client has that comes with a token. */
  knownAt(device: SyncingDevice, token: string | undefined): ReadonlySet<number> {
    if (token === undefined) return NONE;
    return this.devices.get(keyOf(device))?.get(token) ?? NONE;
  }

  /** An answer tells these. */
  note(device: SyncingDevice, { since, next }: SyncStep, told: ReadonlySet<number>): void {
    const key = keyOf(device);
    const answers = this.devices.get(key) ?? new Map<string, ReadonlySet<number>>();
    const known = this.knownAt(device, since);
    const other = answers.get(next);
    if (since !== undefined) renew(answers, since, known);
    const together = latest(known, told);
    // Of two answers with the same token, either may have arrived.
    renew(answers, next, other ? together.intersection(other) : together);
    for (const token of answers.keys()) {
      if (answers.size <= ANSWERS) break;
      answers.delete(token);
    }
    this.devices.set(key, answers);
  }
}

function renew(answers: Map<string, ReadonlySet<number>>, token: string, known: ReadonlySet<number>): void {
  answers.delete(token);
  answers.set(token, known);
}

function latest(known: ReadonlySet<number>, told: ReadonlySet<number>): ReadonlySet<number> {
  if (told.isSubsetOf(known)) return known;
  return new Set([...known.difference(told), ...told].slice(-MEMBERS_PER_ANSWER));
}

function keyOf({ userId, deviceId = '' as DeviceId, connection = '' }: SyncingDevice): DeviceKey {
  return `${userId} ${deviceId} ${connection}`;
}

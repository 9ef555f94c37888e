import { expect } from '@jest/globals';
import { Preset } from 'matrix-js-sdk';
import type { EncryptedDevice } from './encrypted-device.js';

/** An encrypted room, who is in it with which devices, and who may read what was said. */
export class EncryptedRoom {
  private readonly said: { readonly text: string; readonly entitled: ReadonlySet<EncryptedDevice> }[] = [];
  private count = 0;

  private constructor(
    readonly roomId: string,
    /** In the room now. */
    readonly present: Set<EncryptedDevice>,
  ) {}

  /** One room of two people, with all of their devices. */
  static async open(
    [creator, ...others]: readonly [EncryptedDevice, ...EncryptedDevice[]],
    guest: readonly [EncryptedDevice, ...EncryptedDevice[]],
  ): Promise<EncryptedRoom> {
    const { room_id: roomId } = await creator.client.createRoom({
      preset: Preset.PrivateChat,
      invite: [guest[0].userId],
      initial_state: [
        { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
        // Of a shared history clients give the keys to those whom they invite.
        { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
      ],
    });
    const room = new EncryptedRoom(roomId, new Set([creator, ...others, ...guest]));
    await guest[0].until('the invite', () => guest[0].client.getRoom(roomId)?.getMyMembership() === 'invite');
    await guest[0].client.joinRoom(roomId);
    await room.untilMembers(2);
    return room;
  }

  /** All who are present see so many people in the room. */
  async untilMembers(count: number): Promise<void> {
    for (const device of this.present) {
      await device.until(
        `${count} members`,
        () => device.client.getRoom(this.roomId)?.getJoinedMemberCount() === count,
      );
    }
  }

  /** All who are present know a device: before that they could not give it their keys. */
  async untilKnown({ userId, client }: EncryptedDevice): Promise<void> {
    const deviceId = client.getDeviceId() ?? '';
    for (const device of this.present) {
      await device.until('the new device', async () => {
        const known = await device.crypto.getUserDeviceInfo([userId]);
        return known.get(userId)?.has(deviceId) === true;
      });
    }
  }

  /** The device says something that all that are present, and nobody else, may read. */
  async say(from: EncryptedDevice): Promise<void> {
    const text = `message ${(this.count += 1)}`;
    const entitled = new Set(this.present);
    await from.say(this.roomId, text);
    this.said.push({ text, entitled });
  }

  /** Each device reads all that it is entitled to, and nothing else. */
  async expectAllRead(devices: Iterable<EncryptedDevice> = this.present): Promise<void> {
    for (const device of devices) {
      const texts = this.said.filter(({ entitled }) => entitled.has(device)).map(({ text }) => text);
      const missing = () => new Set(texts).difference(new Set(device.readable(this.roomId)));
      await device.until(`all ${texts.length}`, () => missing().size === 0).catch(() => undefined);
      const { name } = device;
      const unreadable = device.unreadable(this.roomId);
      expect({ name, missing: [...missing()], unreadable }).toEqual({ name, missing: [], unreadable });
      expect(device.readable(this.roomId).toSorted()).toEqual(texts.toSorted());
    }
  }
}

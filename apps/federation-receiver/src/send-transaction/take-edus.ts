import { isRoomId, type JsonObject, type RoomId, type ServerName } from '@atoll/matrix';
import { gateEdu, type GatedEdu, roomsOfEdu } from './edu-gate.js';
import type { DeviceListIntake } from '../device-lists/device-list-intake.js';
import type { PresenceIntake } from './presence-intake.js';
import type { ReceiptIntake } from './receipt-intake.js';
import type { RoomAdmissions } from './room-admissions.js';
import type { ToDeviceIntake } from './to-device-intake.js';
import { edusReceived } from './transaction-metrics.js';
import type { TypingIntake } from './typing-intake.js';

/** Receipts may name any number of rooms. */
const MAX_ROOMS = 200;

/** Takes in what other servers send beside events. */
export class EduIntake {
  constructor(
    private readonly rooms: RoomAdmissions,
    private readonly typing: TypingIntake,
    private readonly receipts: ReceiptIntake,
    private readonly presence: PresenceIntake,
    private readonly toDevice: ToDeviceIntake,
    private readonly deviceLists: DeviceListIntake,
  ) {}

  /** Lets in what may be (`edu-gate.ts`), and hands it on by type. What a transaction repeats changes nothing. */
  async take(origin: ServerName, edus: readonly unknown[]): Promise<void> {
    const roomIds = [...new Set(edus.flatMap(roomsOfEdu))].filter(isRoomId).slice(0, MAX_ROOMS);
    const rooms = await this.rooms.of(roomIds, origin);
    const open = new Map<RoomId, number>();
    for (const { roomId, roomNid, isResident, isOriginAllowed } of rooms.values()) {
      if (isResident && isOriginAllowed) open.set(roomId, roomNid);
    }
    const gated = edus.map((edu) => gateEdu(edu, origin, (roomId) => open.has(roomId as RoomId)));
    for (const { type, outcome } of gated) edusReceived.add(1, { type, outcome });
    await this.toDevice.take(origin, contentsOf(gated, 'm.direct_to_device'));
    await this.typing.take(contentsOf(gated, 'm.typing'), open);
    await this.receipts.take(contentsOf(gated, 'm.receipt'), open);
    await this.presence.take(contentsOf(gated, 'm.presence'));
    await this.deviceLists.take(
      contentsOf(gated, 'm.device_list_update'),
      contentsOf(gated, 'm.signing_key_update'),
    );
  }
}

function contentsOf(gated: readonly GatedEdu[], type: GatedEdu['type']): JsonObject[] {
  return gated.flatMap((edu) => (edu.type === type && edu.content !== undefined ? [edu.content] : []));
}

import { EVENT_STATUS, type EventText, ServerViewReader } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { mayServerSee } from './server-visibility.js';
import { parsedPdu, pduText, redactedText } from './served-pdu.js';

/** Events of the timeline as an asking server may have them: redacted copies of those that it may not see. */
@Injectable()
export class VisiblePdus {
  constructor(private readonly views: ServerViewReader) {}

  /** The texts of events of one room, in their order. The caller has checked that the server is in the room. */
  async textsFor(origin: ServerName, roomNid: number, events: readonly EventText[]): Promise<string[]> {
    const views = await this.views.before(
      origin,
      roomNid,
      events.map(({ eventNid }) => eventNid),
    );
    return events.map((event) => {
      // An outlier is known as state or auth event only, and these every server in the room may read.
      if (event.status === EVENT_STATUS.outlier) return pduText(event);
      const view = views.get(event.eventNid);
      const isVisible = view !== undefined && mayServerSee(origin, () => parsedPdu(event), view);
      return isVisible ? pduText(event) : redactedText(event);
    });
  }
}

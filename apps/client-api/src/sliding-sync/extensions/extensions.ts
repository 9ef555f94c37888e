import type { JoinedRooms } from '@atoll/database';
import type { EventId, JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { KeyNews } from '../../keys/news/key-news.js';
import { type Extensions as ToldExtensions, GLOBAL_EXTENSION } from '../memory/connection-memory.js';
import { THREAD_SUBSCRIPTIONS } from '../requests/extension-requests.js';
import type { SlidingContext } from '../sliding-context.js';
import type { ExtensionRequests } from '../sliding-request.js';
import { AccountDataExtension } from './account-data-extension.js';
import { EphemeralExtensions } from './ephemeral-extensions.js';
import type { ExtensionRoom } from './extension-rooms.js';
import { ThreadSubscriptionsExtension } from './thread-subscriptions-extension.js';
import { ToDeviceExtension } from './to-device-extension.js';

/** What the extensions of an answer tell. */
export interface ToldByExtensions {
  readonly body: JsonObject;
  /** There is nothing in it for which a client would be woken. */
  readonly isEmpty: boolean;
}

/** Those of the extensions by which an answer tells what is of no room, or of rooms that no list shows. */
export function globalExtensionsOf({ accountData, threadSubscriptions }: ExtensionRequests): ToldExtensions {
  return (
    (accountData ? GLOBAL_EXTENSION.accountData : 0) +
    (threadSubscriptions ? GLOBAL_EXTENSION.threadSubscriptions : 0)
  );
}

/** Answers the extensions that are asked for. */
@Injectable()
export class Extensions {
  constructor(
    private readonly accountData: AccountDataExtension,
    private readonly ephemeral: EphemeralExtensions,
    private readonly threadSubscriptions: ThreadSubscriptionsExtension,
    private readonly toDevice: ToDeviceExtension,
    private readonly keys: KeyNews,
  ) {}

  /**
   * @param had the extensions by which global data was told before
   * @param joined all rooms that the user is joined to, for what is told of keys
   * @param told the events that the answer tells in rooms that are new to the client or get older events, by room nid
   */
  async load(
    context: SlidingContext,
    rooms: readonly ExtensionRoom[],
    had: ToldExtensions,
    told: ReadonlyMap<number, readonly EventId[]>,
    joined: JoinedRooms,
  ): Promise<ToldByExtensions> {
    const { accountData, receipts, typing, toDevice, e2ee, threadSubscriptions } = context.request.extensions;
    const [account_data, receiptsBody, typingBody, subscriptions, to_device, keys] = await Promise.all([
      accountData && this.accountData.load(context, accountData, rooms, had),
      receipts && this.ephemeral.receipts(context, receipts, rooms, told),
      typing && this.ephemeral.typing(context, typing, rooms),
      threadSubscriptions && this.threadSubscriptions.load(context, threadSubscriptions, had),
      toDevice && this.toDevice.load(context, toDevice),
      e2ee === true ? this.keys.load({ ...context.request, ...context }, joined) : undefined,
    ]);
    const bodies = {
      account_data,
      receipts: receiptsBody,
      typing: typingBody,
      [THREAD_SUBSCRIPTIONS]: subscriptions,
    };
    const news = Object.entries(bodies).flatMap(([name, body]) =>
      body && Object.keys(body).length > 0 ? [[name, body] as const] : [],
    );
    return {
      body: {
        ...Object.fromEntries(news),
        ...(to_device && { to_device }),
        ...(keys && { e2ee: keys.body }),
      },
      isEmpty: news.length + (to_device?.events.length ?? 0) === 0 && keys?.isNews !== true,
    };
  }
}

import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type JsonObject, MatrixError } from '@atoll/matrix';
import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { DELAYED_EVENTS_PATH, DRAFT_DELAYED_EVENTS_PATH } from './delayed-event-paths.js';
import { delayIdSchema } from './delayed-event.schemas.js';
import {
  DELAYED_EVENT_ACTIONS,
  type DelayedEventAction,
  ManageDelayedEventHandler,
} from './manage-delayed-event.handler.js';

const actionSchema = z.enum(DELAYED_EVENT_ACTIONS);
const draftBodySchema = z.object({ action: actionSchema });

/** @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4140-delayed-events-futures.md#managing-scheduled-delayed-events */
@Controller(DELAYED_EVENTS_PATH)
@AccessToken({ allowGuest: true })
export class ManageDelayedEventController {
  constructor(private readonly handler: ManageDelayedEventHandler) {}

  @Post(':delayId/:action')
  @HttpCode(200)
  async manage(
    @Requester() { userId }: UserRequester,
    @Param('delayId', { schema: delayIdSchema }) delayId: string,
    @Param('action', { schema: actionSchema }) action: DelayedEventAction,
  ): Promise<JsonObject> {
    await this.handler.handle(userId, delayId, action);
    return {};
  }
}

/** The same for clients that follow a draft; the earliest have the action in the body. */
@Controller(DRAFT_DELAYED_EVENTS_PATH)
@AccessToken({ allowGuest: true })
export class DraftManageDelayedEventController {
  constructor(private readonly handler: ManageDelayedEventHandler) {}

  @Post(':delayId/:action')
  @HttpCode(200)
  manage(
    @Requester() requester: UserRequester,
    @Param('delayId', { schema: delayIdSchema }) delayId: string,
    @Param('action', { schema: actionSchema }) action: DelayedEventAction,
  ): Promise<JsonObject> {
    return this.act(requester, delayId, action);
  }

  @Post(':delayId')
  @HttpCode(200)
  manageByBody(
    @Requester() requester: UserRequester,
    @Param('delayId', { schema: delayIdSchema }) delayId: string,
    @Body({ schema: draftBodySchema }) { action }: z.output<typeof draftBodySchema>,
  ): Promise<JsonObject> {
    return this.act(requester, delayId, action);
  }

  private async act(
    { userId }: UserRequester,
    delayId: string,
    action: DelayedEventAction,
  ): Promise<JsonObject> {
    await this.handler.handle(userId, delayId, action).catch((error: unknown) => {
      throw error instanceof MatrixError && error.status === 409 ? asGone(error) : error;
    });
    return {};
  }
}

/**
 * In the drafts, events were gone as soon as they were sent. A call whose heart-beat comes too late begins anew when it is told so; of any
 * other error code it breaks (matrix-js-sdk 43, whose change for 409 is not out yet).
 */
function asGone({ status, message }: MatrixError): MatrixError {
  return new MatrixError(status, 'M_NOT_FOUND', message);
}

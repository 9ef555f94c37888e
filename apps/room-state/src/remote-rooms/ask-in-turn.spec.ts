import type { SendResult } from '@atoll/federation-client';
import { MatrixError, type ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { askInTurn, helpIn } from './ask-in-turn.js';

const refused = (status: number, errcode: string): SendResult => ({
  ...{ outcome: 'refused', status, errcode },
  body: { errcode, error: `${status}` },
});
const unreachable: SendResult = {
  ...{ outcome: 'failed', kind: 'unreachable' },
  error: new MatrixError(502, 'M_UNKNOWN', 'not there'),
};
const helped: SendResult = { outcome: 'answered', status: 200, body: { help: true } };

/** Asks servers that answer one after the other like this. */
async function ask(...answers: SendResult[]) {
  const asked: ServerName[] = [];
  const help = await askInTurn(
    answers.map((_, n) => `hs${n}` as ServerName),
    (server) => {
      asked.push(server);
      return Promise.resolve(answers[asked.length - 1] as SendResult).then(helpIn);
    },
  );
  return { help, asked };
}

describe('asking servers in turn', () => {
  it.each<[string, SendResult]>([
    ['404', refused(404, 'M_NOT_FOUND')],
    ['502', refused(502, 'M_UNKNOWN')],
    ['403', refused(403, 'M_FORBIDDEN')],
    ['nothing', unreachable],
  ])('goes on to the next when one answers %s', async (_, answer) => {
    expect(await ask(answer, helped, helped)).toEqual({ help: { help: true }, asked: ['hs0', 'hs1'] });
  });

  it.each<[string, SendResult[], number, string]>([
    ['a refusal before silence', [unreachable, refused(403, 'M_FORBIDDEN'), unreachable], 403, 'M_FORBIDDEN'],
    ['the first refusal', [refused(404, 'M_NOT_FOUND'), refused(403, 'M_FORBIDDEN')], 404, 'M_NOT_FOUND'],
    ['the trouble of a peer as such', [refused(500, 'M_UNKNOWN')], 502, 'M_UNKNOWN'],
    ['a request that the peer cannot read as its trouble', [refused(400, 'M_BAD_JSON')], 502, 'M_UNKNOWN'],
    ['a refusal without what would end a session', [refused(403, 'M_UNKNOWN_TOKEN')], 403, 'M_FORBIDDEN'],
    ['a blocked invite', [refused(403, 'M_INVITE_BLOCKED')], 403, 'M_INVITE_BLOCKED'],
    [
      'one that an older server blocks',
      [refused(403, 'ORG.MATRIX.MSC4155.INVITE_BLOCKED')],
      403,
      'M_INVITE_BLOCKED',
    ],
    [
      'a refusal by version as a bad request',
      [refused(401, 'M_INCOMPATIBLE_ROOM_VERSION')],
      400,
      'M_INCOMPATIBLE_ROOM_VERSION',
    ],
    ['nobody to ask as no room', [], 404, 'M_NOT_FOUND'],
  ])('tells of %s', async (_, answers, status, errcode) => {
    await expect(ask(...answers)).rejects.toMatchObject({ status, errcode });
  });
});

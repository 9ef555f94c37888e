import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import {
  endless,
  hangUp,
  keyAnswer,
  query,
  redirect,
  RemoteServer,
  silence,
  slowLoris,
  truncated,
  wronglySignedKeyAnswer,
  type JsonAnswer,
  type RemoteAnswer,
  type SendOptions,
} from '@atoll/testing';
import { setStage, type Stage } from './stage.js';

type Answer = (server: RemoteServer) => RemoteAnswer | Promise<RemoteAnswer>;

const bodyOf = async (answer: Promise<JsonAnswer>) => (await answer).body;

/** What servers say instead of their keys. */
const answers: Record<string, Answer> = {
  'hang up': () => hangUp,
  'never answer': () => silence,
  'answer without end': () => endless,
  'answer too slowly': async (server) => slowLoris(await bodyOf(keyAnswer(server)), 1_000),
  'stop in the middle': async (server) => truncated(await bodyOf(keyAnswer(server))),
  'send elsewhere': () => redirect(`https://${stage.other.serverName}/trap`),
  'give keys that another key signed': (server) => wronglySignedKeyAnswer(server),
  'give keys that are valid no more': (server) => keyAnswer(server, { validUntilTs: Date.now() - 1_000 }),
  'give the keys of another server': ({ key }) => keyAnswer({ serverName: stage.other.serverName, key }),
  'give other keys': ({ serverName }) => keyAnswer({ serverName, key: generateSigningKey() }),
  'give their key as retired': ({ serverName, key }) =>
    keyAnswer(
      { serverName, key: generateSigningKey() },
      { oldKeys: [{ key, expiredTs: Date.now() - 1_000 }] },
    ),
};
/** What takes as long as the homeserver's patience: it waits for all of them at once, while it is asked for everything else. */
const slowNames = ['never answer', 'answer too slowly'];
const names = [...Object.keys(answers).filter((name) => !slowNames.includes(name)), ...slowNames];

let stage: Stage;
/** One for each answer: after a failure, a homeserver leaves a server alone for a while. */
const servers = new Map<string, RemoteServer>();
const slow = new Map<string, Promise<string>>();
beforeAll(async () => {
  for (const name of names) servers.set(name, await RemoteServer.start());
  stage = await setStage([...servers.values()]);
  for (const [name, server] of servers) {
    server.on('GET', '/_matrix/key/v2/server', () => answers[name]?.(server) ?? hangUp);
    if (!slowNames.includes(name)) continue;
    const answer = ask(server);
    answer.catch(() => undefined);
    slow.set(name, answer);
  }
});
afterAll(() => stage.stop());

/** Asks the homeserver for something that only servers may ask for. @returns status and errcode */
async function ask(server: RemoteServer, options: SendOptions = {}): Promise<string> {
  const path = `/_matrix/federation/v1/query/profile${query({ user_id: stage.alice.userId })}`;
  const { status, body } = await server.send(stage.atoll, 'GET', path, undefined, options);
  return status === 200 ? '200' : `${status} ${body['errcode'] as string}`;
}

test('a signed request is answered', async () => {
  expect(await ask(stage.remote)).toBe('200');
});

describe('a request is refused', () => {
  const options: Record<string, () => SendOptions> = {
    'without a signature': () => ({ unsigned: true }),
    'in the name of another server': () => ({ origin: stage.other.serverName }),
    'in the name of the homeserver itself': () => ({ origin: stage.atoll.serverName }),
    'for another server': () => ({ destination: stage.other.serverName }),
    'signed with another key': () => ({ key: generateSigningKey() }),
    'from a name that is none': () => ({ origin: '../../etc' }),
  };
  test.each(Object.keys(options))('%s', async (name) => {
    expect(await ask(stage.remote, options[name]?.())).toBe('401 M_UNAUTHORIZED');
  });
});

describe('a request counts for nothing where its servers, asked for their keys,', () => {
  test.each(names)('%s', async (name) => {
    const server = servers.get(name) as RemoteServer;
    expect(await (slow.get(name) ?? ask(server))).toBe('401 M_UNAUTHORIZED');
    expect(await ask(stage.remote)).toBe('200');
    expect(stage.other.received).toEqual([]);
  });
});

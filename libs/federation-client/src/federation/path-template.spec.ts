import { describe, expect, it } from '@jest/globals';
import { pathTemplate } from './path-template.js';

describe('the template of a path', () => {
  it.each([
    ['/_matrix/federation/v1/send/1234', '/_matrix/federation/v1/send/{id}'],
    ['/_matrix/federation/v2/send_join/%21a%3Ab/%24c', '/_matrix/federation/v2/send_join/{id}/{id}'],
    ['/_matrix/federation/v1/make_join/%21a/%40b?ver=12', '/_matrix/federation/v1/make_join/{id}/{id}'],
    ['/_matrix/federation/v1/query/profile?user_id=%40b', '/_matrix/federation/v1/query/profile'],
    ['/_matrix/federation/v1/user/keys/claim', '/_matrix/federation/v1/user/keys/claim'],
    ['/_matrix/federation/v1/user/devices/%40b%3Ac', '/_matrix/federation/v1/user/devices/{id}'],
    ['/_matrix/key/v2/query/hs2.test', '/_matrix/key/v2/query/{id}'],
    ['/_matrix/key/v2/server', '/_matrix/key/v2/server'],
  ])('%s', (path, template) => {
    expect(pathTemplate(path)).toBe(template);
  });
});

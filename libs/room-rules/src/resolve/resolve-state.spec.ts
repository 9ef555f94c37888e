import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventId } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import type { StateKey } from '../state-map.js';
import { checkBannedSender, checkHistory } from './check-history.spec-support.js';
import { resolveState } from './resolve-state.js';
import { RoomHistory } from './room-history.spec-support.js';
import { scenario } from './scenario.spec-support.js';

/** Over all room versions more than 10,000 histories; `npm run fuzz` takes more. */
const HISTORIES = 900;
const OTHERS = { numRuns: 100 };
/** About a third of them come to a ban that is not in dispute. */
const BANS = { numRuns: 300 };

describe.each(supportedRoomVersions)(
  'state resolution in room version $version, on generated histories',
  (rules) => {
    it('agrees with the text and holds what must hold', () => {
      const property = fc.property(scenario, (one) => {
        checkHistory(one, rules);
      });
      fc.assert(property, { numRuns: HISTORIES });
    });

    it('answers without the events that are missing', () => {
      const property = fc.property(scenario, fc.nat({ max: 20 }), (one, lost) => {
        const history = new RoomHistory(rules);
        const states = history.play(one);
        const known = new Map([...history.events].filter((_, index) => index % 21 !== lost));
        const resolved = resolveState(states, known, rules);
        const undisputed = (id: EventId, key: StateKey) =>
          states.every((state) => [id, undefined].includes(state.get(key)));
        for (const [key, id] of resolved) expect(known.has(id) || undisputed(id, key)).toBe(true);
      });
      fc.assert(property, OTHERS);
    });

    if (rules.stateResolution !== 'v1') {
      it('gives a banned user nothing for events from before the ban', () => {
        let bans = 0;
        const property = fc.property(scenario, (one) => {
          if (checkBannedSender(one, rules)) bans += 1;
        });
        fc.assert(property, BANS);
        expect(bans).toBeGreaterThan(BANS.numRuns / 5);
      });
    }
  },
);

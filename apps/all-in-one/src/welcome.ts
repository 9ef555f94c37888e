import type { Config } from '@atoll/config';

/** What someone who started Atoll for the first time wants to know. */
export function welcome(config: Config): string {
  const { serverName, publicBaseurl, host, federationPort, metricsPort, dataDir, registration } = config;
  const register =
    registration === 'open' ? ' (registration is open: a client can also register by itself)' : '';
  return `
Atoll serves ${serverName}
  clients      ${publicBaseurl}
  federation   https://${host}:${federationPort}
  operations   http://${host}:${metricsPort}/health/ready and /metrics

The first user:  npm run ctl -- create-user alice --admin${register}
A client:        choose "other homeserver" and give ${publicBaseurl}
Data stays in ${dataDir}. Ctrl-C stops everything.
`;
}

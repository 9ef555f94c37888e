import { readFileSync } from 'node:fs';
import { listNames, secretNames, settingNames, variableOf } from './settings.js';
import type { SettingName } from './settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes describes services in the environment of every pod; a service called `atoll-…` must not stop the start. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)$/;

/** Settings given by `ATOLL_*` variables, as text; what cannot be read or is unknown is added to `problems`. */
export function settingsFromEnvironment(
  env: Environment,
  problems: string[],
): Partial<Record<SettingName, string>> {
  const settings: Partial<Record<SettingName, string>> = {};
  const known = new Set(['ATOLL_CONFIG']);
  for (const name of settingNames) {
    const variable = variableOf(name);
    known.add(variable);
    let value = env[variable];
    if (value === '' && !listNames.includes(name)) value = undefined;
    if (secretNames.includes(name)) {
      known.add(`${variable}_FILE`);
      value = secret(env, variable, value, problems);
    }
    if (value !== undefined) settings[name] = value;
  }
  for (const variable of Object.keys(env)) {
    if (variable.startsWith('ATOLL_') && !known.has(variable) && !isForeign(variable, env[variable])) {
      problems.push(`${variable}: there is no such variable`);
    }
  }
  return settings;
}

function secret(env: Environment, variable: string, value: string | undefined, problems: string[]) {
  const path = env[`${variable}_FILE`];
  if (path === undefined || path === '') return value;
  if (value !== undefined) problems.push(`${variable} and ${variable}_FILE are both set`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    problems.push(`${variable}_FILE: ${(error as Error).message}`);
    return undefined;
  }
}

function isForeign(variable: string, value = ''): boolean {
  return (
    variable.startsWith('ATOLL_TEST_') ||
    SERVICE_LINK.test(variable) ||
    (variable.endsWith('_PORT') && /^(tcp|udp):\/\//.test(value))
  );
}

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ConfigError } from './config-error.js';
import type { Config, ConnectedConfig } from './config.js';
import { deriveConfig } from './derive-config.js';
import { settingsFromEnvironment } from './environment.js';
import type { Environment } from './environment.js';
import { settingNames, settingsSchema, variableOf } from './settings.js';
import { tracingFromEnvironment } from './tracing-settings.js';

/**
 * The configuration from the YAML file that `ATOLL_CONFIG` names and the environment, which overrides it.
 * @throws {ConfigError} with every problem found
 */
export function loadConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const fromFile = settingsFromFile(env['ATOLL_CONFIG'], problems);
  const fromEnvironment = settingsFromEnvironment(env, problems);
  const tracing = tracingFromEnvironment(env, problems);
  const result = settingsSchema.safeParse({ ...fromFile, ...fromEnvironment });
  for (const issue of result.error?.issues ?? []) {
    problems.push(`${sourceOf(String(issue.path[0] ?? ''), fromEnvironment)}${issue.message}`);
  }
  const config = result.success ? deriveConfig(result.data, tracing, problems) : undefined;
  if (config === undefined || problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Like {@link loadConfig}, for the start of a process: prints the problems and exits when there are any. */
export function loadConfigOrExit(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78);
  }
}

/**
 * The configuration with its servers' addresses.
 * @throws {ConfigError} when one is missing
 */
export function connectedConfig(config: Config): ConnectedConfig {
  const { databaseUrl, redisUrl } = config;
  if (databaseUrl !== undefined && redisUrl !== undefined) return { ...config, databaseUrl, redisUrl };
  const missing = (['databaseUrl', 'redisUrl'] as const).filter((name) => config[name] === undefined);
  throw new ConfigError(missing.map((name) => `${variableOf(name)}: required for this service`));
}

function settingsFromFile(path: string | undefined, problems: string[]): Record<string, unknown> {
  if (path === undefined || path === '') return {};
  try {
    const settings: unknown = parse(readFileSync(path, 'utf8')) ?? {};
    if (typeof settings === 'object' && !Array.isArray(settings)) return settings as Record<string, unknown>;
    problems.push(`${path}: must hold a mapping of settings`);
  } catch (error) {
    problems.push(`${path}: ${(error as Error).message}`);
  }
  return {};
}

function sourceOf(path: string, fromEnvironment: object): string {
  const name = settingNames.find((known) => known === path);
  if (name === undefined) return '';
  return `${name in fromEnvironment ? variableOf(name) : name}: `;
}

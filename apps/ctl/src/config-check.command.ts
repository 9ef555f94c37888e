import { loadConfig, secretNames, settingNames, variableOf } from '@atoll/config';
import { printTable } from './output.js';

/** @throws ConfigError with every problem */
export function checkConfig(): void {
  const config = loadConfig();
  const rows = settingNames.map((name) => {
    const value = config[name];
    if (value === undefined) return [variableOf(name), '-'];
    return [variableOf(name), secretNames.includes(name) ? '(set)' : String(value)];
  });
  printTable(['SETTING', 'VALUE'], rows);
}

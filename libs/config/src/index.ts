export { ConfigError } from './config-error.js';
export type { Config, ConnectedConfig, ServerNoticesConfig } from './config.js';
export { DEFAULT_IP_DENYLIST } from './default-ip-denylist.js';
export type { Environment } from './environment.js';
export { connectedConfig, loadConfig, loadConfigOrExit } from './load-config.js';
export { secretNames, settingNames, variableOf } from './settings.js';
export type { SettingName } from './settings.js';
export { readOrCreateSecretFile } from './secret-file.js';
export type { TracingSettings } from './tracing-settings.js';

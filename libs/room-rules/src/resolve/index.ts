export { authChainOf } from './auth-chain.js';
export { eventsNeededForResolution } from './conflicted-state.js';
export { type EventSource } from './event-source.js';
export { type ResolutionStep } from './iterative-auth-checks.js';
export { resolveState } from './resolve-state.js';

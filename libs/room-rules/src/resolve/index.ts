export { authChainOf } from './auth-chain.js';
export { eventsNeededForResolution } from './conflicted-state.js';
export { type EventSource } from './event-source.js';
export { explainResolution, type ExplainedKey } from './explain-resolution.js';
export { type Explain, type ResolutionStep } from './resolution-step.js';
export { resolveState } from './resolve-state.js';

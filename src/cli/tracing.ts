import type { InferenceClient } from '../core/inference.ts';
import type { Tracing } from '../core/tracing.ts';
import type { StreamLog } from '../runtime/stream-options.ts';

interface Started {
  readonly tracing: Tracing;
  /** Sends what was not sent yet. */
  close(): Promise<void>;
}
let started: Started | undefined;

/** OpenTelemetry's own variables say whether: nothing of it is loaded otherwise. */
export const tracesAsked = ({ env } = process): boolean =>
  env.OTEL_SDK_DISABLED !== 'true' &&
  env.OTEL_TRACES_EXPORTER !== 'none' &&
  [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env.OTEL_TRACES_EXPORTER].some(
    (value) => value !== undefined && value !== '',
  );

export const startTracing = async (log: StreamLog): Promise<void> => {
  if (started !== undefined || !tracesAsked()) return;
  const { otelTracing } = await import('../server/otel.ts');
  started = otelTracing((reason) => log.warn('traces could not be sent', { reason }));
};

export const currentTracing = (): Tracing | undefined => started?.tracing;

export const stopTracing = async (): Promise<void> => {
  const last = started;
  started = undefined;
  await last?.close();
};

/** A child span for each question to a model. */
export const tracedInference = (client: InferenceClient): InferenceClient => ({
  bind: (modelId, config, input) => {
    const step = client.bind(modelId, config, input);
    return {
      infer: (document, text, done) => {
        const end = document.trace?.inference(modelId);
        if (end === undefined) return step.infer(document, text, done);
        step.infer(document, text, (error, result) => {
          end(error);
          done(error, result);
        });
      },
    };
  },
});

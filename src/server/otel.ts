import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SourceRecord } from '../core/contracts.ts';
import { messageOf } from '../core/errors.ts';
import type { DocumentTrace, RequestTrace, Tracing } from '../core/tracing.ts';

/** OpenTelemetry's own limit of links in a span. */
const MAX_LINKS = 128;

const propagator = new W3CTraceContextPropagator();
const HEADERS = {
  keys: (headers: SourceRecord['headers']) => Object.keys(headers),
  get: (headers: SourceRecord['headers'], key: string) => {
    const value = Object.hasOwn(headers, key) ? headers[key] : undefined;
    return typeof value === 'string' || value === undefined ? value : Buffer.from(value).toString();
  },
};

const traceparentOf = (span: Span): string => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
};

const endSpan = (span: Span, error: unknown): void => {
  // The message may quote the document: only what kind of error it is.
  if (error !== undefined && error !== null) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', (error as { fault?: { type?: string } }).fault?.type ?? (error as Error).name);
  }
  span.end();
};

/** As the variables' specification names them; whatever else is said, the record's own flag decides. */
const samplerOf = ({ OTEL_TRACES_SAMPLER: name = '', OTEL_TRACES_SAMPLER_ARG: ratio }: NodeJS.ProcessEnv) => {
  const kind = name.replace('parentbased_', '');
  const part = Number(ratio ?? 1);
  const root =
    kind === 'always_off'
      ? new AlwaysOffSampler()
      : kind === 'traceidratio'
        ? new TraceIdRatioBasedSampler(Number.isFinite(part) ? part : 1)
        : new AlwaysOnSampler();
  return name === kind && name !== '' ? root : new ParentBasedSampler({ root });
};

/** Sends traces to where OTEL_EXPORTER_OTLP_ENDPOINT says, as OTLP over HTTP; loaded only where that is asked for. */
export const otelTracing = (
  warn: (reason: string) => void = () => {},
): { readonly tracing: Tracing; close(): Promise<void> } => {
  const tell = (message: string) => warn(message);
  const quiet = () => {};
  diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const named = resourceFromAttributes({ 'service.name': 'sluice' });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(process.env),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('sluice');

  const documentTrace = (span: Span, context: Context): DocumentTrace => ({
    traceparent: traceparentOf(span),
    sampled: span.isRecording(),
    inference: (model) => {
      const child = tracer.startSpan(`infer ${model}`, { attributes: { 'sluice.model': model } }, context);
      return (error) => endSpan(child, error);
    },
    end: (outcome) => {
      span.setAttribute('sluice.outcome', outcome ?? 'let_go');
      if (outcome === 'dead_lettered') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  });

  const tracing: Tracing = {
    document: (stream, partition, record) => {
      const parent = propagator.extract(ROOT_CONTEXT, record.headers, HEADERS);
      const { name, fields } = record.origin();
      const attributes = {
        'messaging.operation.type': 'process',
        'messaging.message.body.size': record.value?.length ?? 0,
        'sluice.stream': stream,
        'sluice.partition': partition,
        'sluice.position': String(record.position),
        ...(name === '_kafka' && {
          'messaging.system': 'kafka',
          'messaging.destination.name': String(fields.topic),
          'messaging.destination.partition.id': String(fields.partition),
          'messaging.kafka.offset': Number(record.position),
        }),
      };
      const span = tracer.startSpan(`process ${stream}`, { kind: SpanKind.CONSUMER, attributes }, parent);
      return documentTrace(span, trace.setSpan(parent, span));
    },
    request: (stream, sink, documents): RequestTrace | undefined => {
      const sampled = documents.filter((one) => one?.sampled === true);
      if (sampled.length === 0) return undefined;
      const links = sampled.slice(0, MAX_LINKS).map((one) => {
        const [, traceId, spanId, flags] = one!.traceparent.split('-') as [string, string, string, string];
        return { context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16) } };
      });
      const attributes = { 'sluice.stream': stream, 'sluice.sink': sink, 'sluice.documents': documents.length };
      const span = tracer.startSpan(`write ${sink}`, { kind: SpanKind.CLIENT, attributes, links }, ROOT_CONTEXT);
      return { traceparent: traceparentOf(span), end: (error) => endSpan(span, error) };
    },
  };
  return { tracing, close: () => provider.shutdown().catch((error: unknown) => warn(messageOf(error))) };
};

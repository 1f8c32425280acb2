// What every process answers about itself: healthy, ready, and its metrics.

import type { ReadProbe } from '../../lifecycle/probe.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import {
  asksForOpenMetrics,
  OPEN_METRICS_TYPE,
  openMetricsText,
  PROMETHEUS_TEXT_TYPE,
} from '../../telemetry/open-metrics.ts';
import type { PlainAnswer } from './api.ts';

/** `OK`, or 503 with `NOT OK`, and why on the next line where that is known. */
export function healthyAnswer(probe: ReadProbe): PlainAnswer {
  const { isHealthy, problem } = probe.state;
  return isHealthy ? answer(200, 'OK') : answer(503, `NOT OK\n${problem === undefined ? '' : `${problem}\n`}`);
}

/** As above; each reason for not being ready follows on a line of its own. */
export function readyAnswer(probe: ReadProbe): PlainAnswer {
  const { isReady, reasons } = probe.state;
  return isReady ? answer(200, 'OK') : answer(503, `NOT OK\n${reasons.map((reason) => `${reason}\n`).join('')}`);
}

/** The metrics, in the format the Accept header asks for. */
export async function metricsAnswer(metrics: Metrics, accept: string): Promise<PlainAnswer> {
  const text = await metrics.text();
  if (!asksForOpenMetrics(accept))
    return { status: 200, headers: { 'Content-Type': PROMETHEUS_TEXT_TYPE }, body: text };
  return { status: 200, headers: { 'Content-Type': OPEN_METRICS_TYPE }, body: openMetricsText(text) };
}

function answer(status: number, body: string): PlainAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

// What the Prometheus replicas of a story scrape: counters, one of which starts anew now and then, gauges, a series that
// comes and goes, and a classic histogram. All values are functions of the time since the start.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningTarget {
  /** host:port */
  readonly address: string;
  close(): Promise<void>;
}

const BOUNDS = ['0.1', '0.5', '1', '+Inf'];

export async function startTarget(): Promise<RunningTarget> {
  const startMs = Date.now();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(metricsText((Date.now() - startMs) / 1000));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function metricsText(seconds: number): string {
  const lines = ['# TYPE requests_total counter'];
  for (const [i, code] of ['200', '404', '500'].entries()) {
    lines.push(`requests_total{code="${code}"} ${Math.floor((seconds * 100) / (i + 1))}`);
  }
  lines.push('# TYPE restarting_total counter', `restarting_total ${Math.floor((seconds % 7) * 1000)}`);
  lines.push('# TYPE temperature gauge');
  for (const sensor of ['a', 'b', 'ü']) {
    lines.push(`temperature{sensor="${sensor}"} ${20 + sensor.charCodeAt(0) * Math.sin(seconds / 3)}`);
  }
  lines.push('# TYPE odd gauge', `odd ${['NaN', '+Inf', '-0', '1e-310'][Math.floor(seconds) % 4]}`);
  if (Math.floor(seconds / 4) % 2 === 0) lines.push('# TYPE sometimes gauge', `sometimes ${seconds}`);
  lines.push('# TYPE latency_seconds histogram');
  for (const [i, bound] of BOUNDS.entries()) {
    lines.push(`latency_seconds_bucket{le="${bound}"} ${Math.floor((seconds * 50 * (i + 1)) / BOUNDS.length)}`);
  }
  lines.push(`latency_seconds_sum ${seconds * 17.3}`, `latency_seconds_count ${Math.floor(seconds * 50)}`);
  return `${lines.join('\n')}\n`;
}

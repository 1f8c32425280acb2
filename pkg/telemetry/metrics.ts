// Metrics: a thin room around prom-client. Each file declares its own metrics beside the code that moves them, on the
// registry handed to it; asking twice for one name gives the same metric.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram } from 'prom-client';

export class Metrics {
  readonly registry = new Registry();

  /** A counter under a name of the metrics contract; `labels` are label names. */
  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    const known = this.registry.getSingleMetric(name);
    if (known !== undefined) return known as unknown as Counter<L>;
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  gauge<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
    const known = this.registry.getSingleMetric(name);
    if (known !== undefined) return known as unknown as Gauge<L>;
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  /** A gauge that is read when it is scraped. Under a name that is known already, nothing happens. */
  collectedGauge(name: string, help: string, read: () => number): void {
    if (this.registry.getSingleMetric(name) !== undefined) return;
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A classic histogram; `buckets` are ascending upper bounds, in the unit of the name. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly L[] = [],
  ): Histogram<L> {
    const known = this.registry.getSingleMetric(name);
    if (known !== undefined) return known as unknown as Histogram<L>;
    return new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [this.registry] });
  }

  /** The exposition in the Prometheus text format. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }
}

// Prometheus text to OpenMetrics text. The library can write OpenMetrics as well, but renames its counters for good
// while doing so: a second scraper with the other format would then read wrong names.

export const PROMETHEUS_TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** True when an Accept header asks for OpenMetrics. */
export function asksForOpenMetrics(accept: string): boolean {
  return accept.split(',').some((range) => range.trim().toLowerCase().startsWith('application/openmetrics-text'));
}

/**
 * A counter family loses the `_total` its samples keep; one whose samples lack it is `unknown`, the only type OpenMetrics
 * allows it. Input is what the registry prints: HELP directly before TYPE.
 */
export function openMetricsText(prometheusText: string): string {
  const lines: string[] = [];
  let help: { readonly name: string; readonly text: string } | undefined;
  for (const line of prometheusText.split('\n')) {
    if (line === '') continue;
    const meta = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (meta === null) {
      lines.push(line);
    } else if (meta[1] === 'HELP') {
      help = { name: meta[2], text: meta[3].replaceAll('"', '\\"') };
    } else {
      const isCounter = meta[3] === 'counter';
      const family = isCounter ? meta[2].replace(/_total$/, '') : meta[2];
      const type = (isCounter && family === meta[2]) || meta[3] === 'untyped' ? 'unknown' : meta[3];
      if (help?.name === meta[2]) lines.push(`# HELP ${family} ${help.text}`);
      lines.push(`# TYPE ${family} ${type}`);
    }
  }
  lines.push('# EOF', '');
  return lines.join('\n');
}

// Times and durations as Go programs print them, since people grep and compare what the tools print.

/** RFC 3339 in whole seconds, UTC. */
export function secondsText(timeMs: number): string {
  return new Date(Math.trunc(timeMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** `0s`, `5m0s`, `2h0m0.876s`, `-48h0m0s`; below a second `250ms`. */
export function goDurationText(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const rest = Math.abs(ms);
  if (rest < 1000) return `${sign}${rest}ms`;
  const hours = Math.floor(rest / 3_600_000);
  const minutes = Math.floor((rest % 3_600_000) / 60_000);
  const seconds = `${(rest % 60_000) / 1000}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** `1,234,567` */
export function thousandsText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

// What stands beside the axes of a chart.

/** Every series its colour, by its place in the answer: neighbours differ, in light and in dark. */
export function colourOf(index: number, isDark: boolean): string {
  const palette = isDark ? DARK : LIGHT;
  return palette[index % palette.length];
}

const LIGHT = [
  '#0b7285',
  '#d9480f',
  '#5f3dc4',
  '#2b8a3e',
  '#c2255c',
  '#1864ab',
  '#a67c00',
  '#862e9c',
  '#087f5b',
  '#c92a2a',
  '#364fc7',
  '#5c940d',
  '#9c36b5',
  '#e67700',
  '#0c8599',
  '#a61e4d',
  '#495057',
  '#66a80f',
  '#7048e8',
  '#b35c00',
];
const DARK = [
  '#3bc9db',
  '#ff922b',
  '#b197fc',
  '#69db7c',
  '#f783ac',
  '#74c0fc',
  '#ffd43b',
  '#e599f7',
  '#38d9a9',
  '#ff8787',
  '#91a7ff',
  '#a9e34b',
  '#da77f2',
  '#ffc078',
  '#66d9e8',
  '#faa2c1',
  '#ced4da',
  '#c0eb75',
  '#9775fa',
  '#ffa94d',
];

/** Numbers beside the value axis: one unit for all, as many decimals as their distance asks for. */
export function axisNumbers(splits: readonly number[]): string[] {
  const largest = splits.reduce((max, split) => Math.max(max, Math.abs(split)), 0);
  const distance = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : largest;
  const [size, unit] = UNITS.find(([from]) => largest >= from) ?? [1, ''];
  const decimals = decimalsOf(distance / size);
  return splits.map((split) => {
    if (split === 0) return '0';
    if (largest < 1e-3) return Number(split.toPrecision(3)).toExponential();
    return `${(split / size).toFixed(decimals)}${unit}`;
  });
}

/** As many as it takes to write a distance down, and no more than twelve. */
function decimalsOf(distance: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = distance * 10 ** decimals;
    if (scaled >= 0.99 && Math.abs(scaled - Math.round(scaled)) < 1e-3) return decimals;
  }
  return distance > 0 ? 12 : 0;
}

const UNITS: readonly (readonly [from: number, unit: string])[] = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

const DAY_S = 86_400;

/** Times below the time axis: the clock, with the date where a day begins; dates alone over longer ranges. */
export function axisTimes(splits: readonly number[], incrementS: number, isLocal: boolean): string[] {
  let day = '';
  return splits.map((split) => {
    const at = new Date(split * 1000);
    const shifted = isLocal ? new Date(at.getTime() - at.getTimezoneOffset() * 60_000) : at;
    const iso = shifted.toISOString();
    const date = iso.slice(5, 10);
    const clock = incrementS < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
    if (incrementS >= DAY_S) return incrementS >= 300 * DAY_S ? iso.slice(0, 4) : date;
    const isNew = date !== day && (day !== '' || /^00:00/.test(clock));
    day = date;
    return isNew ? `${clock}\n${date}` : clock;
  });
}

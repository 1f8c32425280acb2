import { expect, test } from 'vitest';
import { bool, bytes, durationMs, int, labelList, stringList, time } from '../pkg/config/flag-kinds.ts';
import { flagTexts } from './flag-texts.ts';

const flags = {
  timeout: durationMs('2m', ''),
  size: bytes('250MB', ''),
  count: int(20, ''),
  wait: bool(false, ''),
  names: stringList([], ''),
  labels: labelList(''),
  'min-time': time('-6w', ''),
  'objstore.config': stringList([], ''),
};

test('flags are told as one would write them, and contents not at all', () => {
  const values = {
    timeout: 90_000,
    size: 250 * 2 ** 20,
    count: 20,
    wait: true,
    names: ['a', 'b'],
    labels: [['cluster', 'eu']],
    'min-time': () => Date.UTC(2026, 0, 1),
    'objstore.config': 'secret',
    absent: undefined,
  };
  expect(flagTexts(values, flags)).toEqual({
    timeout: '1m30s',
    size: '250MB',
    count: '20',
    wait: 'true',
    names: 'a,b',
    labels: 'cluster="eu"',
    'min-time': '2026-01-01T00:00:00.000Z',
    'objstore.config': '<REDACTED>',
    absent: '',
  });
  expect(flagTexts({ size: 0, timeout: 0 }, flags)).toEqual({ size: '0B', timeout: '0s' });
  expect(flagTexts({ size: 1000 }, flags)).toEqual({ size: '1000B' });
});

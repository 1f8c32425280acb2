import { describe, expect, test } from 'vitest';
import { apiJson, escapeJson } from './api.ts';

describe('JSON text', () => {
  for (const [what, value, expected] of [
    ['what HTML minds', '<a href="x">&', '"\\u003ca href=\\"x\\"\\u003e\\u0026"'],
    ['line separators', '\u2028\u2029', '"\\u2028\\u2029"'],
    ['a lone high surrogate', 'a\ud800b', '"a\ufffdb"'],
    ['a lone low surrogate', 'a\udc00b', '"a\ufffdb"'],
    ['a pair', '\ud83d\ude00<', '"\ud83d\ude00\\u003c"'],
    ['a backslash that only looks like an escape', '\\ud800', '"\\\\ud800"'],
    ['control characters', '\u0000\n', '"\\u0000\\n"'],
    ['nothing', undefined, 'null'],
    ['objects, keys included', { '<': 1 }, '{"\\u003c":1}'],
  ] as const) {
    test(`escapes ${what}`, () => {
      expect(apiJson(value)).toBe(expected);
    });
  }

  test('reads back as the same value, whatever the text', () => {
    let seed = 1;
    const next = (limit: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % limit;
    };
    const alphabet = ['\\', 'u', 'd', '8', '0', '<', '>', '&', '"', '\u2028', '\ud83d\ude00', 'é'];
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join('');
      const json = apiJson(text);
      expect(JSON.parse(json)).toBe(text);
      expect(json).not.toMatch(/[<>&\u2028]/);
      expect(escapeJson(json)).toBe(json);
    }
  });
});

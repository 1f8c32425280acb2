import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ApiError, fetchAnswer, formOf, openEnvelope } from './fetch-answer.ts';

const url = 'http://page.test/api/v1/query';

afterEach(() => {
  vi.unstubAllGlobals();
});

function answerWith(make: (input: string, init: RequestInit) => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => make(input, init));
}

async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as ApiError;
  }
  throw new Error('it did not fail');
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('a good answer', () => {
  test('has its data, and its notes apart, each once', async () => {
    answerWith(() => Response.json({ status: 'success', data: [1], warnings: ['w', 'i', 'w'], infos: ['i'] }));
    expect(await fetchAnswer(url, {})).toMatchObject({ data: [1], warnings: ['w'], infos: ['i'] });
  });

  test('is asked for with lists repeated and nothing for what is undefined', async () => {
    const asked: [string, unknown][] = [];
    answerWith((input, init) => {
      asked.push([input, String(init.body)]);
      return Response.json({ status: 'success', data: null });
    });
    const parameters = { query: 'a&b', dedup: false, none: undefined, 'match[]': ['x', 'y'] };
    await fetchAnswer(url, { parameters });
    await fetchAnswer(url, { parameters, method: 'POST' });
    const form = 'query=a%26b&dedup=false&match%5B%5D=x&match%5B%5D=y';
    expect(asked).toEqual([
      [`${url}?${form}`, 'undefined'],
      [url, form],
    ]);
    expect(formOf({}).toString()).toBe('');
  });

  test('tells how much came', async () => {
    const told: number[] = [];
    const body = JSON.stringify({ status: 'success', data: 'x'.repeat(100_000) });
    answerWith(() => new Response(body));
    await fetchAnswer(url, { onProgress: (received) => told.push(received) });
    expect(told.at(-1)).toBe(body.length);
  });
});

describe('what goes wrong is told in words', () => {
  for (const [what, status, text, kind, message] of [
    [
      'an error of the API',
      400,
      '{"status":"error","errorType":"bad_data","error":"1:5: parse error: x"}',
      'bad_data',
      /1:5/,
    ],
    ['an error without words', 500, '{"status":"error"}', 'unknown', /answered 500/],
    ['a page of a proxy', 502, '<html>Bad Gateway</html>', 'not-json', /answered 502 with something that is no JSON$/],
    ['plain words', 404, '404 page not found\n', 'not-json', /404 page not found/],
    ['nothing', 200, '', 'not-json', /no JSON/],
    ['JSON that is cut off', 200, '{"status":"success","data":[', 'not-json', /no JSON/],
    ['JSON of something else', 200, '[1,2]', 'unknown', /answered 200/],
    ['null', 200, 'null', 'unknown', /answered 200/],
  ] as const) {
    test(what, () => {
      expect(() => openEnvelope(status, bytes(text))).toThrow(message);
      try {
        openEnvelope(status, bytes(text));
      } catch (thrown) {
        expect(thrown).toMatchObject({ kind, status });
      }
    });
  }

  test('no connection', async () => {
    answerWith(() => Promise.reject(new TypeError('Failed to fetch')));
    expect(await failureOf(fetchAnswer(url, {}))).toMatchObject({
      kind: 'network',
      message: 'the server cannot be reached (Failed to fetch)',
    });
  });

  test('an answer without end is given up at the limit, and its connection closed', async () => {
    let isCanceled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(300_000)),
      cancel: () => {
        isCanceled = true;
      },
    });
    answerWith(() => new Response(endless));
    expect(await failureOf(fetchAnswer(url, { limitBytes: 2 ** 20 }))).toMatchObject({
      kind: 'too-large',
      message: expect.stringContaining('larger than 1 MB'),
    });
    expect(isCanceled).toBe(true);
  });

  test('a connection that breaks half way', async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes('{"status":'));
        controller.error(new TypeError('network error'));
      },
    });
    answerWith(() => new Response(broken));
    expect(await failureOf(fetchAnswer(url, {}))).toMatchObject({
      kind: 'network',
      message: expect.stringContaining('broke'),
    });
  });

  test('a call that is given up is canceled, whatever it was waiting for', async () => {
    const controller = new AbortController();
    answerWith(() => {
      controller.abort();
      return Promise.reject(new DOMException('aborted', 'AbortError'));
    });
    expect(await failureOf(fetchAnswer(url, { signal: controller.signal }))).toMatchObject({ kind: 'canceled' });
  });
});

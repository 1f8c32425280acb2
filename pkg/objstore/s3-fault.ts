// What the S3 client threw, as a Fault: the status decides the kind, the server's own words go into the message.

import { faultOf } from '../async/deadline.ts';
import { Fault, type FaultKind, kindOf, messageOf } from '../errors/fault.ts';
import { RETRY_AFTER_FACT, THROTTLED_FACT } from './retry-policy.ts';
import { unescapeXml } from './s3-listing.ts';
import type { S3Exchange } from './s3-transport.ts';

const throttlingCodes: ReadonlySet<string> = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'TooManyRequests',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** A Fault whose facts carry the status, the server's code, and whether it found us too fast. */
export function s3Fault(what: string, thrown: unknown, exchange: S3Exchange): Fault {
  if (exchange.signal.aborted) return faultOf(exchange.signal);
  if (thrown instanceof Fault) {
    return new Fault(thrown.kind, `${what}: ${thrown.message}`, { cause: thrown, facts: thrown.facts });
  }
  const { status } = exchange;
  const code = xmlField(exchange.errorText, 'Code') || textOf((thrown as { code?: unknown }).code);
  if (status === 0 || (status >= 200 && status < 300)) {
    // No answer, or one that broke off: what the system says, and a connection problem when it says nothing known.
    const isTheirs = typeof (thrown as { code?: unknown }).code === 'string' || (thrown as Error).name === 'S3Error';
    const kind = kindOf(thrown) === 'internal' && isTheirs ? 'unavailable' : kindOf(thrown);
    return new Fault(kind, `${what}: ${connectionText(thrown)}`, { cause: thrown });
  }
  const words = xmlField(exchange.errorText, 'Message') || messageOf(thrown);
  const isThrottled = status === 429 || throttlingCodes.has(code);
  return new Fault(kindOfStatus(status, code), `${what}: ${code === '' ? `status ${status}` : code}: ${words}`, {
    cause: thrown,
    facts: {
      status,
      ...(code === '' ? {} : { code }),
      ...(isThrottled ? { [THROTTLED_FACT]: true, [RETRY_AFTER_FACT]: exchange.retryAfterMs } : {}),
    },
  });
}

/** OpenSSL's words for a server that speaks plain HTTP help nobody. */
function connectionText(thrown: unknown): string {
  const isPlainServer =
    (thrown as { code?: unknown }).code === 'EPROTO' && /wrong version number/.test(messageOf(thrown));
  if (!isPlainServer) return messageOf(thrown);
  return 'the endpoint does not speak TLS: set insecure: true in the bucket configuration, or correct the endpoint';
}

function kindOfStatus(status: number, code: string): FaultKind {
  if (status === 404) return 'not-found';
  if (status === 401 || status === 403) return 'denied';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 408 || status === 429 || status >= 499 || code === 'RequestTimeout') return 'unavailable';
  return 'invalid';
}

function xmlField(xml: string, tag: string): string {
  return unescapeXml(new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

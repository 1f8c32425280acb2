// What the S3 client threw, as a Fault: the status decides the kind, the server's own words go into the message.

import { faultOf } from '../async/deadline.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { HttpExchange } from './http-transport.ts';
import { unescapeXml } from './s3-listing.ts';
import { statusFault } from './status-fault.ts';

const throttlingCodes: ReadonlySet<string> = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'TooManyRequests',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** A Fault whose facts carry the status, the server's code, and whether it found us too fast. */
export function s3Fault(what: string, thrown: unknown, exchange: HttpExchange): Fault {
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
  const words =
    (xmlField(exchange.errorText, 'Message') || messageOf(thrown)) + missingBucket(code, thrown, exchange.errorText);
  const isThrottled = throttlingCodes.has(code);
  return statusFault(what, { status, code, words, isThrottled, retryAfterMs: exchange.retryAfterMs, cause: thrown });
}

/** An operator who reads that some object cannot be written must see which bucket was asked for. */
function missingBucket(code: string, thrown: unknown, xml: string): string {
  // The client has parsed some answers itself, and spells their fields in lower case.
  const name = xmlField(xml, 'BucketName') || textOf((thrown as { bucketname?: unknown }).bucketname);
  return code === 'NoSuchBucket' && name !== '' ? ` (bucket ${JSON.stringify(name)})` : '';
}

/** OpenSSL's words for a server that speaks plain HTTP help nobody. */
function connectionText(thrown: unknown): string {
  const isPlainServer =
    (thrown as { code?: unknown }).code === 'EPROTO' && /wrong version number/.test(messageOf(thrown));
  if (!isPlainServer) return messageOf(thrown);
  return 'the endpoint does not speak TLS: set insecure: true in the bucket configuration, or correct the endpoint';
}

function xmlField(xml: string, tag: string): string {
  return unescapeXml(new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

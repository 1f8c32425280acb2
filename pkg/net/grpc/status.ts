// Fault kinds and gRPC status codes. A fault that came over the wire keeps its code in the fact `grpcCode`, so a proxy
// passes on the very code it got; a fault may also name the code it must leave under.

import { type Facts, Fault, type FaultKind, kindOf, messageOf } from '../../errors/fault.ts';

/** Codes by number, in the words that metrics and logs of the field use. */
export const CODE_NAMES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;

const codes: Readonly<Record<FaultKind, number>> = {
  invalid: 3,
  execution: 2,
  'not-found': 5,
  denied: 7,
  conflict: 6,
  limit: 8,
  timeout: 4,
  canceled: 1,
  unavailable: 14,
  corrupt: 15,
  unsupported: 12,
  internal: 13,
};

const kinds: readonly FaultKind[] = [
  'internal', // An OK that was thrown.
  'canceled',
  'execution',
  'invalid',
  'timeout',
  'not-found',
  'conflict',
  'denied',
  'limit',
  'execution', // FAILED_PRECONDITION
  'internal', // ABORTED: what the reference's gateway says of any failure before its first frame.
  'invalid', // OUT_OF_RANGE
  'unsupported',
  'internal',
  'unavailable',
  'corrupt',
  'denied', // UNAUTHENTICATED
];

/** The code a failure leaves under. */
export function codeOf(thrown: unknown): number {
  if (thrown instanceof Fault && typeof thrown.facts['grpcCode'] === 'number') return thrown.facts['grpcCode'];
  return codes[kindOf(thrown)];
}

/** A received status as a fault. 422 is what the reference uses for a spent limit. */
export function faultOfStatus(code: number, details: string, facts: Facts = {}): Fault {
  const kind = code === 422 ? 'limit' : (kinds[code] ?? 'internal');
  return new Fault(kind, details === '' ? codeName(code) : details, { facts: { ...facts, grpcCode: code } });
}

/** `NotFound` for 5; `Code(422)` for what has no name. */
export function codeName(code: number): string {
  return CODE_NAMES[code] ?? `Code(${code})`;
}

/** The text of a failure as it may travel in a trailer: well-formed, and short enough for any peer's header limit. */
export function detailsOf(thrown: unknown): string {
  const text = messageOf(thrown);
  const cut = text.length > 4096 ? `${text.slice(0, 4096)}...` : text;
  // A lone surrogate would make the percent-encoding of the trailer throw.
  return Buffer.from(cut, 'utf8').toString('utf8');
}

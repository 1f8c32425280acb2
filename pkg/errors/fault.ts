// How things fail: one error class with a closed list of kinds. Machines branch on the kind, people read the message,
// logs get the facts, and `cause` keeps the chain.

export type FaultKind =
  | 'invalid'
  | 'execution'
  | 'not-found'
  | 'denied'
  | 'conflict'
  | 'limit'
  | 'timeout'
  | 'canceled'
  | 'unavailable'
  | 'corrupt'
  | 'unsupported'
  | 'internal';

export type Facts = Readonly<Record<string, string | number | boolean>>;

export interface FaultOptions {
  readonly facts?: Facts;
  readonly cause?: unknown;
}

/** How many frames a stack has: V8's own, elsewhere a property like any other. */
const traces = Error as { stackTraceLimit?: number };

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly facts: Facts;

  /** Its stack is that of a cause that is a Fault already (stackOf): taking one costs more than all the rest. */
  constructor(kind: FaultKind, message: string, options: FaultOptions = {}) {
    const { stackTraceLimit } = traces;
    if (options.cause instanceof Fault) traces.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    traces.stackTraceLimit = stackTraceLimit;
    this.kind = kind;
    this.facts = options.facts ?? {};
  }
}

/** The kind of anything thrown. An abort is `canceled` (or `timeout`), a system error is mapped by its code, the rest is `internal`. */
export function kindOf(thrown: unknown): FaultKind {
  if (thrown instanceof Fault) return thrown.kind;
  if (thrown instanceof Error) {
    if (thrown.name === 'AbortError') return 'canceled';
    if (thrown.name === 'TimeoutError') return 'timeout';
    const code = (thrown as { code?: unknown }).code;
    if (typeof code === 'string') return systemKinds[code] ?? 'internal';
  }
  return 'internal';
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Where the first of the failures that led to this one came from; '' when nobody knows. */
export function stackOf(thrown: unknown): string {
  let found = '';
  for (let failure = thrown; failure instanceof Error; failure = failure.cause) {
    // What the system reports has no places.
    if (failure.stack?.includes('\n    at ')) found = failure.stack;
  }
  return found;
}

/**
 * Adds what we were doing to a failure: `during('upload block 01J', thrown)` is a Fault of the same kind whose message
 * reads `upload block 01J: <message>`. Throw what it returns.
 */
export function during(doing: string, thrown: unknown, facts: Facts = {}): Fault {
  const inner = thrown instanceof Fault ? thrown.facts : {};
  return new Fault(kindOf(thrown), `${doing}: ${messageOf(thrown)}`, { cause: thrown, facts: { ...inner, ...facts } });
}

const systemKinds: Readonly<Record<string, FaultKind>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EACCES: 'denied',
  EROFS: 'denied',
  EPERM: 'denied',
  EEXIST: 'conflict',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
  EHOSTUNREACH: 'unavailable',
  ENETUNREACH: 'unavailable',
  ENOSPC: 'unavailable',
  EDQUOT: 'unavailable',
  EFBIG: 'unavailable',
  ETIMEDOUT: 'timeout',
  UND_ERR_SOCKET: 'unavailable',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'canceled',
};

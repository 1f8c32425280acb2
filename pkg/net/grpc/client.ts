// Calls to one address: unary ones as promises, streams as async iterables that read ahead only a little.

import { Client, type ClientReadableStream, connectivityState, credentials, type ServiceError } from '@grpc/grpc-js';
import type { RequestContext } from '../../async/request.ts';
import { during, Fault, kindOf, messageOf } from '../../errors/fault.ts';
import type { Method } from '../../proto/method.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { ClientTls } from '../tls.ts';
import { type CallMetrics, callMetrics } from './call-metrics.ts';
import { metadataOf } from './metadata.ts';
import './quiet.ts';
import { codeOf, faultOfStatus } from './status.ts';

export interface GrpcClientConfig {
  /** `host:port`. */
  readonly address: string;
  readonly tls?: ClientTls;
}

export interface GrpcClientDeps {
  readonly metrics?: Metrics;
}

export interface CallOptions {
  /** The deadline, sent along; none when absent. */
  readonly timeoutMs?: number;
}

export type ConnectionState = 'idle' | 'connecting' | 'ready' | 'failing' | 'closed';

/** Frames kept for a reader that is busy, beside the few that grpc-js itself keeps. */
const READ_AHEAD_FRAMES = 2;

const identity = (bytes: Buffer): Buffer => bytes;

export class GrpcClient {
  readonly address: string;
  readonly #client: Client;
  readonly #calls: CallMetrics | undefined;

  /** Connects with the first call. */
  constructor(deps: GrpcClientDeps, config: GrpcClientConfig) {
    this.address = config.address;
    this.#calls = deps.metrics === undefined ? undefined : callMetrics(deps.metrics, 'client');
    const { tls } = config;
    this.#client = new Client(
      config.address,
      tls === undefined ? credentials.createInsecure() : credentials.createSsl(tls.ca, tls.key, tls.cert),
      {
        'grpc.max_receive_message_length': 2 ** 31 - 1,
        'grpc.max_send_message_length': 2 ** 31 - 1,
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc-node.flow_control_window': 4 << 20,
        'grpc.enable_retries': 0,
        'grpc.enable_channelz': 0,
        // Stores are peers on an internal network, and a proxy from the environment would swallow loopback addresses.
        'grpc.enable_http_proxy': 0,
        'grpc.service_config_disable_resolution': 1,
        // A connection belongs to its client, and ends with it.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.initial_reconnect_backoff_ms': 500,
        'grpc.max_reconnect_backoff_ms': 5_000,
        ...(tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
      },
    );
  }

  /** The state of the connection as it is now; asking does not connect. */
  get state(): ConnectionState {
    switch (this.#client.getChannel().getConnectivityState(false)) {
      case connectivityState.IDLE:
        return 'idle';
      case connectivityState.CONNECTING:
        return 'connecting';
      case connectivityState.READY:
        return 'ready';
      case connectivityState.TRANSIENT_FAILURE:
        return 'failing';
      default:
        return 'closed';
    }
  }

  /** Connects. Throws `unavailable` when there is no connection within the time. */
  waitForReady(request: RequestContext, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(abortFault(request.signal));
      if (request.signal.aborted) return aborted();
      request.signal.addEventListener('abort', aborted, { once: true });
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        request.signal.removeEventListener('abort', aborted);
        if (error === undefined) resolve();
        else reject(new Fault('unavailable', `connect to ${this.address}: ${error.message}`, { cause: error }));
      });
    });
  }

  /** One message there, one back. The deadline and the signal end it. */
  async unary<Request, Response, RequestInit, ResponseInit>(
    request: RequestContext,
    method: Method<Request, Response, RequestInit, ResponseInit>,
    message: RequestInit,
    options: CallOptions = {},
  ): Promise<Response> {
    const { signal } = request;
    if (signal.aborted) throw abortFault(signal);
    const done = this.#calls?.begin(method);
    let cancel: (() => void) | undefined;
    try {
      const encoded = method.request.encode(message);
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        const call = withoutStacks(() =>
          this.#client.makeUnaryRequest<Buffer, Buffer>(
            method.path,
            identity,
            identity,
            encoded,
            metadataOf(request),
            deadlineOf(options),
            (error, answer) => {
              if (error === null && answer !== undefined) resolve(answer);
              else reject(error ?? new Fault('internal', `${method.path} ended without an answer`));
            },
          ),
        );
        cancel = () => call.cancel();
        signal.addEventListener('abort', cancel, { once: true });
      });
      this.#calls?.sent(method);
      this.#calls?.received(method);
      const answer = decodeAnswer(method, bytes);
      done?.(0);
      return answer;
    } catch (thrown) {
      const fault = this.#faultOf(thrown, signal);
      done?.(codeOf(fault));
      throw fault;
    } finally {
      if (cancel !== undefined) signal.removeEventListener('abort', cancel);
    }
  }

  /**
   * One message there, any number back. Nothing is sent before the first pull; a reader that leaves early cancels the
   * call, and one that is slow slows the sender down. Each answer is the reader's.
   */
  async *stream<Request, Response, RequestInit, ResponseInit>(
    request: RequestContext,
    method: Method<Request, Response, RequestInit, ResponseInit>,
    message: RequestInit,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    const { signal } = request;
    if (signal.aborted) throw abortFault(signal);
    const done = this.#calls?.begin(method);
    // A reader that leaves early is a cancelled call.
    let code = 1;
    const call = this.#client.makeServerStreamRequest<Buffer, Buffer>(
      method.path,
      identity,
      identity,
      method.request.encode(message),
      metadataOf(request),
      deadlineOf(options),
    );
    this.#calls?.sent(method);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const bytes of framesOf(call)) {
        this.#calls?.received(method);
        yield decodeAnswer(method, bytes);
      }
      code = 0;
    } catch (thrown) {
      const fault = this.#faultOf(thrown, signal);
      code = codeOf(fault);
      throw fault;
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
      done?.(code);
    }
  }

  /** Ends the connection; calls in flight fail. */
  close(): void {
    this.#client.close();
  }

  #faultOf(thrown: unknown, signal: AbortSignal): Fault {
    if (thrown instanceof Fault) return thrown;
    if (signal.aborted) return abortFault(signal);
    const { code, details } = thrown as Partial<ServiceError>;
    if (typeof code !== 'number') return new Fault('internal', messageOf(thrown), { cause: thrown });
    return faultOfStatus(code, plainDetails(details ?? ''), { address: this.address });
  }
}

/** The messages of a call as they come, with a bounded queue between socket and reader. */
async function* framesOf(call: ClientReadableStream<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let queue: Buffer[] = [];
  let ended = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const nudge = (): void => {
    wake?.();
    wake = undefined;
  };
  call.on('data', (bytes: Buffer) => {
    if (queue.push(bytes) >= READ_AHEAD_FRAMES) call.pause();
    nudge();
  });
  call.on('error', (error) => {
    failure ??= error;
    nudge();
  });
  call.on('end', () => {
    ended = true;
    nudge();
  });
  for (;;) {
    if (queue.length > 0) {
      const batch = queue;
      queue = [];
      yield* batch;
      call.resume();
    } else if (failure !== undefined) throw failure;
    else if (ended) return;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

function decodeAnswer<Request, Response, RequestInit, ResponseInit>(
  method: Method<Request, Response, RequestInit, ResponseInit>,
  bytes: Buffer,
): Response {
  try {
    return method.response.decode(bytes);
  } catch (thrown) {
    throw during('decode answer', thrown, { method: method.path });
  }
}

/**
 * grpc-js takes the stack of every call, to show it should the call fail: some tens of microseconds for what would only
 * ever name this file.
 */
function withoutStacks<T>(begin: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return begin();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function deadlineOf({ timeoutMs }: CallOptions): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Why a caller's signal aborted, as a fault. */
function abortFault(signal: AbortSignal): Fault {
  const { reason } = signal;
  if (reason instanceof Fault) return reason;
  return new Fault(kindOf(reason) === 'timeout' ? 'timeout' : 'canceled', messageOf(reason), { cause: reason });
}

/** Without what the library has no words for: of a peer that cannot be reached it tells an empty note, and that an error is one. */
function plainDetails(details: string): string {
  return details.replace('. Last error: Error: ', ': ').replace(/\.? Resolution note: *$/, '');
}

// A service as a value: methods with their handlers, ready to be put on a server. Handlers know messages and faults, and
// nothing of gRPC.

import type { RequestContext } from '../../async/request.ts';
import type { Method } from '../../proto/method.ts';

/** Messages that answer a call one after the other are pulled at the reader's pace; `return()` when it leaves. */
export type StreamHandler<Request, ResponseInit> = (
  request: RequestContext,
  message: Request,
) => AsyncIterable<ResponseInit>;

export type UnaryHandler<Request, ResponseInit> = (request: RequestContext, message: Request) => Promise<ResponseInit>;

/** A method and what answers it. The message types are forgotten here: method and handler were checked against each other. */
export interface BoundMethod {
  readonly method: Method<unknown, unknown, never, unknown>;
  readonly handle:
    | { readonly kind: 'unary'; readonly call: UnaryHandler<unknown, unknown> }
    | { readonly kind: 'server-stream'; readonly call: StreamHandler<unknown, unknown> };
}

export interface GrpcService {
  /** `package.Service`. */
  readonly name: string;
  readonly methods: readonly BoundMethod[];
}

/** A method of a service that answers with one message, with who answers it. */
export function bindUnary<Request, Response, RequestInit, ResponseInit>(
  method: Method<Request, Response, RequestInit, ResponseInit>,
  call: UnaryHandler<Request, ResponseInit>,
): BoundMethod {
  return { method: method as never, handle: { kind: 'unary', call: call as UnaryHandler<unknown, unknown> } };
}

/** A method of a service that answers with a stream, with who answers it. */
export function bindStream<Request, Response, RequestInit, ResponseInit>(
  method: Method<Request, Response, RequestInit, ResponseInit>,
  call: StreamHandler<Request, ResponseInit>,
): BoundMethod {
  return { method: method as never, handle: { kind: 'server-stream', call: call as StreamHandler<unknown, unknown> } };
}

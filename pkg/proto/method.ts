// One call of a service: its path, whether the answer is a stream, and how both messages become bytes.

import type { Codec, Init } from './codec.ts';

export interface Method<Request, Response, RequestInit = Init<Request>, ResponseInit = Init<Response>> {
  /** `/package.Service/Name`. */
  readonly path: string;
  readonly kind: 'unary' | 'server-stream';
  readonly request: Codec<Request, RequestInit>;
  readonly response: Codec<Response, ResponseInit>;
}

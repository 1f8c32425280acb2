// The three parts of undici that we use. Its index also loads its fetch, WebSocket, caches, mocks and proxies, which
// cost every sidecar some megabytes for nothing. The parts have no public path, so package.json holds the version fast.

import { createRequire } from 'node:module';
import type { Agent as AgentType, Dispatcher, interceptors } from 'undici';

const require = createRequire(import.meta.url);

/** Pools of connections by origin. */
export const Agent = require('undici/lib/dispatcher/agent.js') as typeof AgentType;

const requestMethod = require('undici/lib/api/api-request.js') as Dispatcher['request'];

/** Follows redirects of the requests that go through a composed dispatcher. */
export const redirect = require('undici/lib/interceptor/redirect.js') as typeof interceptors.redirect;

/** One request through `dispatcher`; resolves with the head of the answer. */
export function request(dispatcher: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
  return requestMethod.call(dispatcher, options) as Promise<Dispatcher.ResponseData>;
}

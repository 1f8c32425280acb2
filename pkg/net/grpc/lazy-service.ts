// Services whose library is loaded with their first call: health and reflection bring a parser of protocol files along,
// which costs a server that nobody asks such things a quarter of its memory and half of its start.

import type { MethodDefinition, Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { Fault } from '../../errors/fault.ts';

/** The part of a server that libraries add themselves to. */
export type ServiceTaker = Pick<Server, 'addService'>;

export interface LazyMethod {
  /** `/package.Service/Method` */
  readonly path: string;
  /** Both directions, or the answers only, are streams. */
  readonly kind: 'unary' | 'server-stream' | 'bidi-stream';
}

interface Loaded {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handler: (...call: unknown[]) => void;
}

/** Adds the methods to the server. With the first call `load` adds the library's own services to what it is given. */
export function addLazyServices(
  server: ServiceTaker,
  methods: readonly LazyMethod[],
  load: (taker: ServiceTaker) => void,
): void {
  let loaded: Map<string, Loaded> | undefined;
  const of = (path: string): Loaded => {
    loaded ??= collect(load);
    const found = loaded.get(path);
    if (found === undefined) throw new Fault('internal', `${path} is not part of its library`);
    return found;
  };
  for (const { path, kind } of methods) {
    const definition: MethodDefinition<unknown, unknown> = {
      path,
      requestStream: kind === 'bidi-stream',
      responseStream: kind !== 'unary',
      requestSerialize: (value) => of(path).definition.requestSerialize(value),
      requestDeserialize: (bytes) => of(path).definition.requestDeserialize(bytes),
      responseSerialize: (value) => of(path).definition.responseSerialize(value),
      responseDeserialize: (bytes) => of(path).definition.responseDeserialize(bytes),
    };
    const handler = (...call: unknown[]): void => of(path).handler(...call);
    server.addService(
      { [path]: definition } as ServiceDefinition,
      { [path]: handler } as unknown as UntypedServiceImplementation,
    );
  }
}

/** What the library would have added to a server, by path. */
function collect(load: (taker: ServiceTaker) => void): Map<string, Loaded> {
  const found = new Map<string, Loaded>();
  load({
    addService(definitions, handlers) {
      for (const [name, definition] of Object.entries(definitions)) {
        // A library names its handlers as the method, or with a small first letter.
        const handler = handlers[name] ?? handlers[name[0].toLowerCase() + name.slice(1)];
        found.set(definition.path, {
          definition: definition as MethodDefinition<unknown, unknown>,
          handler: (handler as (...call: unknown[]) => void).bind(handlers),
        });
      }
    },
  });
  return found;
}

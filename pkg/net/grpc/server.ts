// A grpc-js server as a component: our services, health, reflection, and a stop that is bounded in time.

import { createRequire } from 'node:module';
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import { Fault, messageOf } from '../../errors/fault.ts';
import type { Component, Host } from '../../lifecycle/component.ts';
import { allFileDescriptors } from '../../proto/descriptors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { ServerTls } from '../tls.ts';
import { type CallMetrics, callMetrics } from './call-metrics.ts';
import { CallScope } from './call-scope.ts';
import { addLazyServices, type LazyMethod, type ServiceTaker } from './lazy-service.ts';
import type { BoundMethod, GrpcService } from './service.ts';
import './quiet.ts';
import { codeOf, detailsOf } from './status.ts';
import { writeAll } from './write-all.ts';

export interface GrpcServerDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly services: readonly GrpcService[];
}

export interface GrpcServerConfig {
  /** `host:port`; port 0 takes a free one, an empty host means every interface. */
  readonly address: string;
  /** How long calls in flight may take to end after stop. */
  readonly gracePeriodMs: number;
  /** Connections older than this are asked to reconnect. 0 means never. */
  readonly maxConnectionAgeMs: number;
  readonly tls?: ServerTls;
}

/** Frames of many megabytes are normal between stores: the limit is the format's own. */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;
export const FLOW_CONTROL_WINDOW_BYTES = 4 << 20;

const identity = (bytes: Buffer): Buffer => bytes;

/** Names the flag, as the HTTP server does. */
function listenFault(address: string, error: Error): Fault {
  const isTaken = error.message.includes('EADDRINUSE');
  const why = isTaken
    ? 'address already in use, choose another with --grpc-address'
    : `${error.message} (--grpc-address)`;
  return new Fault(isTaken ? 'conflict' : 'unavailable', `listen on ${address} for gRPC: ${why}`, { cause: error });
}
/** Loads at once, as a handler must: it runs with the first call of the services below and never again. */
const require = createRequire(import.meta.url);

const healthMethods: readonly LazyMethod[] = [
  { path: '/grpc.health.v1.Health/Check', kind: 'unary' },
  { path: '/grpc.health.v1.Health/Watch', kind: 'server-stream' },
  { path: '/grpc.health.v1.Health/List', kind: 'unary' },
];
const reflectionMethods: readonly LazyMethod[] = ['v1', 'v1alpha'].map((version) => ({
  path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  kind: 'bidi-stream',
}));

export class GrpcServer implements Component {
  readonly name = 'grpc';
  readonly #deps: GrpcServerDeps;
  readonly #config: GrpcServerConfig;
  readonly #server: Server;
  /** Undefined until somebody asks for the health. */
  #health: HealthImplementation | undefined;
  #isServing = false;
  readonly #calls: CallMetrics;
  readonly #open = new Set<CallScope>();
  #port = 0;

  constructor(deps: GrpcServerDeps, config: GrpcServerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#calls = callMetrics(deps.metrics, 'server');
    this.#server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
      'grpc.enable_channelz': 0,
      ...(config.maxConnectionAgeMs > 0 ? { 'grpc.max_connection_age_ms': config.maxConnectionAgeMs } : {}),
    });
    for (const service of deps.services) this.#addService(service);
    addLazyServices(this.#server, healthMethods, (taker) => this.#addHealth(taker));
    this.#panics().inc(0);
    addLazyServices(this.#server, reflectionMethods, (taker) => this.#addReflection(taker));
  }

  /** The port in use; 0 before start. */
  get port(): number {
    return this.#port;
  }

  /** Listens, and answers health checks with SERVING from then on. */
  async start(_host: Host): Promise<void> {
    const { tls } = this.#config;
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            tls.clientCa ?? null,
            [{ cert_chain: tls.cert, private_key: tls.key }],
            tls.clientCa !== undefined,
          );
    this.#port = await this.#listen(credentials);
    this.setServing(true);
    this.#deps.logger.info('listening for gRPC', { address: this.#config.address, port: this.#port });
  }

  /** Tells health checks whether the process is ready. */
  setServing(serving: boolean): void {
    this.#isServing = serving;
    this.#health?.setStatus('', statusOf(serving));
  }

  /** Takes no new calls; those in flight are aborted when the grace period is over. */
  async stop(): Promise<void> {
    this.setServing(false);
    if (this.#port === 0) {
      this.#server.forceShutdown();
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const scope of this.#open) scope.abort(new Fault('unavailable', 'server is stopping'));
        this.#server.forceShutdown();
        resolve();
      }, this.#config.gracePeriodMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#port = 0;
  }

  async #listen(credentials: ServerCredentials): Promise<number> {
    const { address } = this.#config;
    if (!address.startsWith(':')) return this.#bind(address, credentials);
    try {
      return await this.#bind(`[::]${address}`, credentials);
    } catch {
      // A machine without IPv6.
      return this.#bind(`0.0.0.0${address}`, credentials);
    }
  }

  #bind(address: string, credentials: ServerCredentials): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(listenFault(address, error));
      });
    });
  }

  #addService(service: GrpcService): void {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: UntypedServiceImplementation = {};
    for (const bound of service.methods) {
      const name = bound.method.path.slice(bound.method.path.lastIndexOf('/') + 1);
      definition[name] = {
        path: bound.method.path,
        requestStream: false,
        responseStream: bound.handle.kind === 'server-stream',
        // Messages are decoded and encoded in the handlers below, so that bad bytes are counted and answered like
        // any other failure.
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      };
      this.#calls.declare(bound.method);
      handlers[name] = bound.handle.kind === 'unary' ? this.#unary(bound) : this.#stream(bound);
    }
    this.#server.addService(definition as ServiceDefinition, handlers);
  }

  #unary({ method, handle }: BoundMethod) {
    if (handle.kind !== 'unary') throw new Fault('internal', `broken invariant: ${method.path} is no unary call`);
    return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      const scope = this.#enter(method, call);
      const run = async (): Promise<Buffer> => {
        const message = decodeRequest(() => method.request.decode(call.request));
        return method.response.encode(await handle.call(scope.request, message));
      };
      run().then(
        (bytes) => {
          this.#calls.sent(method);
          scope.end(0);
          callback(null, bytes);
        },
        (thrown) => callback(this.#failed(scope, method, thrown)),
      );
    };
  }

  #stream({ method, handle }: BoundMethod) {
    if (handle.kind !== 'server-stream') throw new Fault('internal', `broken invariant: ${method.path} is no stream`);
    return (call: ServerWritableStream<Buffer, Buffer>): void => {
      const scope = this.#enter(method, call);
      const run = async (): Promise<void> => {
        const message = decodeRequest(() => method.request.decode(call.request));
        const answers = handle.call(scope.request, message);
        await writeAll(call, scope, answers, (answer) => {
          this.#calls.sent(method);
          return method.response.encode(answer);
        });
      };
      run().then(
        () => {
          scope.end(0);
          call.end();
        },
        (thrown) => {
          call.emit('error', this.#failed(scope, method, thrown));
        },
      );
    };
  }

  #enter(method: BoundMethod['method'], call: ConstructorParameters<typeof CallScope>[0]): CallScope {
    const done = this.#calls.begin(method);
    this.#calls.received(method);
    const scope = new CallScope(call, (code) => {
      this.#open.delete(scope);
      done(code);
    });
    this.#open.add(scope);
    return scope;
  }

  /** The status of a failure; logged here when it is our bug, since nobody else will see the stack. */
  #failed(scope: CallScope, method: BoundMethod['method'], thrown: unknown): { code: number; details: string } {
    const code = scope.codeOfAbort() ?? codeOf(thrown);
    if (!(thrown instanceof Fault) && scope.codeOfAbort() === undefined) {
      this.#panics().inc();
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.#deps.logger.error('call threw', { method: method.path, error: messageOf(thrown), stack });
    } else if (code !== 1) {
      this.#deps.logger.debug('call failed', { method: method.path, code, error: messageOf(thrown) });
    }
    scope.end(code);
    return { code, details: detailsOf(thrown) };
  }

  #panics() {
    return this.#deps.metrics.counter('grpc_req_panics_recovered_total', 'Total number of gRPC calls that threw.');
  }

  #addHealth(taker: ServiceTaker): void {
    const library = require('grpc-health-check') as typeof import('grpc-health-check');
    this.#health = new library.HealthImplementation({ '': statusOf(this.#isServing) });
    this.#health.addToServer(taker as never);
  }

  #addReflection(taker: ServiceTaker): void {
    const { ReflectionService } = require('@grpc/reflection') as typeof import('@grpc/reflection');
    const { loadSync } = require('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
    const { protoPath } = require('grpc-health-check') as typeof import('grpc-health-check');
    const services = this.#deps.services.map(({ name }) => name);
    const files = {
      ours: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos: allFileDescriptors() },
    };
    const definition = { ...files, ...loadSync(protoPath) };
    new ReflectionService(definition as never, { services: [...services, 'grpc.health.v1.Health'] }).addToServer(
      taker as never,
    );
  }
}

function statusOf(isServing: boolean): 'SERVING' | 'NOT_SERVING' {
  return isServing ? 'SERVING' : 'NOT_SERVING';
}

/** Bytes that are no request are the caller's bug and, as in every gRPC server, INTERNAL. */
function decodeRequest<T>(decode: () => T): T {
  try {
    return decode();
  } catch (thrown) {
    throw new Fault('internal', `decode request: ${messageOf(thrown)}`, { cause: thrown });
  }
}

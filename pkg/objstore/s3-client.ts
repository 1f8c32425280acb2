// The minio client with what it lacks: the choice of host style, dual-stack hosts, headers of customer keys, and keys
// that change while it runs.

import { Client } from 'minio';
import type { HttpTransport } from './http-transport.ts';
import { type S3Endpoint, s3Address } from './s3-address.ts';
import type { S3Credentials } from './s3-keys.ts';

export interface S3ClientConfig {
  readonly endpoint: S3Endpoint;
  readonly port: number | undefined;
  /** '' = asked from the server. */
  readonly region: string;
  /** Sent with whatever reads or writes the bytes of an object. */
  readonly objectHeaders: Readonly<Record<string, string>>;
}

type AskedRequest = Parameters<Client['getRequestOptions']>[0];
type BuiltRequest = ReturnType<Client['getRequestOptions']>;

export class S3Client extends Client {
  readonly #config: S3ClientConfig;
  #credentials: S3Credentials = { accessKey: '', secretKey: '', sessionToken: '' };

  constructor(transport: HttpTransport, config: S3ClientConfig) {
    super({
      endPoint: config.endpoint.host,
      port: config.port,
      useSSL: !config.endpoint.isInsecure,
      region: config.region === '' ? undefined : config.region,
      // Replaced before the first request; without any the client would leave requests unsigned.
      accessKey: 'none',
      secretKey: 'none',
      pathStyle: true,
      transport,
      transportAgent: transport.agent,
      retryOptions: { disableRetry: true },
    });
    this.#config = config;
  }

  /** Whether bodies must be summed before they are sent: plain HTTP protects them by nothing else. */
  get sumsBodies(): boolean {
    return this.enableSHA256;
  }

  /** What the last request was signed with. */
  get credentials(): S3Credentials {
    return this.#credentials;
  }

  /** The keys that requests from now on are signed with. */
  signWith(credentials: S3Credentials): void {
    this.#credentials = credentials;
    this.accessKey = credentials.accessKey;
    this.secretKey = credentials.secretKey;
    this.sessionToken = credentials.sessionToken === '' ? undefined : credentials.sessionToken;
  }

  protected override getRequestOptions(asked: AskedRequest): BuiltRequest {
    const bucket = asked.bucketName ?? '';
    const headers = movesBytes(asked) ? { ...asked.headers, ...this.#config.objectHeaders } : asked.headers;
    const built = super.getRequestOptions({ ...asked, headers, pathStyle: true });
    const { host, isVirtual } = s3Address(this.#config.endpoint, bucket, asked.region);
    const inPath = `/${bucket}`;
    const rest = isVirtual ? built.path.slice(inPath.length) : built.path;
    const path = rest.startsWith('/') ? rest : `/${rest}`;
    return { ...built, host, path, headers: { ...built.headers, host: this.#hostHeader(host) } };
  }

  #hostHeader(host: string): string {
    const usual = this.#config.endpoint.isInsecure ? 80 : 443;
    const named = host.includes(':') ? `[${host}]` : host;
    return this.port === usual ? named : `${named}:${this.port}`;
  }
}

/** Reading, looking at and writing an object, its parts too; not completing, dropping, deleting or listing. */
function movesBytes({ method, objectName, query }: AskedRequest): boolean {
  if (objectName === undefined || objectName === '' || method === 'DELETE') return false;
  return method !== 'POST' || (query ?? '').startsWith('uploads');
}

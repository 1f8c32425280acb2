// Where the keys of S3 requests come from. Keys of the bucket file are used as they are; without them the places below
// are looked through in turn, and keys that expire are fetched anew in time.
//
//   environment -> shared files and their profiles -> role: token file at STS, container, instance

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Clock, systemClock } from '../async/clock.ts';
import { orAbort } from '../async/deadline.ts';
import { during, Fault } from '../errors/fault.ts';
import { type AwsProfile, readAwsProfile } from './aws-profile.ts';
import { type RoleOptions, roleCredentials } from './aws-role.ts';
import type { Env, ExpiringCredentials, S3Credentials } from './s3-keys.ts';

/** Gives the keys that are good now. Rejects with `denied` when there are none, `unavailable` when nobody answers. */
export interface S3CredentialSource {
  current(signal: AbortSignal): Promise<S3Credentials>;
}

export interface CredentialSearch {
  readonly env: Env;
  /** `sts_endpoint`; '' = by region. */
  readonly stsEndpoint: string;
  /** `aws_sdk_auth`: a token file comes before the shared files then, and their profiles may name one. */
  readonly isSdkOrder: boolean;
  readonly clock?: Clock;
}

/** Keys that never change. */
export function fixedCredentials(credentials: S3Credentials): S3CredentialSource {
  return { current: async () => credentials };
}

/**
 * Looks where keys may come from; files are read, nothing is sent yet. `invalid` when nothing is there to be asked, and
 * `unsupported` for a profile that wants what we do not have.
 */
export async function findCredentials(search: CredentialSearch): Promise<S3CredentialSource> {
  const { env, isSdkOrder } = search;
  const accessKey = env['AWS_ACCESS_KEY_ID'] || env['AWS_ACCESS_KEY'] || '';
  const secretKey = env['AWS_SECRET_ACCESS_KEY'] || env['AWS_SECRET_KEY'] || '';
  if (accessKey !== '' && secretKey !== '') {
    return fixedCredentials({ accessKey, secretKey, sessionToken: env['AWS_SESSION_TOKEN'] ?? '' });
  }
  const role = (options: Omit<RoleOptions, 'env' | 'stsEndpoint'> = {}): S3CredentialSource =>
    new RefreshedCredentials(
      (signal) => roleCredentials(signal, { ...options, env, stsEndpoint: search.stsEndpoint }),
      search.clock,
    );
  const hasToken = (env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '') !== '';
  if (isSdkOrder && hasToken) return role();
  const profile = await readAwsProfile(env);
  const found = profile === undefined ? undefined : fromProfile(profile, search, role);
  if (found !== undefined) return found;
  if (env['AWS_EC2_METADATA_DISABLED'] === 'true' && !hasToken && !namesContainer(env)) {
    throw new Fault('invalid', `no S3 credentials: set access_key and secret_key, or ${PLACES}`);
  }
  return role();
}

const PLACES =
  'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in the shared credentials file, or run where a role is given';

function namesContainer(env: Env): boolean {
  return (
    (env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] ?? '') !== '' ||
    (env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '') !== ''
  );
}

function fromProfile(
  profile: AwsProfile,
  search: CredentialSearch,
  role: (options: Omit<RoleOptions, 'env' | 'stsEndpoint'>) => S3CredentialSource,
): S3CredentialSource | undefined {
  const { accessKey, secretKey, command, roleArn, tokenFile } = profile;
  if (search.isSdkOrder && roleArn !== '') {
    if (tokenFile !== '') return role({ roleArn, tokenFile });
    const way = profile.hasSso ? 'SSO' : 'a role assumed from another profile';
    throw new Fault('unsupported', `profile ${profile.name}: ${way} is not supported: use a token file or keys`);
  }
  if (search.isSdkOrder && profile.hasSso) {
    throw new Fault('unsupported', `profile ${profile.name}: SSO is not supported: use a token file or keys`);
  }
  if (accessKey !== '' && secretKey !== '') {
    return fixedCredentials({ accessKey, secretKey, sessionToken: profile.sessionToken });
  }
  if (command === '') return undefined;
  return new RefreshedCredentials((signal) => fromCommand(signal, command, search.env), search.clock);
}

/** `credential_process`: a command that prints keys as JSON. */
async function fromCommand(signal: AbortSignal, command: string, env: Env): Promise<ExpiringCredentials> {
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { signal, env: { ...env } });
    const said = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    const accessKey = said['AccessKeyId'];
    const secretKey = said['SecretAccessKey'];
    if (typeof accessKey !== 'string' || typeof secretKey !== 'string') throw new Fault('denied', 'it printed no keys');
    return {
      accessKey,
      secretKey,
      sessionToken: typeof said['SessionToken'] === 'string' ? said['SessionToken'] : '',
      ...(typeof said['Expiration'] === 'string' ? { expiresAt: Date.parse(said['Expiration']) } : {}),
    };
  } catch (thrown) {
    const reason = thrown instanceof Fault ? thrown : new Fault('denied', 'it failed', { cause: thrown });
    throw during('run credential_process', reason);
  }
}

/** Keys this close to their end are fetched anew, while the old ones still serve. */
const EARLY_MS = 5 * 60_000;
/** Between two tries while the old keys still serve. */
const PAUSE_MS = 10_000;
const FETCH_TIMEOUT_MS = 15_000;

class RefreshedCredentials implements S3CredentialSource {
  readonly #fetch: (signal: AbortSignal) => Promise<ExpiringCredentials>;
  readonly #clock: Clock;
  #held: ExpiringCredentials | undefined;
  #fetching: Promise<ExpiringCredentials> | undefined;
  #nextTryAt = Number.NEGATIVE_INFINITY;

  constructor(fetch: (signal: AbortSignal) => Promise<ExpiringCredentials>, clock: Clock = systemClock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  async current(signal: AbortSignal): Promise<S3Credentials> {
    const now = this.#clock.now();
    const left = this.#held === undefined ? 0 : (this.#held.expiresAt ?? Number.POSITIVE_INFINITY) - now;
    if (this.#held !== undefined && (left > EARLY_MS || (left > 0 && now < this.#nextTryAt))) return this.#held;
    // One fetch serves all who wait; it does not end with the first of them.
    this.#fetching ??= this.#refresh();
    const fetching = this.#fetching;
    if (this.#held === undefined || left <= 0) return await orAbort(fetching, signal);
    fetching.catch(() => {}); // Told when the old keys are over.
    return this.#held;
  }

  async #refresh(): Promise<ExpiringCredentials> {
    this.#nextTryAt = this.#clock.now() + PAUSE_MS;
    try {
      this.#held = await this.#fetch(AbortSignal.timeout(FETCH_TIMEOUT_MS));
      return this.#held;
    } finally {
      this.#fetching = undefined;
    }
  }
}

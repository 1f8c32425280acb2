// Keys of a role, from whoever gives them where we run: STS for a token file, the agent of a container, the metadata
// service of an instance (version 2, or 1 where that is all there is).

import { readFile } from 'node:fs/promises';
import { during, Fault, messageOf } from '../errors/fault.ts';
import type { Env, ExpiringCredentials } from './s3-keys.ts';
import { unescapeXml } from './s3-listing.ts';

export interface RoleOptions {
  readonly env: Env;
  /** '' = Amazon's, by region. */
  readonly stsEndpoint: string;
  /** From a profile; the environment's otherwise. */
  readonly roleArn?: string;
  readonly tokenFile?: string;
}

const CONTAINER_HOST = 'http://169.254.170.2';
const INSTANCE_HOST = 'http://169.254.169.254';
const ROLES_PATH = '/latest/meta-data/iam/security-credentials/';
/** Off the cloud nobody answers at the instance's address, and nobody says no. */
const INSTANCE_TIMEOUT_MS = 1000;

/** Asks the first of them that the environment names. `denied` when it gives no keys, `unavailable` when none answers. */
export async function roleCredentials(signal: AbortSignal, options: RoleOptions): Promise<ExpiringCredentials> {
  const { env } = options;
  const tokenFile = options.tokenFile ?? env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '';
  if (tokenFile !== '') return await fromTokenFile(signal, options, tokenFile);
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] ?? '';
  const full = relative === '' ? (env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '') : CONTAINER_HOST + relative;
  if (full !== '') return await fromContainer(signal, env, full);
  return await fromInstance(signal, env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || INSTANCE_HOST);
}

async function fromTokenFile(signal: AbortSignal, options: RoleOptions, path: string): Promise<ExpiringCredentials> {
  const { env, stsEndpoint } = options;
  // Read each time: the platform replaces it before it expires.
  const token = await readText('AWS_WEB_IDENTITY_TOKEN_FILE', path);
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || '';
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const endpoint =
    stsEndpoint || env['AWS_ENDPOINT_URL_STS'] || `https://sts.${region === '' ? '' : `${region}.`}${domain}`;
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: options.roleArn ?? env['AWS_ROLE_ARN'] ?? '',
    RoleSessionName: env['AWS_ROLE_SESSION_NAME'] || `tributary-${Date.now()}`,
    WebIdentityToken: token.trim(),
  });
  const xml = await ask('the token service', signal, endpoint.includes('://') ? endpoint : `https://${endpoint}`, {
    method: 'POST',
    body,
  });
  const field = (tag: string) => unescapeXml(new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? '');
  return checked('the token service', {
    AccessKeyId: field('AccessKeyId'),
    SecretAccessKey: field('SecretAccessKey'),
    Token: field('SessionToken'),
    Expiration: field('Expiration'),
  });
}

async function fromContainer(signal: AbortSignal, env: Env, url: string): Promise<ExpiringCredentials> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] ?? '';
  const token =
    file === ''
      ? (env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? '')
      : (await readText('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', file)).trim();
  const headers: Record<string, string> = token === '' ? {} : { authorization: token };
  return jsonKeys('the container agent', await ask('the container agent', signal, url, { headers }));
}

async function fromInstance(signal: AbortSignal, host: string): Promise<ExpiringCredentials> {
  const who = 'the instance metadata service';
  const limit = AbortSignal.any([signal, AbortSignal.timeout(INSTANCE_TIMEOUT_MS)]);
  const base = host.replace(/\/$/, '');
  let headers: Record<string, string> = {};
  try {
    const token = await ask(who, limit, `${base}/latest/api/token`, {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
    });
    headers = { 'x-aws-ec2-metadata-token': token };
  } catch (thrown) {
    // Version 1 knows no tokens and says so; where nobody answers there is no version 1 either.
    if (!(thrown instanceof Fault) || thrown.facts['status'] === undefined) {
      throw new Fault('denied', `no S3 credentials: none are set, and ${messageOf(thrown)}`, { cause: thrown });
    }
  }
  const role = (await ask(who, limit, base + ROLES_PATH, { headers })).split(/\r?\n/)[0].trim();
  if (role === '') throw new Fault('denied', `no S3 credentials: none are set, and this instance has no role`);
  return jsonKeys(who, await ask(who, limit, `${base}${ROLES_PATH}${encodeURIComponent(role)}`, { headers }));
}

async function ask(who: string, signal: AbortSignal, url: string, init: RequestInit): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, signal, redirect: 'error' });
    text = await response.text();
  } catch (thrown) {
    throw new Fault('unavailable', `${who} does not answer at ${new URL(url).host}`, { cause: thrown });
  }
  if (response.ok) return text;
  const said = /<Message>([^<]*)/.exec(text)?.[1] ?? text.slice(0, 200);
  const kind = response.status >= 500 ? 'unavailable' : 'denied';
  throw new Fault(kind, `${who} says ${response.status}: ${said}`, { facts: { status: response.status } });
}

function jsonKeys(who: string, text: string): ExpiringCredentials {
  try {
    return checked(who, JSON.parse(text) as Readonly<Record<string, unknown>>);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('denied', `${who} gave no keys but ${text.slice(0, 100)}`, { cause: thrown });
  }
}

function checked(who: string, said: Readonly<Record<string, unknown>>): ExpiringCredentials {
  const text = (key: string) => (typeof said[key] === 'string' ? said[key] : '');
  if (text('AccessKeyId') === '' || text('SecretAccessKey') === '') {
    throw new Fault('denied', `${who} gave no keys: ${text('Code')} ${text('Message')}`.trim());
  }
  const expiresAt = Date.parse(text('Expiration'));
  return {
    accessKey: text('AccessKeyId'),
    secretKey: text('SecretAccessKey'),
    sessionToken: text('Token'),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}

async function readText(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw during(what, thrown);
  }
}

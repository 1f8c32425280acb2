// Where keys come from when the bucket file has none: the environment, then the shared credentials file.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during, Fault, kindOf } from '../errors/fault.ts';

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** '' = none. */
  readonly sessionToken: string;
}

/** Throws `invalid` when there are none to be found. */
export async function findS3Credentials(env: Readonly<Record<string, string | undefined>>): Promise<S3Credentials> {
  const accessKey = env['AWS_ACCESS_KEY_ID'] || env['AWS_ACCESS_KEY'] || '';
  const secretKey = env['AWS_SECRET_ACCESS_KEY'] || env['AWS_SECRET_KEY'] || '';
  if (accessKey !== '' && secretKey !== '') {
    return { accessKey, secretKey, sessionToken: env['AWS_SESSION_TOKEN'] ?? '' };
  }
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '';
  const path = env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws', 'credentials');
  const profile = env['AWS_PROFILE'] || 'default';
  const found = profileOf(await readIfThere(path), profile);
  if (found !== undefined) return found;
  throw new Fault(
    'invalid',
    `no S3 credentials: set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or profile ${profile} in ${path}`,
  );
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return '';
    throw during('read S3 credentials', thrown);
  }
}

/** The keys of one `[section]` of an ini file. */
function profileOf(ini: string, profile: string): S3Credentials | undefined {
  const fields = new Map<string, string>();
  let section = '';
  for (const line of ini.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header !== null) {
      section = header[1].trim();
      continue;
    }
    const field = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/i.exec(line);
    if (field !== null && section === profile) fields.set(field[1].toLowerCase(), field[2]);
  }
  const accessKey = fields.get('aws_access_key_id');
  const secretKey = fields.get('aws_secret_access_key');
  if (accessKey === undefined || secretKey === undefined) return undefined;
  return { accessKey, secretKey, sessionToken: fields.get('aws_session_token') ?? '' };
}

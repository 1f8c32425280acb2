// The shared files of AWS: `credentials` with one section a profile, `config` with `[profile name]` sections.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during, kindOf } from '../errors/fault.ts';

/** What a profile says, '' for what it does not. */
export interface AwsProfile {
  readonly name: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  /** `credential_process` */
  readonly command: string;
  readonly roleArn: string;
  /** `web_identity_token_file` */
  readonly tokenFile: string;
  readonly hasSso: boolean;
}

/** The profile that AWS_PROFILE names, or `default`; undefined when neither file has it. */
export async function readAwsProfile(
  env: Readonly<Record<string, string | undefined>>,
): Promise<AwsProfile | undefined> {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '';
  const name = env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE'] || 'default';
  const fileOf = (variable: string, base: string) => env[variable] || join(home, '.aws', base);
  const credentials = await readIfThere(fileOf('AWS_SHARED_CREDENTIALS_FILE', 'credentials'));
  const config = await readIfThere(fileOf('AWS_CONFIG_FILE', 'config'));
  const section = name === 'default' ? ['default', 'profile default'] : [`profile ${name}`];
  const fields = new Map([...section.flatMap((one) => [...fieldsOf(config, one)]), ...fieldsOf(credentials, name)]);
  if (fields.size === 0) return undefined;
  const field = (key: string) => fields.get(key) ?? '';
  return {
    name,
    accessKey: field('aws_access_key_id'),
    secretKey: field('aws_secret_access_key'),
    sessionToken: field('aws_session_token'),
    command: field('credential_process'),
    roleArn: field('role_arn'),
    tokenFile: field('web_identity_token_file'),
    hasSso: fields.has('sso_start_url') || fields.has('sso_session'),
  };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return '';
    throw during('read S3 credentials', thrown);
  }
}

/** The keys of one `[section]` of an ini file; nested ones, which are indented, are left out. */
function fieldsOf(ini: string, wanted: string): Map<string, string> {
  const fields = new Map<string, string>();
  let section = '';
  for (const line of ini.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header !== null) {
      section = header[1].trim().replace(/\s+/g, ' ');
      continue;
    }
    const field = /^([a-z_0-9]+)\s*=\s*(\S.*?)\s*$/i.exec(line);
    if (field !== null && section === wanted) fields.set(field[1].toLowerCase(), field[2]);
  }
  return fields;
}

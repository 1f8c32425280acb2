// Flags that several commands share. A command spreads the groups it takes into its own table.

import type { FlagTable } from '../pkg/config/flag.ts';
import {
  bool,
  choice,
  durationMs,
  goDurationMs,
  optionalString,
  pathOrContent,
  string,
} from '../pkg/config/flag-kinds.ts';

/** Valid with every command, before or after its name. */
export const rootFlags = {
  'debug.name': optionalString('Name put on every log line.', { isHidden: true }),
  'log.level': choice(['error', 'warn', 'info', 'debug'], 'info', 'Least severe level that is logged.'),
  'log.format': choice(['logfmt', 'json'], 'logfmt', 'Form of log lines.'),
} satisfies FlagTable;

export const httpFlags = {
  'http-address': string('0.0.0.0:10902', 'Address to serve HTTP on, as host:port.'),
  'http-grace-period': durationMs('2m', 'Time HTTP requests in hand get to finish when stopping.'),
} satisfies FlagTable;

export const grpcFlags = {
  'grpc-address': string('0.0.0.0:10901', 'Address to serve gRPC on, as ip:port.'),
  'grpc-server-max-connection-age': goDurationMs('60m', 'Age after which a connection is asked to reconnect.'),
  'grpc-grace-period': goDurationMs('2m', 'Time gRPC calls in hand get to finish when stopping.'),
} satisfies FlagTable;

/** The bucket where a command cannot do without one. */
export const requiredBucketFlags = {
  'objstore.config': pathOrContent('objstore.config', 'Bucket configuration as YAML.', { isRequired: true }),
} satisfies FlagTable;

/** The bucket where its absence switches uploads off: the value is empty text then. */
export const bucketFlags = {
  'objstore.config': pathOrContent('objstore.config', 'Bucket configuration as YAML; empty switches uploads off.'),
} satisfies FlagTable;

export const corsFlags = {
  'web.disable-cors': bool(false, 'Stop sending the permissive CORS headers.'),
} satisfies FlagTable;

/** The page about blocks, of the commands that have blocks. */
export const blocksPageFlags = {
  'web.disable': bool(false, 'Do not serve the page about blocks and its API.'),
  'bucket-web-label': string('', 'External label by which the page groups blocks; all of them when empty.'),
  'disable-admin-operations': bool(false, 'Refuse to mark blocks through the page and its API.'),
} satisfies FlagTable;

/** Where the API and the web page are, and what links to them begin with. */
export const webPrefixFlags = {
  'web.route-prefix': string('', 'Prefix of the paths of API and page. What --web.external-prefix says when empty.'),
  'web.external-prefix': string('', 'Prefix that links and redirects begin with: a path, or a URL whose path counts.'),
  'web.prefix-header': string('', 'Request header that names the prefix of links, unless --web.external-prefix does.'),
} satisfies FlagTable;

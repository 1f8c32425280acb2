// The rule of imports as data: tidy.ts reads it, walks every import, and fails the build.

/** Lowest first. A room may import rooms on lower floors only; neighbours do not know each other. */
export const floors: readonly (readonly string[])[] = [
  ['errors'],
  ['bytes', 'async'],
  ['model', 'telemetry'],
  ['config', 'lifecycle', 'storage', 'proto'],
  ['net', 'tsdb'],
  ['objstore', 'discovery', 'promql', 'promclient'],
  ['cache', 'block'],
  ['store'],
  ['sidecar', 'query', 'queryfrontend', 'rule', 'receive', 'compact', 'ui'],
];

/** Rooms usable as a library, also in a browser: besides each other they import only errors and async. */
export const pureRooms: ReadonlySet<string> = new Set(['bytes', 'model', 'storage', 'tsdb', 'promql']);

/** Sub-folders other rooms may import from. Every other sub-folder is private to its room. */
export const openShelves: ReadonlySet<string> = new Set([
  'net/http',
  'net/grpc',
  'tsdb/chunkenc',
  'tsdb/chunks',
  'tsdb/index',
  'promql/parser',
  'block/index-header',
  'block/filters',
]);

/** The one room that imports a package. Rooms not named here may not import it. */
export const packageRooms: Readonly<Record<string, string>> = {
  '@grpc/grpc-js': 'net',
  '@grpc/proto-loader': 'net',
  '@grpc/reflection': 'net',
  'grpc-health-check': 'net',
  protobufjs: 'proto',
  express: 'net',
  undici: 'net',
  commander: 'config',
  yaml: 'config',
  zod: 'config',
  'prom-client': 'telemetry',
  winston: 'telemetry',
  minio: 'objstore',
  'dns-packet': 'discovery',
  'lru-cache': 'cache',
  re2js: 'model',
  ulid: 'model',
  'xxhash-wasm': 'bytes',
  snappyjs: 'bytes',
};

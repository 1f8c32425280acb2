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
  'tsdb/wal',
  'promql/parser',
  'block/index-header',
  'block/filters',
]);

/** The one room, or folder of a room, that imports a package. Those not named here may not import it. */
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
  '@google-cloud/storage': 'objstore',
  '@azure/storage-blob': 'objstore',
  '@azure/identity': 'objstore',
  'dns-packet': 'discovery',
  'lru-cache': 'cache',
  re2js: 'model',
  ulid: 'model',
  snappyjs: 'bytes',
  '@bokuweb/zstd-wasm': 'bytes',
  react: 'ui/app',
  'react-dom': 'ui/app',
  '@mantine/core': 'ui/app',
  '@mantine/hooks': 'ui/app',
  '@tanstack/react-query': 'ui/app',
  '@tanstack/react-virtual': 'ui/app',
  uplot: 'ui/app',
  '@prometheus-io/codemirror-promql': 'ui/app',
  '@codemirror/autocomplete': 'ui/app',
  '@codemirror/commands': 'ui/app',
  '@codemirror/language': 'ui/app',
  '@codemirror/lint': 'ui/app',
  '@codemirror/state': 'ui/app',
  '@codemirror/view': 'ui/app',
  '@lezer/common': 'ui/app',
  '@lezer/highlight': 'ui/app',
};

/** Programs that something else starts, and what package.json exports: nobody imports them. */
export const entries: ReadonlySet<string> = new Set([
  'pkg/ui/app/main.tsx',
  'pkg/tsdb/library.ts',
  'pkg/tsdb/library-browser.ts',
  'pkg/objstore/library.ts',
  'pkg/promql/library.ts',
]);

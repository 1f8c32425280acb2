// Serves the built page: one HTML document for every page path, and its scripts and styles. The files were compressed
// when they were built, and their names change with their content, so browsers keep them for ever. The document is made
// for each answer: it carries the link prefix, what the process serves, and a nonce for the styles the page makes.

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../errors/fault.ts';
import { type ApiAnswer, type ApiRequest, type ApiRoute, apiJson, type PlainAnswer } from '../net/http/api.ts';
import type { PageFacts, SentFacts } from './page-facts.ts';
import type { WebPrefix } from './prefix.ts';

export interface PageDeps {
  readonly facts: PageFacts;
  readonly prefix: WebPrefix;
  /** Where the built files are; beside this one unless said otherwise. */
  readonly directory?: string;
}

/** Every path that shows the page: ours, and those that links to the reference's page may name. */
const PAGE_PATHS = [
  '/graph',
  '/query',
  '/stores',
  '/blocks',
  '/loaded',
  '/global',
  '/status',
  '/flags',
  '/config',
  '/tsdb-status',
  '/alerts',
  '/rules',
  '/targets',
  '/service-discovery',
];

const HANDLER = 'react-static';
const FOREVER = 'public, max-age=31536000, immutable';
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** The routes of the page, to be mounted under the route prefix. Files that are not there are `not-found`. */
export function pageRoutes(deps: PageDeps): readonly ApiRoute[] {
  const directory = deps.directory ?? fileURLToPath(new URL('./static/', import.meta.url));
  const files = new BuiltFiles(directory);
  const page = (request: ApiRequest): Promise<ApiAnswer> => pageAnswer(deps, files, request);
  const route = (path: string, handle: ApiRoute['handle']): ApiRoute => ({
    path,
    methods: ['GET'],
    handler: HANDLER,
    handle,
  });
  return [
    ...PAGE_PATHS.map((path) => route(path, page)),
    route('/', deps.prefix.route === '' ? page : (request) => toStart(deps, request)),
    route('/favicon.svg', (request) => files.answer('favicon.svg', request, 'public, max-age=86400')),
    route('/favicon.ico', (request) => files.answer('favicon.svg', request, 'public, max-age=86400')),
    route('/static/:file', (request) => files.answer(`static/${request.pathParameters['file']}`, request, FOREVER)),
  ];
}

/** With a route prefix, the root and the bare prefix lead to the start page. To be mounted at the root. */
export function redirectRoutes(deps: PageDeps): readonly ApiRoute[] {
  const { route } = deps.prefix;
  if (route === '') return [];
  const handle = (request: ApiRequest): Promise<ApiAnswer> => toStart(deps, request);
  return ['/', route].map((path) => ({ path, methods: ['GET'], handler: HANDLER, handle }));
}

async function toStart({ facts, prefix }: PageDeps, request: ApiRequest): Promise<ApiAnswer> {
  const location = `${prefix.links(request.header)}${facts.startPage}`;
  return { plain: { status: 302, headers: { Location: location, 'Cache-Control': 'no-store' }, body: '' } };
}

async function pageAnswer({ facts, prefix }: PageDeps, files: BuiltFiles, request: ApiRequest): Promise<ApiAnswer> {
  const template = files.template();
  if (template === undefined) {
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
    return { plain: { status: 404, headers, body: 'The page was not built: run npm run build.\n' } };
  }
  const nonce = randomBytes(16).toString('base64');
  const sent: SentFacts = { ...facts, nonce };
  const base = `${prefix.links(request.header)}/`;
  // Replacements are functions: a dollar sign in a notice has no meaning of its own.
  const body = template.replace('__BASE__', () => base).replace('"__FACTS__"', () => apiJson(sent));
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    // The nonce is good for one answer.
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy(nonce),
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  };
  return { plain: { status: 200, headers, body } };
}

/** Scripts from here only and none inline; nothing is loaded from or sent to anywhere else. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    // Chromium itself makes such attributes while one types into the editor; they run nothing.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
}

/** The files of one build. Their names are listed once: no request can name another file. */
class BuiltFiles {
  readonly #directory: string;
  readonly #names: ReadonlySet<string>;
  #template: string | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#names = new Set(
      existsSync(directory)
        ? readdirSync(directory, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, '/').length).replaceAll('\\', '/'))
        : [],
    );
  }

  /** The document with its placeholders; undefined when there is no build. */
  template(): string | undefined {
    if (!this.#names.has('index.html')) return undefined;
    this.#template ??= readFileSync(join(this.#directory, 'index.html'), 'utf8');
    return this.#template;
  }

  /** A file, in the smallest form that the client takes. */
  async answer(name: string, request: ApiRequest, cacheControl: string): Promise<ApiAnswer> {
    const type = TYPES[extname(name)];
    if (type === undefined || !this.#names.has(name)) throw new Fault('not-found', `no file is called ${name}`);
    const encodings = acceptedEncodings(request.header('accept-encoding'));
    const encoding = (['br', 'gzip'] as const).find(
      (one) => encodings.has(one) && this.#names.has(`${name}${SUFFIXES[one]}`),
    );
    const body = await readFile(join(this.#directory, encoding === undefined ? name : `${name}${SUFFIXES[encoding]}`));
    const headers: PlainAnswer['headers'] = {
      'Content-Type': type,
      'Cache-Control': cacheControl,
      'X-Content-Type-Options': 'nosniff',
      ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }),
    };
    return { plain: { status: 200, headers, body } };
  }
}

const SUFFIXES = { br: '.br', gzip: '.gz' } as const;

/** Names in an Accept-Encoding header that are not refused by `q=0`. */
function acceptedEncodings(header: string | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const item of (header ?? '').toLowerCase().split(',')) {
    const [name, ...parameters] = item.split(';').map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) names.add(name);
  }
  return names;
}

// The blocks API of store, compactor and bucket viewer:
//
//   GET  /api/v1/blocks?view=loaded   {"label":"","blocks":[meta.json, …],"refreshedAt":"…","err":null,
//                                      "marks":[…],"partial":[…],"canMark":true,"backlog":{…}}
//   POST /api/v1/blocks/mark          id, action (DELETION, NO_COMPACTION), detail: 204
//
// The first four members are the reference's; the others are ours.

import { Fault } from '../errors/fault.ts';
import { isUlid } from '../model/ulid.ts';
import { type ApiAnswer, type ApiRequest, type ApiRoute, apiJson, escapeJson } from '../net/http/api.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Backlog, BlocksView, BlocksViewName } from './blocks-view.ts';
import { metaName } from './layout.ts';
import { type Mark, type MarkKind, newMark, readMark, writeMark } from './marks.ts';
import { type BlockMeta, printMeta } from './meta.ts';

export interface BlocksApiDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly view: (name: BlocksViewName) => BlocksView;
  /** Only a compactor has one; undefined until it has been worked out. */
  readonly backlog?: () => Backlog | undefined;
  readonly now?: () => number;
}

export interface BlocksApiConfig {
  /** External label by which the page groups blocks; '' = by all of them. */
  readonly label: string;
  /** False with `--disable-admin-operations`. */
  readonly canMark: boolean;
}

const actions: Readonly<Record<string, MarkKind>> = { DELETION: 'deletion', NO_COMPACTION: 'no-compact' };

/** Time the reference writes for a view that was never filled. */
const NEVER = '0001-01-01T00:00:00Z';

/** Both paths; a view remembers the marks made through it until the bucket is looked at again. */
export function blocksRoutes(deps: BlocksApiDeps, config: BlocksApiConfig): readonly ApiRoute[] {
  const made = new Map<string, Mark>();
  return [
    {
      path: '/api/v1/blocks',
      methods: ['GET'],
      handler: 'blocks',
      handle: async ({ parameters }) => blocksAnswer(deps, config, made, parameters.text('view')),
    },
    {
      path: '/api/v1/blocks/mark',
      methods: ['POST'],
      handler: 'blocks_mark',
      handle: (request) => markBlock(deps, config, made, request),
    },
  ];
}

function blocksAnswer(
  deps: BlocksApiDeps,
  { label, canMark }: BlocksApiConfig,
  made: ReadonlyMap<string, Mark>,
  name: string,
): ApiAnswer {
  const view = deps.view(name === 'loaded' ? 'loaded' : 'global');
  const backlog = deps.backlog?.();
  return {
    chunks: (function* () {
      yield `{"label":${apiJson(label)},"blocks":[`;
      let separator = '';
      for (const meta of view.metas) {
        yield separator + metaJson(meta);
        separator = ',';
      }
      const rest = {
        refreshedAt: view.refreshedAtMs === undefined ? NEVER : new Date(view.refreshedAtMs).toISOString(),
        err: view.error ?? null,
        marks: marksOf(view, made).map(({ kind, id, details, timeSeconds, reason }) => ({
          id,
          kind,
          timeMs: timeSeconds * 1000,
          details,
          ...(reason === '' ? {} : { reason }),
        })),
        partial: [...view.partial].map(([id, { kind, message }]) => ({ id, kind, error: message })),
        canMark,
        ...(backlog === undefined ? {} : { backlog }),
      };
      yield `],${apiJson(rest).slice(1)}`;
    })(),
  };
}

/** Compact, in the one spelling of meta.json there is. */
function metaJson(meta: BlockMeta): string {
  return escapeJson(JSON.stringify(JSON.parse(printMeta(meta))));
}

/** Those of the view, and those made here since. */
function marksOf(view: BlocksView, made: ReadonlyMap<string, Mark>): readonly Mark[] {
  const known = new Set(view.marks.map(keyOf));
  const ulids = new Set(view.metas.map(({ ulid }) => ulid));
  return [...view.marks, ...[...made.values()].filter((mark) => !known.has(keyOf(mark)) && ulids.has(mark.id))];
}

function keyOf({ kind, id }: Mark): string {
  return `${kind} ${id}`;
}

async function markBlock(
  deps: BlocksApiDeps,
  { canMark }: BlocksApiConfig,
  made: Map<string, Mark>,
  { parameters, context }: ApiRequest,
): Promise<ApiAnswer> {
  const id = parameters.text('id');
  const action = parameters.text('action');
  if (id === '') throw new Fault('invalid', 'ID cannot be empty');
  if (action === '') throw new Fault('invalid', 'Action cannot be empty');
  if (!isUlid(id))
    throw new Fault('invalid', `ULID ${JSON.stringify(id)} is not valid: it has 26 characters of base 32`);
  if (!Object.hasOwn(actions, action)) throw new Fault('invalid', `not supported marker ${action}`);
  if (!canMark) throw new Fault('invalid', 'Admin operations are disabled');
  const kind = actions[action];
  // A mark beside no block would be a partial upload to everybody else.
  if (!(await deps.bucket.exists(context, metaName(id)))) {
    throw new Fault('not-found', `block ${id} is not in the bucket`);
  }
  const mark = newMark(kind, id, { details: parameters.text('detail'), nowMs: (deps.now ?? Date.now)() });
  if (await writeMark(context, deps, mark)) deps.logger.info('block is marked', { block: id, mark: kind });
  const written = await readMark(context, deps, kind, id);
  if (written !== undefined) made.set(keyOf(written), written);
  return { plain: { status: 204, headers: {}, body: '' } };
}

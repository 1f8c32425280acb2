// The link of the query page: every panel as parameters `g0.expr`, `g0.range_input`, … The names are those of the
// reference's page, so that its links open the same view here and ours there; what only we have has names of its own.
// Links of Prometheus' page are understood as well.

import { durationText, parseDurationText } from '../parts/text.ts';
import { type Display, newPanel, type Panel, type PanelTab, type SortKey } from './panel.ts';

export interface ServerDefaults {
  readonly partialResponse: boolean;
}

/** More panels than anybody looks at; a link cannot make the page ask for more. */
const MOST_PANELS = 50;
const LONGEST_PICKED = 3000;

/** The panels of a link's query part; one empty panel when it has none. What cannot be read is left at its default. */
export function parseLink(search: string, server: ServerDefaults): readonly Panel[] {
  const byIndex = new Map<number, Map<string, string>>();
  for (const [name, value] of new URLSearchParams(search)) {
    const match = /^g(\d{1,4})\.(\w+)$/.exec(name);
    if (match === null) continue;
    const index = Number(match[1]);
    const fields = byIndex.get(index) ?? new Map<string, string>();
    if (!fields.has(match[2])) fields.set(match[2], value);
    byIndex.set(index, fields);
  }
  const panels = [...byIndex]
    .sort(([a], [b]) => a - b)
    .slice(0, MOST_PANELS)
    .map(([, fields]) => panelOf(fields, server));
  return panels.length > 0 ? panels : [newPanel(server)];
}

/** The query part of a link that opens these panels. What is as it is by default is left out, expression apart. */
export function printLink(panels: readonly Panel[], server: ServerDefaults): string {
  const form = new URLSearchParams();
  const defaults = newPanel(server);
  for (const [index, panel] of panels.entries()) {
    const set = (name: string, value: string): void => form.set(`g${index}.${name}`, value);
    set('expr', panel.expr);
    set('tab', TAB_CODES[panel.tab]);
    if (panel.display !== 'lines') set('display_mode', panel.display);
    if (panel.display === 'stacked') set('stacked', '1');
    set('range_input', durationText(panel.rangeMs));
    if (panel.endMs !== undefined) {
      set('end_input', linkTime(panel.endMs));
      set('moment_input', linkTime(panel.endMs));
    }
    if (panel.step !== '') set('step_input', panel.step);
    if (panel.maxResolution !== '') set('max_source_resolution', panel.maxResolution);
    if (!panel.dedup) set('deduplicate', '0');
    if (panel.partialResponse !== defaults.partialResponse) set('partial_response', panel.partialResponse ? '1' : '0');
    if (panel.stores.length > 0) set('store_matches', JSON.stringify(panel.stores.map((name) => ({ name }))));
    if (panel.replicaLabels.length > 0) set('replica_labels', panel.replicaLabels.join(','));
    if (panel.lookback !== '') set('lookback', panel.lookback);
    if (panel.filter !== '') set('filter', panel.filter);
    if (panel.sort !== defaults.sort) set('sort', panel.sort);
    // A link of ten thousand names would open nowhere.
    const picked = JSON.stringify(panel.picked);
    if (panel.picked.length > 0 && picked.length <= LONGEST_PICKED) set('picked', picked);
  }
  return form.toString();
}

const TAB_CODES: Readonly<Record<PanelTab, string>> = { graph: '0', table: '1', explain: 'explain' };

function panelOf(fields: ReadonlyMap<string, string>, server: ServerDefaults): Panel {
  const defaults = newPanel(server);
  const text = (name: string): string => fields.get(name) ?? '';
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = text(name).toLowerCase();
    return value === '' ? otherwise : value === '1' || value === 'true';
  };
  const rangeMs = parseDurationText(text('range_input'));
  return {
    // The reference's page ends what was typed with a newline.
    expr: text('expr').trim(),
    tab: tabOf(text('tab')),
    rangeMs: rangeMs !== undefined && rangeMs > 0 ? rangeMs : defaults.rangeMs,
    endMs: parseLinkTime(text('end_input')) ?? parseLinkTime(text('moment_input')),
    step: stepOf(fields),
    display: displayOf(text('display_mode'), flag('stacked', false)),
    dedup: flag('deduplicate', defaults.dedup),
    partialResponse: flag('partial_response', defaults.partialResponse),
    maxResolution: resolutionOf(text('max_source_resolution')),
    stores: storesOf(text('store_matches')),
    replicaLabels: text('replica_labels')
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
    lookback: validDuration(text('lookback')),
    filter: text('filter'),
    sort: SORT_KEYS.find((key) => key === text('sort')) ?? defaults.sort,
    picked: pickedOf(text('picked')),
  };
}

const SORT_KEYS: readonly SortKey[] = ['name', 'last', 'max', 'mean', 'min'];
const DISPLAYS: readonly Display[] = ['lines', 'stacked', 'heatmap'];

/** The reference counts tabs, Prometheus names them. Without one the reference shows the table. */
function tabOf(text: string): PanelTab {
  if (text === '0' || text === 'graph') return 'graph';
  if (text === 'explain' || text === 'analyze') return 'explain';
  return text === '' ? 'graph' : 'table';
}

function displayOf(mode: string, isStacked: boolean): Display {
  return DISPLAYS.find((display) => display === mode) ?? (isStacked ? 'stacked' : 'lines');
}

/** `step_input` in seconds or as a duration; Prometheus' page calls a fixed one `res_step`. */
function stepOf(fields: ReadonlyMap<string, string>): string {
  const text = fields.get('step_input') ?? (fields.get('res_type') === 'fixed' ? fields.get('res_step') : '') ?? '';
  const ms = parseDurationText(text);
  if (ms === undefined || ms <= 0) return '';
  return /^[\d.]+$/.test(text.trim()) ? durationText(ms) : text.trim();
}

function validDuration(text: string): string {
  const ms = parseDurationText(text);
  return ms === undefined || ms <= 0 ? '' : text.trim();
}

function resolutionOf(text: string): string {
  return text === 'auto' || parseDurationText(text) !== undefined ? text : '';
}

/** `[{"name":"host:port"}, …]`; plain strings are taken, too. */
function storesOf(text: string): readonly string[] {
  if (text === '') return [];
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return [];
    return list
      .map((one: unknown) => (typeof one === 'string' ? one : (one as { name?: unknown } | null)?.name))
      .filter((name): name is string => typeof name === 'string' && name !== '');
  } catch {
    return [];
  }
}

/** Several texts are one parameter, as JSON. */
function pickedOf(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** `2026-01-31 17:05:09` in UTC, as the reference writes it. */
function linkTime(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** The reference's form, RFC 3339, or seconds since 1970. */
function parseLinkTime(text: string): number | undefined {
  if (text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const iso = text.trim().replace(' ', 'T');
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

// Opens a block by its URL, lists its labels, and plots the series that carry the picked one. The bytes come straight from
// the server, by ranges: nothing of the block is read that is not shown.

import { openBlock } from 'tributary/tsdb';
import Plot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const MOST_SERIES = 20;
const [url, label, value, status, plot, list] = ['url', 'label', 'value', 'status', 'plot', 'series'].map((id) =>
  document.getElementById(id),
);
let block;
let drawn;

document.getElementById('open').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(open);
});
label.addEventListener('change', () => attempt(listValues));
value.addEventListener('change', () => attempt(draw));

/** The URL may come with the page's own: ?block=... */
const asked = new URLSearchParams(location.search).get('block');
if (asked !== null) {
  url.value = asked;
  attempt(open);
}

async function attempt(work) {
  try {
    await work();
  } catch (thrown) {
    status.textContent = `${thrown.kind ?? 'failed'}: ${thrown.message}`;
  }
}

async function open() {
  status.textContent = 'Opening…';
  await block?.close();
  block = await openBlock(url.value);
  fill(label, await block.labelNames());
  label.value = '__name__';
  await listValues();
}

async function listValues() {
  fill(value, await block.labelValues(label.value));
  await draw();
}

async function draw() {
  const found = [];
  let count = 0;
  for await (const series of block.series([[label.value, '=', value.value]])) {
    count++;
    if (found.length < MOST_SERIES && series.floats.length > 0) found.push(series);
  }
  drawn?.destroy();
  drawn = new Plot(
    { width: plot.clientWidth, height: 320, series: [{}, ...found.map(lineOf)], legend: { show: false } },
    columnsOf(found),
    plot,
  );
  list.replaceChildren(...found.map(({ labels }) => element('li', labels.toString())));
  status.textContent = `${block.meta.ulid}: ${count} series, ${found.length} of them drawn`;
}

/** One column of times for all series, in seconds, and of each series its value at each, or null. */
function columnsOf(found) {
  const times = new Set();
  for (const { floats } of found) for (let i = 0; i < floats.length; i++) times.add(floats.times[i]);
  const sorted = [...times].sort((a, b) => a - b);
  const places = new Map(sorted.map((time, i) => [time, i]));
  const columns = found.map(({ floats }) => {
    const column = new Array(sorted.length).fill(null);
    for (let i = 0; i < floats.length; i++) {
      // A stale marker is a NaN, and so is drawn as a gap.
      if (Number.isFinite(floats.values[i])) column[places.get(floats.times[i])] = floats.values[i];
    }
    return column;
  });
  return [sorted.map((time) => time / 1000), ...columns];
}

function lineOf({ labels }, i) {
  return { label: labels.toString(), stroke: `hsl(${(i * 47) % 360} 65% 45%)`, spanGaps: false };
}

function fill(select, options) {
  select.replaceChildren(...options.map((option) => element('option', option)));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

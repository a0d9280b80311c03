// Time series by uPlot, dressed in the page's colours.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { h, setText, show } from './dom';
import type { Quantity } from './format';
import { text } from './format';

export interface Series {
  label: string;
  /** Name of a CSS variable. */
  color: string;
  fill?: boolean;
  /** Drawn below zero; its values are given positive. */
  down?: boolean;
}
export interface ChartOptions {
  label: string;
  series: Series[];
  format: (n: number) => Quantity;
  height?: number;
  /** Each series is put on top of those before. */
  stacked?: boolean;
  bars?: boolean;
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function alpha(color: string, a: number): string {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${a})`;
}
const two = (n: number): string => String(n).padStart(2, '0');

const charts = new Set<TimeChart>();
/** The theme changed: canvases do not follow CSS by themselves. */
export function redrawCharts(): void {
  for (const chart of charts) chart.rebuild();
}

export class TimeChart {
  readonly el: HTMLElement;
  readonly #host: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #values: HTMLElement[] = [];
  readonly #when: HTMLElement;
  readonly #note = h('p', { class: 'none' }, 'Loading…');
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData;
  #raw: number[][] = [];
  #least = 0;
  #observer: ResizeObserver;

  constructor(readonly options: ChartOptions) {
    this.#data = [[], ...options.series.map(() => [])];
    this.#when = h('span', { class: 'legend-when' });
    this.#legend = h('div', { class: 'legend' });
    for (const series of options.series) {
      const value = h('span', { class: 'legend-value' });
      this.#values.push(value);
      this.#legend.append(h('span', { class: 'legend-item' }, h('span', { class: `swatch c${series.color}`, 'aria-hidden': 'true' }), series.label, value));
    }
    this.#legend.append(this.#when);
    this.#host = h('div', { class: 'chart', role: 'img', 'aria-label': options.label });
    this.el = h('div', { class: 'chart-box' }, this.#note, this.#legend, this.#host);
    this.#fill(false);
    this.#host.style.height = `${options.height ?? 200}px`;
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#host);
    charts.add(this);
  }

  #fill(some: boolean): void {
    show(this.#note, !some);
    show(this.#legend, some);
    show(this.#host, some);
  }
  /**
   * Times in ms, one array of values a series. Fewer than two points are no line: `note` says why. Of few points the axis shows at
   * least `leastS` seconds, so that a line grows from the right instead of being stretched.
   */
  set(timesMs: number[], values: number[][], note: string, leastS = 120): void {
    const some = timesMs.length > 1;
    this.#least = leastS;
    setText(this.#note, note);
    this.#fill(some);
    if (!some) return;
    this.#raw = values;
    const rows = this.options.stacked
      ? values.map((_, i) => timesMs.map((_, t) => values.slice(0, i + 1).reduce((sum, row) => sum + (row[t] ?? 0), 0)))
      : values.map((row, i) => (this.options.series[i]!.down ? row.map((v) => -v) : row));
    this.#data = [timesMs.map((t) => t / 1000), ...rows];
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#resize();
    this.#showAt(null);
  }
  destroy(): void {
    this.#observer.disconnect();
    this.#plot?.destroy();
    charts.delete(this);
  }
  rebuild(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#resize();
  }

  #showAt(index: number | null): void {
    const times = this.#data[0];
    const at = index ?? times.length - 1;
    if (at < 0) return;
    this.#values.forEach((el, i) => setText(el, text(this.options.format(this.#raw[i]?.[at] ?? 0))));
    const d = new Date((times[at] ?? 0) * 1000);
    setText(this.#when, index === null ? '' : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`);
    const said = this.options.series.map((series, i) => `${series.label} ${text(this.options.format(this.#raw[i]?.[at] ?? 0))}`);
    this.#host.setAttribute('aria-label', `${this.options.label}. Latest: ${said.join(', ')}.`);
  }
  #resize(): void {
    const width = this.#host.clientWidth;
    const height = this.options.height ?? 200;
    if (width < 40 || this.#data[0].length === 0) return;
    if (this.#plot) {
      if (this.#plot.width !== width) this.#plot.setSize({ width, height });
      return;
    }
    this.#plot = new uPlot(this.#options(width, height), this.#data, this.#host);
  }
  #options(width: number, height: number): uPlot.Options {
    const muted = css('--muted');
    const line = css('--line');
    const font = `11px ${css('--font')}`;
    const { series, stacked, bars, format } = this.options;
    const axis = { stroke: muted, font, ticks: { show: false }, border: { show: false } };
    const plotted: uPlot.Series[] = series.map((one) => {
      const color = css(one.color);
      return {
        label: one.label,
        stroke: color,
        width: stacked ? 1 : 1.5,
        points: { show: false },
        fill: one.fill === false ? undefined : alpha(color, stacked ? 0.75 : 0.16),
        ...(bars ? { paths: uPlot.paths.bars!({ size: [0.7, 24] }), fill: alpha(color, 0.75), width: 0 } : {}),
      };
    });
    const bands: uPlot.Band[] = stacked ? series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) : [];
    return {
      width,
      height,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: !stacked, size: 6 }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.#showAt(plot.cursor.idx ?? null)] },
      scales: {
        x: { range: (_plot, min, max) => [Math.min(min, max - this.#least), max] },
        y: {
          range: (_plot, min, max) => {
            const top = Math.max(max, 0);
            const bottom = Math.min(min, 0);
            return top === 0 && bottom === 0 ? [0, 1] : [bottom * 1.08, top * 1.08];
          },
        },
      },
      series: [{}, ...plotted],
      bands,
      axes: [
        { ...axis, size: 30, grid: { show: false }, space: 70, values: (_plot, splits) => splits.map(tick) },
        { ...axis, size: 64, space: 30, grid: { stroke: line, width: 1 }, values: (_plot, splits) => splits.map((v) => text(format(Math.abs(v)))) },
      ],
    };
  }
}
function tick(seconds: number): string {
  const d = new Date(seconds * 1000);
  return d.getSeconds() ? `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}` : `${two(d.getHours())}:${two(d.getMinutes())}`;
}

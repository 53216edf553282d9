// The picture of the comparison: a bar for each system, as an SVG that needs nothing else.
import { BarChart } from "echarts/charts";
import { GridComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { BenchResults } from "./bench-results.js";
import { comparedRows } from "./results-table.js";

use([BarChart, GridComponent, TitleComponent, SVGRenderer]);

const WIDTH = 760;
const BAR_HEIGHT = 36;
const FRAME_HEIGHT = 110;
const OWN_COLOUR = "#2563eb";
const OTHER_COLOUR = "#94a3b8";

export function comparisonPicture(results: BenchResults): string {
  const rows = comparedRows(results).toSorted((a, b) => a.gibPerSecond - b.gibPerSecond);
  const chart = init(null, null, {
    ...{ renderer: "svg", ssr: true, width: WIDTH },
    height: FRAME_HEIGHT + rows.length * BAR_HEIGHT,
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: "One large file, one machine to another, every byte verified but for rsync's",
      subtext: "GiB/s, more is better",
      left: 0,
      textStyle: { fontSize: 14 },
    },
    grid: { left: 230, right: 60, top: 56, bottom: 8 },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category",
      data: rows.map(({ system }) => system),
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [
      {
        type: "bar",
        barWidth: BAR_HEIGHT * 0.6,
        label: { show: true, position: "right", formatter: "{c}" },
        data: rows.map(({ system, gibPerSecond }) => ({
          value: Number(gibPerSecond.toFixed(2)),
          itemStyle: { color: system === "goshare" ? OWN_COLOUR : OTHER_COLOUR },
        })),
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

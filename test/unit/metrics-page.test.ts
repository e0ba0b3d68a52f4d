import { joinPages } from '../../runtime/metrics-page';

const page = (value: number, more = '') => `# HELP a_total First
# TYPE a_total counter
a_total{flow="f"} ${value}

# HELP b_ms Second
# TYPE b_ms histogram
b_ms_bucket{le="1",flow="f"} ${value}
b_ms_count{flow="f"} ${value}
${more}`;

test('describes each metric once, and puts the samples of every process together', () => {
  const extra = '\n# HELP c Third\n# TYPE c gauge\nc{flow="f"} 9\n';
  expect(
    joinPages([
      { text: page(1), replica: 'map-0' },
      { text: page(2, extra), replica: 'map-1' },
    ]),
  ).toBe(
    `# HELP a_total First
# TYPE a_total counter
a_total{replica="map-0",flow="f"} 1
a_total{replica="map-1",flow="f"} 2

# HELP b_ms Second
# TYPE b_ms histogram
b_ms_bucket{replica="map-0",le="1",flow="f"} 1
b_ms_count{replica="map-0",flow="f"} 1
b_ms_bucket{replica="map-1",le="1",flow="f"} 2
b_ms_count{replica="map-1",flow="f"} 2

# HELP c Third
# TYPE c gauge
c{replica="map-1",flow="f"} 9
`,
  );
});

test('leaves samples as they are without the name of a replica', () => {
  const own = '# HELP up Up\n# TYPE up gauge\nup 1\n';
  expect(joinPages([{ text: own }])).toBe(own);
  expect(joinPages([])).toBe('');
});

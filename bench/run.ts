import { parseArgs } from 'node:util'
import { apiReport } from './api/report.ts'
import { codecsReport } from './codecs/report.ts'
import { coldReport } from './cold/report.ts'
import { amqpReport } from './commands/amqp.ts'
import { commandsReport } from './commands/report.ts'
import { dashboardReport } from './dashboard/report.ts'
import { fanOutReport } from './fan-out/report.ts'
import { gcpReport } from './gcp/report.ts'
import { idleReport } from './idle/report.ts'
import { load, machine } from './lib/machine.ts'
import { type BenchOptions, FULL, type Report, SMOKE } from './lib/options.ts'
import { installPeers } from './lib/peers.ts'
import { short, table } from './lib/table.ts'
import { liveReport } from './live/report.ts'
import { ingestReport } from './mqtt/ingest.ts'
import { roundTripReport } from './mqtt/round-trip.ts'
import { notifyReport } from './notify/report.ts'
import { rangeReport } from './range/report.ts'
import { rulesReport } from './rules/report.ts'
import { scriptsReport } from './scripts/report.ts'
import { shadowReport } from './shadow/report.ts'
import { stepReport } from './step/report.ts'

// npm run bench [-- step|scripts|rules|ingest|roundtrip|shadow|idle|commands|amqp|cold|gcp|codecs|fanout|notify|range|api …] [--shape TEXT] [--rounds N] [--seconds N] [--smoke]

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Report>>> = {
  step: stepReport,
  scripts: scriptsReport,
  rules: rulesReport,
  ingest: ingestReport,
  roundtrip: roundTripReport,
  shadow: shadowReport,
  idle: idleReport,
  commands: commandsReport,
  amqp: amqpReport,
  cold: coldReport,
  gcp: gcpReport,
  codecs: codecsReport,
  fanout: fanOutReport,
  notify: notifyReport,
  live: liveReport,
  dashboard: dashboardReport,
  range: rangeReport,
  api: apiReport,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    shape: { type: 'string', default: '' },
    smoke: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(`expected ${Object.keys(BENCHES).join(', ')}, found ${unknown.join(', ')}`)
  process.exit(2)
}

const base = values.smoke ? SMOKE : FULL
const options: BenchOptions = {
  ...base,
  shape: values.shape,
  rounds: Number(values.rounds ?? base.rounds),
  measureMs: values.seconds === undefined ? base.measureMs : Number(values.seconds) * 1_000,
}

installPeers()
console.log(`${machine()}; load average at the start ${short(load())}`)
console.log(
  `${options.rounds} rounds in fresh processes, order alternated; median (lowest–highest); spans of ${options.measureMs / 1_000} s`,
)
const reports: Report[] = []
for (const [name, bench] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const report = await bench(options)
  reports.push(report)
  console.log(`\n## ${report.title}\n\n${report.text}`)
}
const wanted = reports.flatMap(({ ratios }) => ratios)
console.log(
  `\n## Ratios\n\n${table(
    ['', 'found', 'wanted', 'reached'],
    wanted.map(({ name, found, wanted: aim, reached }) => [
      name,
      short(found),
      aim,
      reached ? 'yes' : 'no',
    ]),
  )}`,
)

import { resolve } from 'node:path'
import {
  LOCAL_SETTINGS,
  LOCAL_SWITCHES,
  type LocalCloud,
  readLocalSettings,
  startLocalCloud,
} from '../../adapters/local/index.ts'
import { readFlags } from '../flags.ts'
import { requireConfig } from '../load-config.ts'
import { type Command, type Terminal, wrongUse } from '../terminal.ts'
import { signInLink } from './sign-in.ts'

const settingFlags = Object.values(LOCAL_SETTINGS)
const switchFlags = Object.values(LOCAL_SWITCHES)

/** `anyhub start`: the embedded cloud, until it is asked to end. */
export const start: Command = {
  name: 'start',
  summary: 'run the embedded cloud on this machine',
  usage: `anyhub start [--config FILE] [--json]
${settingFlags.map(({ flag, help, value }) => `  --${flag.padEnd(12)} ${help} (${value})`).join('\n')}
${switchFlags.map(({ flag, help }) => `  --${flag.padEnd(12)} ${help}`).join('\n')}`,
  async run(args, terminal) {
    const { values, switches } = readFlags(args, {
      values: ['config', ...settingFlags.map(({ flag }) => flag)],
      switches: ['json', ...switchFlags.map(({ flag }) => flag)],
    })
    const settings = readLocalSettings(values, terminal.env, switches)
    const { httpPort, httpsPort, mqttPort, mqttsPort, amqpsPort } = settings
    const ports = [httpPort, httpsPort, mqttPort, mqttsPort, amqpsPort]
    if (ports.every((port) => port === undefined))
      throw wrongUse('expected at least one port to listen on, found all off')
    const { file, builtIn, program } = await requireConfig(
      values['config'] ?? terminal.env['ANYHUB_CONFIG'],
      terminal.cwd,
      terminal.env,
    )
    const data = resolve(terminal.cwd, settings.data)
    const json = switches.has('json')
    // From here on a signal asks for a clean end, also while the cloud is starting.
    const stopped = terminal.untilStopped()
    const cloud = await startLocalCloud({
      program,
      settings: { ...settings, data },
      log: (line) => terminal.err(`${line}\n`),
    })
    const { http, https, mqtt, mqtts, amqps } = addresses(cloud, settings.host)
    if (json) {
      const ready = {
        ready: true,
        http,
        https,
        mqtt,
        mqtts,
        amqps,
        adminToken: cloud.adminToken,
      }
      terminal.out(`${JSON.stringify(ready)}\n`)
    } else {
      terminal.out(
        banner({
          http,
          https,
          mqtt,
          mqtts,
          amqps,
          data,
          code: await cloud.createSignInCode(),
          config: builtIn ? 'built-in (cold chain)' : file,
          rules: program.rules.size,
          alarms: program.alarms.size,
        }),
      )
    }
    await stopped
    if (!json) terminal.out('\nfinishing what is under way …\n')
    const { 'uplink.accepted': accepted = 0 } = await cloud.stats()
    await cloud.close()
    if (!json) terminal.out(`stopped cleanly; ${accepted} messages stored since the start\n`)
    return 0
  },
}

interface Addresses {
  readonly http: string | null
  readonly https: string | null
  readonly mqtt: string | null
  readonly mqtts: string | null
  readonly amqps: string | null
}

function addresses(cloud: LocalCloud, host: string): Addresses {
  const name = host.includes(':') ? `[${host}]` : host
  const url = (scheme: string, port: number | undefined): string | null =>
    port === undefined ? null : `${scheme}://${name}:${port}`
  return {
    http: url('http', cloud.httpPort),
    https: url('https', cloud.httpsPort),
    mqtt: url('mqtt', cloud.mqttPort),
    mqtts: url('mqtts', cloud.mqttsPort),
    amqps: url('amqps', cloud.amqpsPort),
  }
}

interface BannerFacts extends Addresses {
  readonly data: string
  /** Signs a browser in, once. */
  readonly code: string
  readonly config: string
  readonly rules: number
  readonly alarms: number
}

function banner({
  http,
  https,
  mqtt,
  mqtts,
  amqps,
  data,
  code,
  config,
  rules,
  alarms,
}: BannerFacts): string {
  const port = http === null ? '' : new URL(http).port
  const mqttPort = mqtt === null ? '' : new URL(mqtt).port
  const usual = mqttPort === '1883' && (port === '8080' || http === null)
  const demo = `npx anyhub demo${usual ? '' : ` --mqtt ${mqtt}${http === null ? '' : ` --http ${http}`}`}`
  const tls = [https, mqtts, amqps].filter((url) => url !== null)
  const page = (http ?? https)?.replace('//0.0.0.0:', '//127.0.0.1:') ?? null
  const lines = [
    'anyhub is running',
    '',
    `  page    ${http ?? 'off'}`,
    `  mqtt    ${mqtt ?? 'off'}${http === null ? '' : `   ws://${new URL(http).host}/mqtt`}`,
    ...(tls.length === 0 ? [] : [`  tls     ${tls.join('   ')}`]),
    `  data    ${data}`,
    `  config  ${config} (${rules} rules, ${alarms} alarms)`,
    '',
    ...(page === null ? [] : [`  sign in        ${signInLink(page, code)}`]),
    ...(mqtt === null ? [] : [`  see it work    ${demo}`]),
    ...(http === null
      ? []
      : [
          `  send one       curl -d '{"temp": 31}' http://127.0.0.1:${port}/devices/dev-1/telemetry`,
        ]),
    '',
    'Ctrl-C stops it.',
    '',
  ]
  return lines.join('\n')
}

/** The address that a command of this machine talks to unless told otherwise. */
export function defaultHttp(terminal: Terminal): string {
  return (
    terminal.env['ANYHUB_URL'] ??
    `http://127.0.0.1:${terminal.env['ANYHUB_HTTP_PORT'] ?? LOCAL_SETTINGS.httpPort.value}`
  )
}

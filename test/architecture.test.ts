import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, ROOT, sourceFiles } from './source-files.ts'

// Holds the table "who may import whom" of docs/architecture.md.

const CAPABILITIES = [
  'access',
  'actions',
  'windows',
  'codecs',
  'networks',
  'rules',
  'routing',
  'twin-query',
  'shadow',
  'alarms',
  'commands',
  'jobs',
  'notifications',
  'devices',
  'analytics',
  'tasks',
  'meaning',
  'health',
  'cost',
]

const MODEL = ['core/model/', 'core/errors.ts']
const CAPABILITY_FOLDERS = CAPABILITIES.map((name) => `core/${name}/`)

/** Files that hold one use case each; they share the gate and know nothing else of each other. */
const USE_CASES = [
  'device-gate',
  'ingest',
  'notify',
  'fan-out',
  'broadcasts',
  'audience',
  'tick',
  'dead-letters',
  'commands',
  'methods',
  'observe',
  'lookup',
  'addresses',
  'receipts',
  'networks',
  'network-downlinks',
  'keys',
  'sessions',
  'audit-log',
  'access-sweep',
  'groups',
  'fleet',
  'tasks',
  'rule-programs',
  'rule-overlay',
  'rule-trial',
  'account-sweep',
  'system-health',
  'throttle',
].map((name) => `core/${name}.ts`)

interface Row {
  /** Files the row is about: a folder (ends in /) or a file. */
  readonly of: string
  /** Folders and files of the repository that these may import, besides their own folder. */
  readonly may: readonly string[]
  /** Packages that these may import; `node:*` stands for all of Node. */
  readonly packages?: readonly string[]
}

/** First row that fits a file counts. */
const TABLE: readonly Row[] = [
  { of: 'core/model/', may: MODEL },
  { of: 'core/errors.ts', may: MODEL },
  // What a rule does speaks the language of rules: docs/adr/0014.
  { of: 'core/actions/', may: [...MODEL, 'core/rules/index.ts'], packages: ['zod'] },
  // Twins are queried with the functions that conditions of routes have: it is one language at Azure.
  {
    of: 'core/twin-query/',
    may: [...MODEL, 'core/routing/functions.ts', 'core/routing/value.ts'],
  },
  // Pure libraries inside the language: docs/adr/0009.
  {
    of: 'core/rules/functions/',
    may: [...MODEL, 'core/rules/'],
    packages: ['re2js', '@noble/hashes'],
  },
  // Each codec and each network describes its own options: docs/adr/0030.
  { of: 'core/codecs/', may: MODEL, packages: ['zod'] },
  { of: 'core/meaning/', may: MODEL, packages: ['zod'] },
  { of: 'core/notifications/', may: MODEL, packages: ['zod', '@noble/hashes'] },
  {
    of: 'core/networks/',
    // What a payload of Sparkplug means depends on what the network said before: docs/adr/0031.
    may: [
      ...MODEL,
      'core/codecs/codec.ts',
      'core/codecs/sparkplug/',
      'core/codecs/protobuf/wire-reader.ts',
    ],
    packages: ['zod', '@noble/hashes'],
  },
  // What is asked of stored telemetry reads it through the port, a page at a time: docs/adr/0042.
  {
    of: 'core/analytics/',
    may: [...MODEL, 'core/ports.ts'],
    packages: ['hyparquet-writer'],
  },
  { of: 'core/access/', may: MODEL, packages: ['zod', '@noble/hashes'] },
  // Each kind of long work does one page of it at a time, and keeps what it comes to in the store: docs/adr/0045.
  {
    of: 'core/tasks/',
    may: [...MODEL, 'core/ports.ts', 'core/analytics/', 'core/codecs/'],
    packages: ['zod'],
  },
  ...CAPABILITIES.map((name): Row => ({ of: `core/${name}/`, may: MODEL })),
  { of: 'core/ports.ts', may: MODEL },
  { of: 'core/config-faults.ts', may: MODEL, packages: ['zod'] },
  { of: 'core/duration-schema.ts', may: MODEL, packages: ['zod'] },
  { of: 'core/api-config.ts', may: ['core/duration-schema.ts'], packages: ['zod'] },
  {
    of: 'core/rule-config.ts',
    may: ['core/actions/list.ts', 'core/duration-schema.ts'],
    packages: ['zod'],
  },
  {
    of: 'core/config.ts',
    may: [
      ...MODEL,
      'core/config-faults.ts',
      'core/api-config.ts',
      'core/duration-schema.ts',
      'core/rule-config.ts',
      'core/access/access-config.ts',
      'core/actions/list.ts',
      'core/codecs/codec-config.ts',
      'core/notifications/audience-config.ts',
      'core/notifications/channels/',
      'core/meaning/',
      'core/networks/',
    ],
    packages: ['zod'],
  },
  {
    of: 'core/program.ts',
    may: [...MODEL, 'core/config.ts', 'core/config-faults.ts', ...CAPABILITY_FOLDERS],
  },
  { of: 'core/steps/', may: [...MODEL, 'core/program.ts', ...CAPABILITY_FOLDERS] },
  { of: 'core/step.ts', may: [...MODEL, 'core/steps/'] },
  ...USE_CASES.map((file): Row => {
    return {
      of: file,
      may: [
        ...MODEL,
        'core/step.ts',
        'core/steps/',
        'core/ports.ts',
        'core/config.ts',
        'core/config-faults.ts',
        'core/program.ts',
        'core/device-gate.ts',
        'core/lookup.ts',
        'core/addresses.ts',
        'core/groups.ts',
        'core/fleet.ts',
        'core/tasks.ts',
        'core/rule-config.ts',
        'core/rule-programs.ts',
        ...CAPABILITY_FOLDERS,
      ],
    }
  }),
  // Stands in for the two, with their types.
  {
    of: 'core/no-networks.ts',
    may: [...MODEL, 'core/networks.ts', 'core/network-downlinks.ts'],
  },
  {
    of: 'core/identify.ts',
    may: [...MODEL, 'core/ports.ts', 'core/access/', 'core/keys.ts', 'core/sessions.ts'],
  },
  {
    of: 'core/create-access.ts',
    may: [
      ...MODEL,
      'core/ports.ts',
      'core/config.ts',
      'core/access/',
      'core/identify.ts',
      'core/keys.ts',
      'core/sessions.ts',
      'core/audit-log.ts',
    ],
  },
  { of: 'core/create-core.ts', may: [...MODEL, 'core/ports.ts', 'core/program.ts', ...USE_CASES] },
  {
    of: 'core/api/',
    may: [
      ...MODEL,
      'core/create-core.ts',
      'core/create-access.ts',
      'core/fleet.ts',
      'core/groups.ts',
      'core/tasks.ts',
      'core/ports.ts',
      'core/config-faults.ts',
      'core/rule-config.ts',
      ...CAPABILITY_FOLDERS,
    ],
    // Endpoints describe themselves with schemas: docs/adr/0041.
    packages: ['hono', '@hono/zod-openapi', 'zod'],
  },
  { of: 'core/index.ts', may: ['core/'] },
  { of: 'core/', may: MODEL },
  {
    of: 'adapters/node/',
    may: ['core/index.ts', 'core/api/index.ts'],
    packages: ['node:*', 'nodemailer', 'web-push', 'zod', 'jose'],
  },
  {
    of: 'adapters/local/',
    may: ['core/index.ts', 'core/api/index.ts', 'adapters/node/'],
    // X.509: docs/adr/0015; AMQP: rhea.
    packages: [
      'node:*',
      'hono',
      '@hono/node-server',
      'ws',
      'mqtt-packet',
      'rhea',
      'zod',
      '@peculiar/x509',
      'reflect-metadata',
    ],
  },
  {
    of: 'adapters/aws/',
    may: ['core/index.ts', 'core/api/index.ts', 'adapters/node/'],
    packages: ['node:*', 'aws4', '@aws-sdk/client-iot', 'zod'],
  },
  {
    of: 'functions/aws/',
    may: [
      'adapters/aws/index.ts',
      'adapters/aws/api.ts',
      'adapters/aws/notify.ts',
      'adapters/aws/tick.ts',
      'core/index.ts',
    ],
    packages: ['anyhub:config'],
  },
  {
    of: 'adapters/azure/',
    may: ['core/index.ts', 'core/api/index.ts', 'adapters/node/'],
    // azure-iothub: its client alone, which sends over AMQP, when it is first needed.
    packages: ['node:*', 'zod', '@azure/functions', 'azure-iothub'],
  },
  {
    of: 'functions/azure/',
    may: [
      'adapters/azure/index.ts',
      'adapters/azure/api.ts',
      'adapters/azure/notify.ts',
      'adapters/azure/tick.ts',
      'core/index.ts',
    ],
    packages: ['anyhub:config', '@azure/functions'],
  },
  // A process of its own beside a broker, which no function loads: docs/gcp.md.
  {
    of: 'adapters/gcp/broker-bridge.ts',
    may: ['core/index.ts', 'adapters/gcp/', 'adapters/node/'],
    packages: ['mqtt'],
  },
  {
    of: 'adapters/gcp/',
    may: ['core/index.ts', 'core/api/index.ts', 'adapters/node/'],
    packages: ['node:*', 'zod'],
  },
  {
    of: 'functions/gcp/',
    may: [
      'adapters/gcp/index.ts',
      'adapters/gcp/api.ts',
      'adapters/gcp/ingest-http.ts',
      'adapters/gcp/notify.ts',
      'core/index.ts',
    ],
    packages: ['anyhub:config'],
  },
  // The module that the bundler puts in place.
  { of: 'functions/config.d.ts', may: ['core/index.ts'] },
  {
    of: 'cli/',
    may: ['core/index.ts', 'adapters/local/index.ts', 'adapters/node/'],
    packages: ['node:*', 'mqtt', 'yaml', 'vega-datasets', 'csv-parse', 'zod'],
  },
  {
    of: 'dashboard/vite.config.ts',
    may: [],
    packages: ['node:*', 'vite', '@vitejs/plugin-react'],
  },
  // For programs of others, in browsers as well: it knows the document of the API and nothing else.
  { of: 'client/', may: [], packages: ['openapi-fetch'] },
  // A program of its own, in a browser: it knows the API and nothing of what stands behind it.
  {
    of: 'dashboard/',
    may: ['client/'],
    packages: [
      'react',
      'react-dom',
      '@base-ui/react',
      '@tanstack/react-query',
      '@tanstack/react-virtual',
      'wouter',
      'uplot',
      '@codemirror/autocomplete',
      '@codemirror/commands',
      '@codemirror/lang-sql',
      '@codemirror/language',
      '@codemirror/lint',
      '@codemirror/state',
      '@codemirror/view',
      '@lezer/highlight',
      'd3-geo',
      'topojson-client',
      'world-atlas',
    ],
  },
]

const files = sourceFiles(['core', 'adapters', 'functions', 'cli', 'client', 'dashboard'])
const imports = files.flatMap(importsOf)

function rowOf(file: string): Row | undefined {
  return TABLE.find(({ of }) => (of.endsWith('/') ? file.startsWith(of) : file === of))
}

function fits(target: string, allowed: readonly string[]): boolean {
  return allowed.some((one) => (one.endsWith('/') ? target.startsWith(one) : target === one))
}

describe('architecture', () => {
  it('reads the imports of every folder that exists', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(imports.filter(({ external }) => !external).length).toBeGreaterThan(150)
    expect(imports).toContainEqual({
      file: 'core/steps/alarm.ts',
      target: 'core/alarms/judge.ts',
      external: false,
    })
  })

  it('has a row in the table for every file', () => {
    expect(files.filter((file) => rowOf(file) === undefined)).toEqual([])
  })

  it('imports inside the repository only what the table allows', () => {
    const wrong = imports.filter(({ file, target, external }) => {
      const row = rowOf(file)
      if (external || row === undefined) return false
      const own = row.of.endsWith('/') ? row.of : file
      return !target.startsWith(own) && !fits(target, row.may)
    })
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([])
  })

  it('imports only the packages that the table allows', () => {
    const wrong = imports.filter(({ file, target, external }) => {
      const packages = rowOf(file)?.packages ?? []
      return (
        external &&
        !packages.includes(target) &&
        !(target.startsWith('node:') && packages.includes('node:*'))
      )
    })
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([])
  })

  it('never imports the face of a folder from inside it', () => {
    const wrong = imports.filter(({ file, target, external }) => {
      const folder = target.replace(/index\.ts$/, '')
      return !external && target.endsWith('/index.ts') && file.startsWith(folder)
    })
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([])
  })

  it('has no cycle, not even of types', () => {
    const edges = new Map<string, string[]>()
    for (const { file, target, external } of imports) {
      if (!external) edges.set(file, [...(edges.get(file) ?? []), target])
    }
    expect(findCycle(edges)).toEqual([])
  })

  it('keeps what a host gives out of the core', () => {
    const ambient =
      /\b(process|Buffer|console|fetch|setTimeout|setInterval|setImmediate|globalThis)\b|\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)/
    const wrong = files
      .filter((file) => file.startsWith('core/') && !file.endsWith('.d.ts'))
      .flatMap((file) => {
        const code = withoutTextsAndComments(readFileSync(join(ROOT, file), 'utf8'))
        const found = ambient.exec(code)?.[0]
        return found === undefined ? [] : [`${file}: ${found}`]
      })
    expect(wrong).toEqual([])
  })

  it('names no cloud in the core outside declared dialects', () => {
    const branch = /===?\s*'(aws|azure|gcp|google|local)'|case '(aws|azure|gcp|google|local)'/
    const wrong = files
      .filter((file) => file.startsWith('core/'))
      .filter((file) =>
        branch.test(readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
      )
    expect(wrong).toEqual([])
  })
})

/** Files on a cycle, in order, or nothing. Source: depth-first search with three colours. */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): string[] => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    if (done.has(file)) return []
    path.push(file)
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next)
      if (cycle.length > 0) return cycle
    }
    path.pop()
    done.add(file)
    return []
  }
  for (const file of edges.keys()) {
    const cycle = visit(file)
    if (cycle.length > 0) return cycle
  }
  return []
}

function withoutTextsAndComments(code: string): string {
  return code
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*/g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''")
}

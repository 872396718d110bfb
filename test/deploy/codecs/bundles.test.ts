import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CODEC_KINDS, NETWORK_KINDS } from '../../../core/index.ts'

// Functions carry the codecs that their config names, and the interpreter of scripts only where one names a script.

const ROOT = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'anyhub-bundles-'))

interface Packed {
  readonly path: string
  readonly text: string
  /** Of which something is in it. */
  readonly files: readonly string[]
}

/** Bundles `ingest` of a cloud as its deployment does, in a process of its own: the plugin reads the config once. */
async function bundle(cloud: 'aws' | 'gcp', name: string, config: string): Promise<Packed> {
  const [file, out] = [join(folder, `${name}.yml`), join(folder, `${name}-${cloud}.cjs`)]
  writeFileSync(file, config)
  const call = `const { bundleFunction } = await import(${JSON.stringify(join(ROOT, 'bench/cold/bundle.ts'))}); process.stdout.write(JSON.stringify(await bundleFunction('${cloud}', 'ingest', ${JSON.stringify(out)})))`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', call],
    {
      cwd: ROOT,
      env: { ...process.env, ANYHUB_CONFIG: file },
    },
  )
  const { files }: Pick<Packed, 'files'> = JSON.parse(stdout)
  return { path: out, text: readFileSync(out, 'utf8'), files }
}

const PLAIN = 'deviceTypes:\n  default:\n    codec: json\n'
const SCRIPTS = `deviceTypes:
  meter:
    devices: 'meter-*'
    codec: { type: script, file: decoder.js }
`
const DECODER = `function decodeUplink(input) {
  return { data: { celsius: ((input.bytes[0] << 8) | input.bytes[1]) / 10 } }
}`

/** What only the interpreter has in its text. */
const INTERPRETER = 'brotliDecompressSync'

/** The codecs in a bundle: each is a file that is called as it is. */
function codecsIn({ files }: Packed): readonly string[] {
  return CODEC_KINDS.map(({ name }) => name).filter((name) =>
    files.includes(`core/codecs/${name}.ts`),
  )
}

describe('the bundle of ingest', () => {
  let plain: Packed
  let scripts: Packed

  beforeAll(async () => {
    writeFileSync(join(folder, 'decoder.js'), DECODER)
    plain = await bundle('aws', 'plain', PLAIN)
    scripts = await bundle('aws', 'scripts', SCRIPTS)
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it('has the codecs that its config names, and no other', () => {
    expect(CODEC_KINDS.length).toBeGreaterThan(5)
    expect(codecsIn(plain)).toEqual(['json'])
    expect(codecsIn(scripts)).toEqual(['script'])
  })

  it('has the networks that its config names, with their codecs, and no other', async () => {
    const config = 'networks: { tts: { type: the-things-stack, codec: cayenne-lpp } }\n'
    const tts = await bundle('aws', 'networks', config)
    const networksIn = ({ files }: Packed) =>
      NETWORK_KINDS.map(({ name }) => name).filter((name) =>
        files.includes(`core/networks/${name}.ts`),
      )
    expect(NETWORK_KINDS.length).toBeGreaterThan(10)
    expect([networksIn(plain), networksIn(tts)]).toEqual([[], ['the-things-stack']])
    expect(plain.text).not.toContain('not taken by its network')
    expect(tts.text).toContain('not taken by its network')
    expect(codecsIn(tts)).toEqual(['json', 'cayenne-lpp'])
  }, 30_000)

  it('has the interpreter only where a script needs it', () => {
    expect(plain.text).not.toContain(INTERPRETER)
    expect(plain.text).not.toContain('WebAssembly')
    expect(scripts.text).toContain(INTERPRETER)
    expect(scripts.text).toContain('celsius')
  })

  it('is the same on Google', { timeout: 60_000 }, async () => {
    const google = await bundle('gcp', 'plain', PLAIN)
    expect(codecsIn(google)).toEqual(['json'])
    expect(google.text).not.toContain('WebAssembly')
  })

  it('a faulty script is no package', { timeout: 60_000 }, async () => {
    const faulty = 'deviceTypes:\n  meter:\n    codec: { type: script, script: "function (" }\n'
    await expect(bundle('aws', 'faulty', faulty)).rejects.toThrow('the script: SyntaxError')
    const missing = 'deviceTypes:\n  meter:\n    codec: { type: script, file: nothing.js }\n'
    await expect(bundle('aws', 'missing', missing)).rejects.toThrow('expected a file nothing.js')
  })

  it('decodes by its script, far from the packages of this project', {
    timeout: 60_000,
  }, async () => {
    const cloud = await openTables()
    try {
      const reply = await runIngest(scripts.path, cloud.endpoint, {
        Records: [
          {
            messageId: '1',
            body: JSON.stringify({
              payload: Buffer.from([0x00, 0xeb]).toString('base64'),
              topic: 'devices/meter-1/telemetry',
              receivedAt: 1_750_000_000_000,
              clientId: 'meter-1',
            }),
            attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1750000000000' },
            eventSource: 'aws:sqs',
          },
        ],
      })
      expect(reply).toEqual({ batchItemFailures: [] })
      expect(cloud.written.join('\n')).toContain('celsius')
      expect(cloud.written.join('\n')).toContain('23.5')
    } finally {
      cloud.close()
    }
  })
})

/** Answers as DynamoDB would of empty tables, and keeps what it is sent. */
async function openTables() {
  const written: string[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Uint8Array[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      written.push(Buffer.concat(chunks).toString('utf8'))
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    written,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Calls the handler of a bundle as its host would, in a process and a folder of its own. */
async function runIngest(file: string, endpoint: string, event: unknown): Promise<unknown> {
  const names = [
    'DEVICES_TABLE',
    'TELEMETRY_TABLE',
    'ITEMS_TABLE',
    'NOTIFICATIONS_TABLE',
    'HIGH_QUEUE_URL',
    'NORMAL_QUEUE_URL',
    'QUEUE_PREFIX',
    'COLD_STREAM',
    'BUCKET',
    'DEVICE_POLICY',
    'ADMIN_TOKEN_SHA256',
  ]
  const call = `require(${JSON.stringify(file)}).handler(JSON.parse(process.argv[1])).then((reply) => process.stdout.write('REPLY ' + JSON.stringify(reply), () => process.exit()))`
  const child = spawn(process.execPath, ['-e', call, JSON.stringify(event)], {
    cwd: folder,
    env: {
      ...Object.fromEntries(names.map((name) => [`ANYHUB_${name}`, name.toLowerCase()])),
      AWS_REGION: 'eu-central-1',
      AWS_LAMBDA_FUNCTION_NAME: 'ingest',
      AWS_ACCESS_KEY_ID: 'testing',
      AWS_SECRET_ACCESS_KEY: 'testing',
      AWS_ENDPOINT_URL: endpoint,
    },
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
  await new Promise((done) => child.on('close', done))
  const reply = out.split('REPLY ')[1]
  if (reply === undefined) throw new Error(`expected a reply, found ${out}`)
  return JSON.parse(reply)
}

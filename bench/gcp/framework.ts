import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { bundleFunction } from '../cold/bundle.ts'
import { type Child, startNode } from '../lib/child.ts'

const require = createRequire(import.meta.url)
const FRAMEWORK = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js')

/** How a function is called: by a push subscription, as serverless.gcp.yml has it, or with CloudEvents. */
export type Way = 'push' | 'handler'

/** Folders of functions, as the framework takes them. */
export interface Folders {
  readonly empty: string
  readonly ingest: string
  /** Size of the bundle of `ingest`. Unit: bytes. */
  readonly bytes: number
}

/** Writes a function that does nothing, and `ingest` as it is deployed. */
export async function writeFunctions(root: string): Promise<Folders> {
  const [empty, ingest] = [join(root, 'empty'), join(root, 'ingest')]
  for (const folder of [empty, ingest]) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{"main":"index.js"}')
  }
  writeFileSync(
    join(empty, 'index.js'),
    'exports.handler=async()=>{};exports.push=(incoming,outgoing)=>{outgoing.writeHead(204).end()}',
  )
  const { bytes } = await bundleFunction('gcp', 'ingest', join(ingest, 'index.js'))
  return { empty, ingest, bytes }
}

/** A function that runs in a process of its own. */
export interface Running extends Child {
  readonly port: number
}

/** Starts functions-framework on a port of the loopback, and waits until it serves. */
export async function startFramework(
  folder: string,
  way: Way,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<Running> {
  const child = startNode(
    [
      FRAMEWORK,
      `--target=${way}`,
      `--signature-type=${way === 'push' ? 'http' : 'cloudevent'}`,
      `--port=${port}`,
      `--source=${folder}`,
    ],
    env,
  )
  while (!(await child.nextLine()).startsWith('Serving function'));
  return { ...child, port }
}

/** A port that nobody listens at. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('expected a port'))
      })
    })
  })
}

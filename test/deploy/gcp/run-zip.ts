import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'

/** Files of a zip, by their names. */
export function filesOf(zip: Buffer): Readonly<Record<string, string>> {
  const files = unzipSync(zip)
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  )
}

/** A request as functions of HTTP get it, as far as small ones read it. */
export interface Called {
  readonly body: string
  /** Whether the function takes CloudEvents. */
  readonly event: boolean
}

/** Unpacks the code of a function into a folder of its own, loads it as Cloud Functions does, and calls it. */
export async function runZip(
  zip: Buffer,
  entryPoint: string,
  { body, event }: Called,
): Promise<{ status: number; body: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-zip-'))
  try {
    for (const [name, text] of Object.entries(filesOf(zip))) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    // The folder itself: its package.json says where the code is.
    const loaded = createRequire(join(folder, 'x.js'))(folder)
    const parsed = JSON.parse(body === '' ? '{}' : body)
    if (event) return { status: 200, body: String(await loaded[entryPoint]({ data: parsed })) }
    return await new Promise((done, reject) => {
      const response = {
        code: 200,
        status(code: number) {
          this.code = code
          return this
        },
        send(text: string) {
          done({ status: this.code, body: text })
        },
      }
      Promise.resolve(loaded[entryPoint]({ body: parsed }, response)).catch(reject)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

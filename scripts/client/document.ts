import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '../../adapters/local/index.ts'
import { compileProgram, parseConfig } from '../../core/index.ts'
import type { Document } from './schema-of.ts'

/** The document of the embedded cloud: it serves all that the others do. */
export async function readDocument(): Promise<Document> {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-document-'))
  const parsed = parseConfig({})
  if ('faults' in parsed) throw new Error('expected the empty config to be one')
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error('expected the empty config to compile')
  const cloud = await startLocalCloud({
    program: compiled.program,
    settings: {
      host: '127.0.0.1',
      httpPort: 0,
      httpsPort: undefined,
      mqttPort: undefined,
      mqttsPort: undefined,
      amqpsPort: undefined,
      keepEvents: false,
      data,
      durability: 'normal',
      requireAuth: false,
    },
    log: () => undefined,
  })
  try {
    const answer = await fetch(`http://127.0.0.1:${cloud.httpPort}/openapi.json`)
    return JSON.parse(await answer.text())
  } finally {
    await cloud.close()
    rmSync(data, { recursive: true, force: true })
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { DIST, ensureBuilt } from './built.ts'

const MOST_BYTES = 200 * 1_024

interface Chunk {
  readonly file: string
  readonly isEntry?: boolean
  readonly css?: readonly string[]
  /** Chunks that are loaded with this one, at once. */
  readonly imports?: readonly string[]
}

describe('the first load of the page', () => {
  let manifest: Readonly<Record<string, Chunk>>
  beforeAll(async () => {
    await ensureBuilt()
    manifest = JSON.parse(readFileSync(join(DIST, '.vite/manifest.json'), 'utf8'))
  })

  /** Every file that comes with a chunk without anybody doing anything. */
  function filesOf(name: string, found = new Set<string>()): Set<string> {
    const chunk = manifest[name]!
    if (found.has(chunk.file)) return found
    found.add(chunk.file)
    for (const css of chunk.css ?? []) found.add(css)
    for (const one of chunk.imports ?? []) filesOf(one, found)
    return found
  }

  const gzipped = (file: string): number => gzipSync(readFileSync(join(DIST, file))).length
  const size = (files: Iterable<string>): number =>
    [...files].reduce((sum, file) => sum + gzipped(file), 0)

  it('stays under 200 KB with the overview, compressed', () => {
    const [entry] = Object.keys(manifest).filter((name) => manifest[name]!.isEntry === true)
    const files = new Set([...filesOf(entry!), ...filesOf('src/pages/overview/page.tsx')])
    expect(files.size).toBeGreaterThan(3)
    expect(size(files)).toBeLessThan(MOST_BYTES)
  })

  it('holds no charts', () => {
    const entry = Object.keys(manifest).filter((name) => manifest[name]!.isEntry === true)
    const texts = [...filesOf(entry[0]!)].map((file) => readFileSync(join(DIST, file), 'utf8'))
    expect(texts.some((text) => text.includes('uplot'))).toBe(false)
  })

  it('has nothing in the page itself that its content security policy forbids', () => {
    const html = readFileSync(join(DIST, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\bon\w+=|data:/)
  })
})

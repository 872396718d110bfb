import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../adapters/local/cloud.ts'
import { ROOT } from '../source-files.ts'
import { describeWithBrowser } from './browser.ts'
import { ensureBuilt } from './built.ts'

/** Width and height of a PNG. Source: PNG specification, 11.2.1. */
function sizeOf(png: Buffer): readonly [number, number] {
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG')
  return [png.readUInt32BE(16), png.readUInt32BE(20)]
}

describeWithBrowser('pictures of the page', () => {
  it('are taken of a cloud that runs, as the README shows them', { timeout: 90_000 }, async () => {
    await ensureBuilt()
    const folder = temporaryFolder()
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        join(ROOT, 'scripts/screenshots.ts'),
        'overview',
        '--out',
        folder,
        '--talk',
        '3000',
        '--built',
      ],
      { encoding: 'utf8', cwd: ROOT, timeout: 80_000 },
    )
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const taken = readFileSync(join(folder, 'overview.png'))
    const kept = readFileSync(join(ROOT, 'docs/img/overview.png'))
    expect(sizeOf(taken)).toEqual([1280, 800])
    expect(sizeOf(kept)).toEqual([1280, 800])
    // An empty page is a few KB; one with a fleet on it weighs what the one in the README does.
    expect(taken.length).toBeGreaterThan(kept.length / 2)
  })

  it('are all there where the documentation shows them, and none is kept that it does not', () => {
    const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
    const shown = pages
      .filter((page) => page.endsWith('.md'))
      .flatMap((page) => [
        ...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\((?:docs\/)?img\/([\w-]+\.png)\)/g),
      ])
      .map(([, name = '']) => name)
    expect(shown).toContain('overview.png')
    expect(shown.filter((name) => !existsSync(join(ROOT, 'docs/img', name)))).toEqual([])
    expect(readdirSync(join(ROOT, 'docs/img')).toSorted()).toEqual([...new Set(shown)].toSorted())
  })
})

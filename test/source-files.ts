import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '..')

/** One import of one file. `target` is a path from the root, or the name of a package. */
export interface Import {
  readonly file: string
  readonly target: string
  readonly external: boolean
}

/** Source files of the given folders, as paths from the root. */
export function sourceFiles(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      globSync(`${folder}/**/*.{ts,tsx,mjs,js}`, {
        cwd: ROOT,
        exclude: ['**/node_modules/**', '**/dist/**'],
      }),
    )
    .toSorted()
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|\bnew URL\(\s*'(\.[^']+\.ts)'/g

/** Every import of a file, static, dynamic and re-exports. */
export function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? ''
    if (!specifier.startsWith('.')) return { file, target: packageName(specifier), external: true }
    return {
      file,
      target: relative(ROOT, resolve(ROOT, dirname(file), specifier)),
      external: false,
    }
  })
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

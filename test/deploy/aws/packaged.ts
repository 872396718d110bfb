import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkFolder } from '../work-folder.ts'

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** What the tests read of a template. */
export interface Template {
  readonly Resources: Readonly<
    Record<
      string,
      { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }
    >
  >
}

/** The variables that serverless.aws.yml and the config of the deploy tests ask for. */
export function variables(hook: string): Readonly<Record<string, string>> {
  return {
    ANYHUB_CONFIG: 'test/deploy/aws/anyhub.yml',
    ANYHUB_TEST_SINK: hook,
    ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
  }
}

/** What `sls package` made, for somebody who looks at it and closes it. */
export interface Packaged {
  /** The folder of the template and of one zip for each function. */
  readonly path: string
  readonly templatePath: string
  readonly template: Template
  ofType(type: string): readonly (readonly [string, Template['Resources'][string]])[]
  close(): void
}

/** Packages without an account and without a cloud. */
export async function packageAws(...args: readonly string[]): Promise<Packaged> {
  const folder = openWorkFolder()
  try {
    await folder.sls(
      ['package', '--config', 'serverless.aws.yml', ...args],
      variables('https://hooks.example.com/hook'),
    )
  } catch (error) {
    folder.close()
    throw error
  }
  const path = join(folder.path, '.serverless')
  const templatePath = join(path, 'cloudformation-template-update-stack.json')
  const template: Template = JSON.parse(readFileSync(templatePath, 'utf8'))
  return {
    path,
    templatePath,
    template,
    ofType: (type) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type),
    close: folder.close,
  }
}

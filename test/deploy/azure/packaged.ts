import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SUBSCRIPTION } from './azure-cloud.ts'
import { openStage, type Stage } from './stage.ts'

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** The variables that serverless.azure.yml and the config of the deploy tests ask for. */
export function variables(hook: string): Readonly<Record<string, string>> {
  return {
    ANYHUB_CONFIG: join(import.meta.dirname, 'anyhub.yml'),
    ANYHUB_TEST_SINK: hook,
    ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
    AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
  }
}

/** A stage with what serverless.azure.yml is made of, and nothing deployed. */
export function openAnyhub(env: Readonly<Record<string, string>>): Promise<Stage> {
  return openStage(
    { parts: ['adapters', 'core', 'deploy', 'functions', 'serverless.azure.yml'] },
    env,
  )
}

/** What `sls package` makes of serverless.azure.yml, with this config: what would be published. */
export async function packageApp(env = variables('http://127.0.0.1:9/hook')): Promise<Buffer> {
  const stage = await openAnyhub(env)
  try {
    await stage.sls('package', '--config', 'serverless.azure.yml')
    return readFileSync(join(stage.folder, '.serverless/app.zip'))
  } finally {
    await stage.close()
  }
}

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { PROJECT, REGION, type Seen } from './google-cloud.ts'
import type { Stage } from './stage.ts'

/** Where the SDK is, if it is on this machine. */
function sdkRoot(): string | undefined {
  const { status, stdout } = spawnSync(
    'gcloud',
    ['info', '--format=value(installation.sdk_root)'],
    {
      encoding: 'utf8',
    },
  )
  const root = status === 0 ? stdout.trim() : ''
  return existsSync(join(root, 'lib/googlecloudsdk')) ? root : undefined
}

const ROOT = sdkRoot()

/** A suite that needs gcloud: skipped by name, with the reason, where it is not installed. On CI that is a failure. */
export function describeWithGcloud(name: string, body: (sdkRoot: string) => void): void {
  const skipped = ROOT === undefined && process.env['CI'] !== 'true'
  const title = skipped ? `${name} (skipped: gcloud is not installed)` : name
  describe.skipIf(skipped)(title, () => body(ROOT ?? ''))
}

/** Runs `gcloud functions deploy --gen2`, sent to the cloud of the stage. */
export async function gcloudDeploy(
  { cloud, folder, env }: Stage,
  name: string,
  flags: readonly string[],
): Promise<{ readonly code: number; readonly text: string; readonly seen: readonly Seen[] }> {
  const token = join(folder, 'token')
  writeFileSync(token, 'token-of-whoever-deploys')
  const before = cloud.seen.length
  const args = [
    ...['functions', 'deploy', name, '--gen2', `--region=${REGION}`, `--project=${PROJECT}`],
    ...['--quiet', ...flags],
  ]
  const child = spawn('gcloud', args, {
    env: {
      ...process.env,
      ...env,
      CLOUDSDK_CONFIG: join(folder, 'gcloud'),
      CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: token,
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
  const code = await new Promise<number>((done, reject) => {
    child.on('error', reject)
    child.on('close', (status) => done(status ?? -1))
  })
  return { code, text, seen: cloud.seen.slice(before) }
}

export interface Checked {
  readonly faults: readonly string[]
  readonly checked: Readonly<Record<string, number>>
  readonly unchecked: readonly string[]
}

/** Checks bodies against the message classes that gcloud sends with. */
export function checkByGcloud(root: string, seen: readonly Seen[]): Checked {
  const script = join(import.meta.dirname, 'gcloud_messages.py')
  const { stdout, stderr, status } = spawnSync('python3', [script, root], {
    input: JSON.stringify(seen),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

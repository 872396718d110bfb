import {
  LOCAL_SETTINGS,
  type LocalCloud,
  type LocalSettings,
  startLocalCloud,
} from '../../adapters/local/index.ts'
import { loadConfig } from '../../cli/load-config.ts'
import type { Folder } from './run-cli.ts'

/** A cloud in this process, on ports that were free. */
export interface TestCloud {
  readonly cloud: LocalCloud
  readonly http: string
  readonly mqtt: string
  readonly data: string
}

/** Starts a cloud with a config given as YAML; its data lies in the folder. */
export async function startTestCloud(
  folder: Folder,
  yaml: string,
  data = `${folder.path}/data`,
  requireAuth = false,
): Promise<TestCloud> {
  const loaded = await loadConfig(folder.write(`${crypto.randomUUID()}.yml`, yaml), folder.path, {})
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const settings: LocalSettings = {
    host: LOCAL_SETTINGS.host.value,
    httpPort: 0,
    httpsPort: undefined,
    mqttPort: 0,
    mqttsPort: undefined,
    amqpsPort: undefined,
    keepEvents: false,
    data,
    durability: 'normal',
    requireAuth,
  }
  const cloud = await startLocalCloud({ program: loaded.program, settings, log: () => undefined })
  return {
    cloud,
    http: `http://127.0.0.1:${cloud.httpPort}`,
    mqtt: `mqtt://127.0.0.1:${cloud.mqttPort}`,
    data,
  }
}

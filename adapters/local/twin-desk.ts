import {
  AZURE_IOT_HUB,
  type Core,
  CoreError,
  type DeviceInput,
  type DeviceRecord,
  isAlive,
  isJsonObject,
  type JsonObject,
  mergeDiff,
  parseTwinPatch,
  twinForBackEnd,
  twinForDevice,
} from '../../core/index.ts'

/** A change of the twin by the back end. */
export interface TwinWrite {
  readonly desired?: JsonObject | null
  readonly tags?: JsonObject | null
  /** True: the sections named take the place of the old ones. */
  readonly replace?: boolean
  /** The version of the whole twin that its ETag stands for; without it any. */
  readonly ifVersion?: number
}

/** Why a twin request is refused, as the system says it. */
export interface TwinFault {
  /** As of HTTP. */
  readonly status: number
  readonly errorCode: number
  readonly message: string
}

/** A change of the desired section, told to its device: the patch with `$version`; `null` for what is gone. */
export type DesiredPush = (patch: JsonObject, version: number) => void

/** Twins as Azure IoT Hub has them, whatever way a request comes. The twin is the classic shadow of the device. */
export interface TwinDesk {
  /** `{desired, reported}`, each with `$version`, as the device gets it. */
  get(deviceId: string): Promise<JsonObject>
  /** `{version, tags, properties}` with `$metadata`, as the back end gets it. */
  read(deviceId: string): Promise<JsonObject>
  /** The device reports: a patch as it was sent. */
  report(
    deviceId: string,
    body: string | Uint8Array,
  ): Promise<{ readonly version: number } | { readonly fault: TwinFault }>
  /** The back end wants something. Gives the twin as `read` does. */
  write(
    deviceId: string,
    change: TwinWrite,
  ): Promise<{ readonly twin: JsonObject } | { readonly fault: TwinFault }>
  /**
   * Tells each change of the desired section from now on, whoever makes it: another dialect, the API, a rule. Gives the
   * function that ends it.
   */
  watch(deviceId: string, push: DesiredPush): () => void
  /** A record was stored. */
  committed(record: DeviceRecord): void
}

interface Watcher {
  readonly push: DesiredPush
  /** What it was told of last; `undefined` until what there was when it came is known. */
  last: Desired | undefined
  /** What was stored meanwhile. */
  missed: Desired | undefined
}

interface Desired {
  readonly state: JsonObject
  readonly version: number
}

/** Source: learn.microsoft.com, troubleshoot-error-codes. */
const ERROR_CODES: Readonly<Record<number, number>> = {
  400: 400_004,
  404: 404_001,
  412: 412_001,
  413: 413_001,
  429: 429_001,
  503: 503_003,
}

export function createTwinDesk(core: () => Core): TwinDesk {
  const watchers = new Map<string, Watcher[]>()

  async function documentOf(deviceId: string) {
    const record = await core().ports.devices.load(deviceId)
    return record?.shadows['']
  }

  /** @throws CoreError `store.*`, `uplink.bad_device_id`. */
  async function run(
    deviceId: string,
    input: Extract<DeviceInput, { kind: 'twin' }>,
  ): Promise<{ readonly body: JsonObject } | { readonly fault: TwinFault }> {
    const [result] = await core().gate.run(deviceId, [input])
    if (result?.status === 'answered' && isJsonObject(result.body)) {
      if (result.accepted) return { body: result.body }
      return { fault: twinFault(Number(result.body['code']), String(result.body['message'])) }
    }
    const message = result?.status === 'refused' ? result.message : 'Internal server error'
    return { fault: twinFault(500, message) }
  }

  return {
    async get(deviceId) {
      return twinForDevice(await documentOf(deviceId), AZURE_IOT_HUB)
    },

    async read(deviceId) {
      return twinForBackEnd(await documentOf(deviceId), AZURE_IOT_HUB)
    },

    async report(deviceId, body) {
      const parsed = parseTwinPatch(body, AZURE_IOT_HUB)
      if ('rejected' in parsed)
        return { fault: twinFault(parsed.rejected.code, parsed.rejected.message) }
      const done = await run(deviceId, {
        kind: 'twin',
        patches: { reported: parsed.patch },
        at: core().ports.clock.now(),
      })
      return 'fault' in done ? done : { version: Number(done.body['version']) }
    },

    async write(deviceId, { desired, tags, replace = false, ifVersion }) {
      const done = await run(deviceId, {
        kind: 'twin',
        patches: {
          ...(tags === undefined ? {} : { tags }),
          ...(desired === undefined ? {} : { desired }),
          ...(tags === undefined && desired === undefined ? { tags: {} } : {}),
        },
        replace: replace && (tags !== undefined || desired !== undefined),
        ...(ifVersion === undefined ? {} : { ifVersion }),
        at: core().ports.clock.now(),
      })
      return 'fault' in done ? done : { twin: done.body }
    },

    watch(deviceId, push) {
      const watcher: Watcher = { push, last: undefined, missed: undefined }
      watchers.set(deviceId, [...(watchers.get(deviceId) ?? []), watcher])
      const begin = (from: Desired): void => {
        watcher.last = from
        if (watcher.missed !== undefined) tell(watcher, watcher.missed)
      }
      documentOf(deviceId).then(
        (document) => begin(desiredOf(document)),
        // Who cannot know what there was is told all with the next change.
        () => begin(UNKNOWN),
      )
      return () => {
        const left = (watchers.get(deviceId) ?? []).filter((one) => one !== watcher)
        if (left.length === 0) watchers.delete(deviceId)
        else watchers.set(deviceId, left)
      }
    },

    committed(record) {
      if (watchers.size === 0) return
      const own = watchers.get(record.deviceId)
      if (own === undefined) return
      const now = desiredOf(record.shadows[''])
      for (const watcher of own) tell(watcher, now)
    },
  }
}

function tell(watcher: Watcher, now: Desired): void {
  const { last } = watcher
  if (last === undefined) {
    watcher.missed = now
    return
  }
  watcher.last = now
  if (last.version === now.version) return
  watcher.push({ ...mergeDiff(last.state, now.state), $version: now.version }, now.version)
}

/** A fault in the words of the system: code, message. */
export function twinFault(status: number, message: string): TwinFault {
  return { status, errorCode: ERROR_CODES[status] ?? status * 1_000 + 1, message }
}

/** A fault of the store as a refusal that says whether trying again may help. */
export function twinFaultOf(error: unknown): TwinFault {
  const isRetryable = error instanceof CoreError && error.retryable
  if (error instanceof CoreError && error.code === 'uplink.bad_device_id')
    return twinFault(404, 'Device not found')
  return twinFault(isRetryable ? 503 : 500, error instanceof Error ? error.message : 'server error')
}

const NOTHING: JsonObject = {}
const UNKNOWN: Desired = { state: NOTHING, version: 0 }

function desiredOf(document: DeviceRecord['shadows'][string] | undefined): Desired {
  const { firstVersion } = AZURE_IOT_HUB
  return isAlive(document)
    ? { state: document.desired ?? NOTHING, version: document.desiredVersion + firstVersion }
    : { state: NOTHING, version: firstVersion }
}

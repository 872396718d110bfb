import type { Core } from '../../core/index.ts'
import type { ClientDecision, ClientDialect, ClientLink } from './dialects/client-dialect.ts'
import type { Meaning } from './dialects/dialect.ts'
import type { Identities, Judged } from './identity.ts'
import type {
  MqttClientInfo,
  MqttConnectDecision,
  MqttConnectRequest,
  MqttHooks,
} from './listeners/mqtt/index.ts'
import { mayPublish, maySubscribe } from './policy.ts'

export interface MqttAdmissionOptions {
  readonly core: Core
  readonly identities: Identities
  /** Nobody is let in who does not prove who he is. */
  readonly requireAuth: boolean
  /** Dialects whose clients are known at CONNECT. */
  readonly dialects?: readonly ClientDialect[]
  readonly log: MqttHooks['log']
}

/** Lets MQTT clients in, and says what each of them may do. */
export interface MqttAdmission {
  connect(request: MqttConnectRequest): MqttConnectDecision | Promise<MqttConnectDecision>
  /** The connection of a client that speaks a dialect of clients; `undefined` for all others. */
  linkOf(client: MqttClientInfo): ClientLink | undefined
  /** Whether a client was known as a device when it connected, by proof or by having been heard of. */
  isDevice(client: MqttClientInfo): boolean
  mayPublish(client: MqttClientInfo, topic: string, meaning: Meaning): boolean
  /** Whether a client may bring a message of a device behind a network. */
  maySpeakFor(client: MqttClientInfo, deviceId: string): boolean
  maySubscribe(client: MqttClientInfo, filter: string): boolean
}

export function createMqttAdmission({
  core,
  identities,
  requireAuth,
  dialects = [],
  log,
}: MqttAdmissionOptions): MqttAdmission {
  const { observer } = core.ports
  /** The `data` of clients that are devices; those that have proved it with their id, the others with ''. */
  const devices = new WeakMap<object, string>()
  /** The `data` of clients that speak a dialect of clients. */
  const links = new WeakMap<object, ClientLink>()
  /** Where nobody does, nobody has to be asked for it with each message. */
  let anyLinks = false

  /** `undefined`: nothing was shown, or nothing that anybody here knows. */
  function judge(request: MqttConnectRequest): Judged | undefined {
    const { clientId, username, password, transport } = request
    const { peerCertificate } = transport
    if (peerCertificate !== undefined) {
      return identities.ofCertificate(
        peerCertificate instanceof Uint8Array ? peerCertificate : peerCertificate.raw,
      )
    }
    if (password === undefined) return undefined
    const token = Buffer.from(password).toString('utf8')
    if (identities.isAdmin(token)) return { kind: 'admin' }
    const deviceId = username ?? clientId
    return requireAuth || transport.secure || identities.isRegistered(deviceId)
      ? identities.ofToken(deviceId, token)
      : undefined
  }

  function refuse(
    clientId: string,
    reason: Extract<MqttConnectDecision, { accept: false }>['reason'],
    why: string,
  ): MqttConnectDecision {
    observer.count('mqtt.connect_refused', 1, { reason })
    log?.({ event: 'connection.refused', clientId, reason: why })
    return { accept: false, reason }
  }

  /** On this machine, and unless told otherwise, nobody has to prove anything: development. */
  async function admitUnproven({
    clientId,
    username,
    transport,
  }: MqttConnectRequest): Promise<MqttConnectDecision> {
    if (requireAuth || transport.secure)
      return refuse(clientId, 'not_authorized', 'neither certificate nor token')
    const data = {}
    if (identities.isRegistered(clientId) || (await wasHeardOf(core, clientId)))
      devices.set(data, '')
    return identities.isDisabled(clientId)
      ? refuse(clientId, 'not_authorized', 'device is disabled')
      : { accept: true, principal: username ?? clientId, data }
  }

  function decideOn(
    { clientId }: MqttConnectRequest,
    decision: ClientDecision,
  ): MqttConnectDecision {
    if (!decision.accept) return refuse(clientId, decision.reason, decision.why)
    const { deviceId, principal, link } = decision
    const data = {}
    links.set(data, link)
    anyLinks = true
    devices.set(data, deviceId)
    return { accept: true, principal, clientId: deviceId, data }
  }

  function entryOf({ data }: MqttClientInfo): string | undefined {
    return typeof data === 'object' && data !== null ? devices.get(data) : undefined
  }

  /** Whether a network talks to the device on topics of its own. */
  function mayHear(filter: string, speaker: string): boolean {
    const one = core.program.networks.ofTopic(filter)
    const listener = one?.network.listenerOf?.(filter)
    if (one === undefined || listener === undefined) return false
    return (
      listener.kind === 'every' || identities.maySpeakFor(speaker, one.prefix + listener.deviceId)
    )
  }

  return {
    connect(request) {
      for (const dialect of dialects) {
        const decision = dialect.connect(request)
        if (decision === undefined) continue
        return 'then' in decision
          ? decision.then((decided) => decideOn(request, decided))
          : decideOn(request, decision)
      }
      const judged = judge(request)
      if (judged === undefined) return admitUnproven(request)
      if (judged.kind === 'refused') return refuse(request.clientId, judged.reason, judged.why)
      if (judged.kind === 'admin') return { accept: true, principal: 'admin' }
      const { deviceId, principal } = judged
      const data = {}
      devices.set(data, deviceId)
      // Sessions of devices go by their ids, so that nobody takes the session of another.
      return { accept: true, principal, clientId: deviceId, data }
    },

    linkOf: ({ data }) =>
      anyLinks && typeof data === 'object' && data !== null ? links.get(data) : undefined,

    isDevice: (client) => entryOf(client) !== undefined,

    mayPublish(client, topic, meaning) {
      if ('deviceId' in meaning && identities.isDisabled(meaning.deviceId)) return false
      const deviceId = entryOf(client)
      if (deviceId === undefined || deviceId === '') return !identities.isDisabled(client.clientId)
      return (
        !identities.isDisabled(deviceId) &&
        mayPublish(topic, meaning, deviceId, identities.isRegistered)
      )
    },

    maySpeakFor(client, deviceId) {
      const speaker = entryOf(client)
      if (speaker === undefined || speaker === '')
        return !identities.isDisabled(client.clientId) && !identities.isDisabled(deviceId)
      return !identities.isDisabled(speaker) && identities.maySpeakFor(speaker, deviceId)
    },

    maySubscribe(client, filter) {
      const deviceId = entryOf(client)
      return (
        deviceId === undefined ||
        deviceId === '' ||
        maySubscribe(filter, deviceId, identities.isRegistered) ||
        mayHear(filter, deviceId)
      )
    },
  }
}

/** Whether a client is a device that was heard of. One that cannot be looked up now is taken for a stranger. */
async function wasHeardOf({ ports }: Core, clientId: string): Promise<boolean> {
  try {
    return (await ports.devices.load(clientId)) !== undefined
  } catch {
    return false
  }
}

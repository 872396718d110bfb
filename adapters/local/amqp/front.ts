import type {
  AmqpConnection,
  AmqpHooks,
  AmqpInbound,
  AmqpMessage,
  AmqpOutbound,
} from '../listeners/amqp/index.ts'
import { textOf } from '../listeners/amqp/index.ts'
import { type AmqpAddress, readAddress } from './addresses.ts'
import { createDeviceSessions, type DeviceSession } from './device-session.ts'
import { createEventHub, type HubSession } from './event-hub.ts'
import { createGrants, type Grants } from './grants.ts'
import { createReplies, type Replies } from './replies.ts'
import { createServiceLinks } from './service-links.ts'
import type { AmqpServices } from './services.ts'

/** What the AMQP listener asks, and a word about devices whose access has changed. */
export interface AmqpFront extends AmqpHooks {
  /** A device may be served no longer, or not by what it has shown. */
  cutOff(deviceId: string): void
  /** Ends what runs beside connections. */
  close(): void
}

/** What one connection has. */
interface State {
  readonly grants: Grants
  readonly replies: Replies
  readonly devices: Map<string, DeviceSession>
  /** Links of the owner. */
  readonly owned: Set<AmqpInbound | AmqpOutbound>
  readonly hub: HubSession
}

/** Questions on one link that are not answered yet. */
const QUESTIONS = 50
const QUESTION_BYTES = 65_536

const UNAUTHORIZED = 'amqp:unauthorized-access'

/** The AMQP side of Azure: addresses of links to devices, service and Event Hubs. */
export function createAmqpFront(services: AmqpServices): AmqpFront {
  const { observer } = services.core.ports
  const states = new Map<AmqpConnection, State>()
  const sessions = createDeviceSessions(services)
  const service = createServiceLinks(services)
  const eventHub = createEventHub(services)

  function open(connection: AmqpConnection): void {
    const devices = new Map<string, DeviceSession>()
    const owned = new Set<AmqpInbound | AmqpOutbound>()
    const grants = createGrants({
      connection,
      services,
      onExpired(deviceId) {
        if (deviceId !== undefined) {
          leave(connection, { devices, grants }, deviceId, 'the token has expired')
          return
        }
        for (const link of [...owned]) link.close(UNAUTHORIZED, 'the token has expired')
        if (devices.size === 0) connection.close(UNAUTHORIZED, 'the token has expired')
      },
    })
    states.set(connection, {
      grants,
      replies: createReplies(),
      devices,
      owned,
      hub: eventHub.open(),
    })
    const { peerCertificate } = connection.transport
    if (
      peerCertificate !== undefined &&
      services.identities.ofCertificate(peerCertificate).kind === 'device'
    )
      connection.prove()
  }

  /** A device of a connection is served no longer; where nothing else is, the connection ends, and its links with it. */
  function leave(
    connection: AmqpConnection,
    { devices, grants }: Pick<State, 'devices' | 'grants'>,
    deviceId: string,
    why: string,
  ): void {
    const session = devices.get(deviceId)
    const others = devices.size - (session === undefined ? 0 : 1)
    if (others === 0 && !grants.isOwner) connection.close(UNAUTHORIZED, why)
    session?.end(UNAUTHORIZED, why)
  }

  function refuse(link: AmqpInbound | AmqpOutbound, condition: string, why: string): void {
    observer.count('amqp.refused', 1, { what: condition })
    link.close(condition, why)
  }

  function attachDevice(
    state: State,
    link: AmqpInbound | AmqpOutbound,
    { deviceId, part }: Extract<AmqpAddress, { kind: 'device' }>,
  ): void {
    const granted = state.grants.device(deviceId)
    if (typeof granted === 'string') {
      refuse(link, UNAUTHORIZED, granted)
      return
    }
    let session = state.devices.get(deviceId)
    if (session === undefined) {
      session = sessions.open({
        deviceId,
        principal: granted.principal,
        connection: link.connection,
        onEnd() {
          state.devices.delete(deviceId)
        },
        onStolen() {
          if (state.devices.size === 1 && !state.grants.isOwner)
            link.connection.close(
              'amqp:connection:forced',
              'the device has connected anew (400027 ConnectionForcefullyClosedOnNewConnection)',
            )
        },
      })
      state.devices.set(deviceId, session)
    }
    session.attach(link, part)
  }

  /** What only the owner may have. */
  function attachOwned(state: State, link: AmqpInbound | AmqpOutbound, accept: () => void): void {
    if (!state.grants.isOwner) {
      refuse(link, UNAUTHORIZED, 'expected a token of the policy iothubowner')
      return
    }
    state.owned.add(link)
    accept()
  }

  function putToken(state: State, message: AmqpMessage): void {
    const { applicationProperties: asked, value } = message
    const operation = textOf(asked['operation'])
    const token = typeof value === 'string' ? value : message.body.toString('utf8')
    const audience = textOf(asked['name']) ?? ''
    const why =
      operation === 'put-token'
        ? state.grants.put(audience, token)
        : 'expected the operation put-token'
    if (why !== undefined) observer.count('amqp.refused', 1, { what: 'token' })
    state.replies.answer(
      message,
      '$cbs',
      why === undefined
        ? { code: 200, description: 'OK' }
        : { code: 401, description: `Unauthorized: ${why}`, condition: UNAUTHORIZED },
    )
  }

  /** A link on which questions come, each to be answered. */
  function takeQuestions(link: AmqpInbound, answer: (message: AmqpMessage) => void): void {
    link.accept({
      credit: QUESTIONS,
      maxMessageBytes: QUESTION_BYTES,
      onMessage(delivery) {
        delivery.accept()
        answer(delivery.message)
      },
    })
  }

  function attach(state: State, link: AmqpInbound | AmqpOutbound): void {
    const address = readAddress(link.address)
    switch (address.kind) {
      case 'cbs':
        if (link.kind === 'outbound') state.replies.add(link)
        else takeQuestions(link, (message) => putToken(state, message))
        return
      case 'device':
        attachDevice(state, link, address)
        return
      case 'module':
        refuse(link, 'amqp:not-implemented', 'modules are not served')
        return
      case 'service':
        attachOwned(state, link, () => service.attach(link, address.part))
        return
      case 'management':
        attachOwned(state, link, () => {
          if (link.kind === 'outbound') state.replies.add(link)
          else
            takeQuestions(link, (message) => eventHub.manage(message, link.address, state.replies))
        })
        return
      case 'partition':
        attachOwned(state, link, () => state.hub.receive(link, address))
        return
      case 'hub':
        attachOwned(state, link, () => eventHub.refuseProducer(link, address.hub))
        return
      case 'unknown':
        refuse(link, 'amqp:not-found', 'nothing has this address')
    }
  }

  return {
    connected: open,

    disconnected(connection) {
      const state = states.get(connection)
      if (state === undefined) return
      states.delete(connection)
      state.grants.end()
      for (const session of [...state.devices.values()])
        session.end('amqp:connection:forced', 'the connection has ended')
    },

    attached(link) {
      const state = states.get(link.connection)
      if (state === undefined) link.close('amqp:internal-error', 'the connection has ended')
      else attach(state, link)
    },

    login: (connection, username, password) =>
      states.get(connection)?.grants.login(username, password) ?? false,

    log(event) {
      if (event.event === 'amqp.fault') observer.count('amqp.fault', 1)
      services.log?.(event)
    },

    cutOff(deviceId) {
      for (const [connection, { devices, grants }] of [...states]) {
        grants.revoke(deviceId)
        if (devices.has(deviceId))
          leave(connection, { devices, grants }, deviceId, 'the device may not be served')
      }
    },

    close: service.close,
  }
}

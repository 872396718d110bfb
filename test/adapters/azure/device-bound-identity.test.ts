import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import rhea, { type Connection, type EventContext, type Sender } from 'rhea'
import { expect, it, onTestFinished } from 'vitest'
import { createDeviceBound } from '../../../adapters/azure/device-bound.ts'
import { SELF_SIGNED } from '../node/self-signed.ts'

interface Shown {
  readonly type: string
  readonly name: string
  readonly token: string
}

/** The service side of a hub that believes every token, and says what it was shown. */
async function openHub() {
  const shown: Shown[] = []
  const sent: { readonly to: unknown; readonly body: string }[] = []
  const replies = new Map<Connection, Sender>()
  const container = rhea.create_container()
  container.sasl_server_mechanisms.enable_anonymous()
  const echo = (link: EventContext['sender'] | EventContext['receiver']): void => {
    link?.set_source(link.source)
    link?.set_target(link.target)
  }
  container.on('sender_open', ({ sender, connection }: EventContext) => {
    echo(sender)
    if (sender !== undefined) replies.set(connection, sender)
  })
  container.on('receiver_open', ({ receiver }: EventContext) => echo(receiver))
  container.on('message', ({ message, receiver, connection }: EventContext) => {
    if (receiver?.target?.address === '$cbs') {
      const { type, name } = message?.application_properties ?? {}
      shown.push({ type, name, token: String(message?.body) })
      replies.get(connection)?.send({
        ...(message?.message_id === undefined
          ? {}
          : { correlation_id: String(message.message_id) }),
        application_properties: {
          'status-code': rhea.types.wrap_int(200),
          'status-description': 'OK',
        },
        body: undefined,
      })
      return
    }
    sent.push({ to: message?.to, body: String(message?.body?.content) })
  })
  const server = container.listen({
    port: 0,
    host: '127.0.0.1',
    transport: 'tls',
    ...SELF_SIGNED,
  })
  await new Promise<void>((done) => void server.once('listening', done))
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, SELF_SIGNED.cert])
  onTestFinished(() => {
    setDefaultCACertificates(before)
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, shown, sent }
}

it('goes under our identity where no key is given', async () => {
  const { port, shown, sent } = await openHub()
  let asked = 0
  const deviceBound = createDeviceBound({
    host: `localhost:${port}`,
    connection: undefined,
    token: async () => `token-${++asked}`,
    now: Date.now,
  })
  onTestFinished(() => deviceBound.close())
  const message = {
    messageId: 'm-1',
    payload: Buffer.from('x'),
    ack: 'full',
    properties: {},
  } as const
  await deviceBound.send('dev-1', message)
  await deviceBound.send('dev-1', { ...message, messageId: 'm-2' })
  expect(shown.map(({ token }) => token)).toEqual(['Bearer token-1'])
  expect(sent).toEqual([
    { to: '/devices/dev-1/messages/devicebound', body: 'x' },
    { to: '/devices/dev-1/messages/devicebound', body: 'x' },
  ])
})

import { describe, expect, it } from 'vitest'
import { deadLetterView } from '../../../core/api/views.ts'
import { type ConfigInput, CoreError } from '../../../core/index.ts'
import {
  maskAddress,
  maskChat,
  maskMail,
  maskWords,
} from '../../../core/notifications/channels/mask.ts'
import { start } from '../harness.ts'

describe('addresses, as they may be shown', () => {
  it.each([
    ['ann@example.org', 'a…@example.org'],
    ['no-mail', 'n…'],
    ['', '…'],
  ])('mail: %j is %j', (mail, shown) => expect(maskMail(mail)).toBe(shown))

  it.each([
    [-1_001_234_567, '-…67'],
    [4_711, '…11'],
    [7, '…'],
    ['@site_alerts', '@s…ts'],
    ['@abc', '@a…'],
  ])('chat: %j is %j', (chat, shown) => expect(maskChat(chat)).toBe(shown))

  it.each([
    ['+4915112345678', '+49…78'],
    ['ann@example.org', 'a…@example.org'],
    ['dGhpcy1pcy1hLXRva2Vu', 'dGhp…'],
    ['@site_alerts', '@sit…'],
  ])('of any kind: %j is %j', (address, shown) => expect(maskAddress(address)).toBe(shown))

  it.each([
    [
      '550 5.1.1 <ann@example.org>: Recipient address rejected: ann@example.org unknown',
      '550 5.1.1 <a…@example.org>: Recipient address rejected: a…@example.org unknown',
    ],
    [
      'sns: 400 InvalidParameter +4915112345678 is not valid',
      'sns: 400 InvalidParameter +49…78 is not valid',
    ],
    ['b…@x.org: no such mailbox', 'b…@x.org: no such mailbox'],
    ['status 503 after 120000 ms', 'status 503 after 120000 ms'],
  ])('in the words of others: %j is %j', (words, shown) => {
    expect(maskWords(words)).toBe(shown)
    expect(maskWords(shown)).toBe(shown)
  })
})

describe('a delivery to an own address that is given up', () => {
  const CONFIG = {
    channels: { mail: { type: 'email', to: ['all@example.org'] } },
    people: { ann: { addresses: [{ channel: 'mail', to: 'ann@example.org' }] } },
  } satisfies ConfigInput

  async function givenUp() {
    const running = start(CONFIG)
    const { core, world } = running
    world.onSend = (_delivery, sending) => {
      sending?.gone('ann@example.org', 'a…@example.org', 'no <ann@example.org> here')
      return new CoreError('channel.gone', '550 5.1.1 <ann@example.org>: no such mailbox')
    }
    const id = await core.broadcasts.send({ audience: { people: ['ann'] }, subject: 'Drill' })
    for (let round = 0; round < 3; round++) await core.notify(10)
    return { ...running, id }
  }

  it('is shown nowhere with its address: list of dead letters, account, disabled addresses', async () => {
    const { core, world, id } = await givenUp()
    const letters = await core.ports.deadLetters.list('', 10)
    expect(letters).toHaveLength(1)
    const shown = JSON.stringify([
      letters.map(deadLetterView),
      await core.broadcasts.told(id, ''),
      await core.addresses.list('', 10),
      [...(world.tables.get('$addresses') ?? [])],
    ])
    expect(shown).toContain('a…@example.org')
    expect(shown).not.toContain('ann@example.org')
  })

  it('is sent again to the address itself', async () => {
    const { core, world } = await givenUp()
    world.onSend = () => undefined
    const [letter] = await core.ports.deadLetters.list('', 1)
    await core.redrive(letter?.id ?? '')
    await core.notify(10)
    expect(world.sent.map(({ to }) => to)).toEqual(['ann@example.org'])
  })
})

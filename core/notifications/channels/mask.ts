import { maskNumber, maskToken } from './http-channel.ts'

/** `b…@example.org`: enough to know whose it is. */
export function maskMail(address: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, 1)}…${at < 0 ? '' : address.slice(at)}`
}

/** `-…00`, `@s…te`: which of several it is. */
export function maskChat(chat: string | number): string {
  const text = String(chat)
  const sign = /^[-@]?[a-z]?/i.exec(text)?.[0] ?? ''
  return `${sign}…${text.length > sign.length + 2 ? text.slice(-2) : ''}`
}

/** An own address of whatever kind of channel. */
export function maskAddress(address: string): string {
  if (address.startsWith('+')) return maskNumber(address)
  return address.includes('@', 1) ? maskMail(address) : maskToken(address)
}

/** What others say of an address often repeats it: mails and numbers in their words are masked. */
export function maskWords(words: string): string {
  return words
    .replace(/[^\s<>"'(),:;@[\]]+@[\w.-]*\w/g, (found) =>
      found.includes('…') ? found : maskMail(found),
    )
    .replace(/\+\d{7,15}\b/g, maskNumber)
}

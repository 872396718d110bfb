import { OWNER_POLICY, ownerKeyOf } from '../identity.ts'
import { isSignedWith, readSasToken } from '../sas.ts'

/**
 * Whether a token of Event Hubs is of the owner, and until when (epoch ms). There the key is the text that stands in the
 * connection string, and not the bytes that it is base64 of.
 * Source: learn.microsoft.com, event-hubs, "Generate a Shared Access Signature".
 */
export function ofEventHubsSas(
  text: string,
  adminToken: string,
  now: number,
): { readonly expiresAt: number } | undefined {
  const token = readSasToken(text)
  if (token?.policy !== OWNER_POLICY) return undefined
  const key = Buffer.from(ownerKeyOf(adminToken)).toString('base64')
  if (!isSignedWith(token, key) || token.expiresAt <= now) return undefined
  return { expiresAt: token.expiresAt }
}

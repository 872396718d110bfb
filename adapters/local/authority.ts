import {
  createHash,
  createPrivateKey,
  X509Certificate as NodeCertificate,
  randomBytes,
  webcrypto,
} from 'node:crypto'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { IssuedCertificate } from '../../core/index.ts'

// X.509 is built by a library, which is loaded only where something is issued. See docs/adr/0015.

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 7_300
const DEVICE_DAYS = 3_650
/** Source: Apple support 103769, what clients accept of a server. */
const SERVER_DAYS = 820
/** A server certificate is renewed at a start so long before its end. */
const RENEW_DAYS = 90
/** Clocks of devices are late now and then. */
const EARLY_MS = DAY_MS

/** The certificate authority of one data folder. */
export interface Authority {
  /** PEM: what devices trust. */
  readonly certificate: string
  /** Key and certificate of the TLS listeners, PEM. */
  readonly server: { readonly key: string; readonly cert: string }
  /** Makes a key and a certificate whose common name is the device id. */
  issue(deviceId: string, now: number): Promise<IssuedCertificate>
  /** Whether it has signed this certificate. */
  hasIssued(certificate: NodeCertificate): boolean
}

export interface AuthorityOptions {
  /** The data folder. */
  readonly folder: string
  /** Names and addresses under which the listeners are reached. */
  readonly hosts: readonly string[]
  /** Epoch ms. */
  readonly now: number
}

interface KeyPair {
  readonly privateKey: webcrypto.CryptoKey
  readonly publicKey: webcrypto.CryptoKey
}

/**
 * Opens the authority of a data folder, and makes one at the first start.
 *
 * Shape: `authority.pem` (key and certificate) and `server.pem`, for the owner only; `ca.pem` is the certificate alone,
 * for devices.
 */
export async function openAuthority({ folder, hosts, now }: AuthorityOptions): Promise<Authority> {
  const path = join(folder, 'authority.pem')
  const kept = readIfThere(path) ?? (await createAuthority(path, now))
  const authority = new NodeCertificate(kept)
  const certificate = authority.toString()
  if (readIfThere(join(folder, 'ca.pem')) !== certificate)
    writeWhole(join(folder, 'ca.pem'), certificate, 0o644)
  const serverPath = join(folder, 'server.pem')
  const server = readIfThere(serverPath)
  const isGood = server !== undefined && serves(new NodeCertificate(server), authority, hosts, now)
  const serverPem = isGood ? server : await createServerCertificate(kept, hosts, now)
  if (!isGood) writeWhole(serverPath, serverPem, 0o600)

  return {
    certificate,
    server: { key: serverPem, cert: serverPem },
    hasIssued: (one) => one.checkIssued(authority) && one.verify(authority.publicKey),
    async issue(deviceId, at) {
      const issued = await sign(kept, { commonName: deviceId, days: DEVICE_DAYS, now: at })
      return {
        credential: {
          kind: 'certificate',
          digest: fingerprintOf(new NodeCertificate(issued.certificate).raw),
          createdAt: at,
        },
        ...issued,
        authority: certificate,
      }
    },
  }
}

/** SHA-256 of a certificate in DER, in hex. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}

async function loadLibrary() {
  // The library marks its classes through it.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function createAuthority(path: string, now: number): Promise<string> {
  const x509 = await loadLibrary()
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: ['anyhub authority'] }],
    notBefore: new Date(now - EARLY_MS),
    notAfter: new Date(now + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pem = `${await exportKey(keys.privateKey)}${certificate.toString('pem')}\n`
  writeWhole(path, pem, 0o600)
  return pem
}

async function createServerCertificate(
  authority: string,
  hosts: readonly string[],
  now: number,
): Promise<string> {
  const { certificate, privateKey } = await sign(authority, {
    commonName: 'anyhub',
    days: SERVER_DAYS,
    now,
    hosts,
  })
  return `${privateKey}${certificate}`
}

interface SignOptions {
  readonly commonName: string
  readonly days: number
  readonly now: number
  /** Set for a server. */
  readonly hosts?: readonly string[]
}

async function sign(
  authority: string,
  { commonName, days, now, hosts }: SignOptions,
): Promise<{ readonly certificate: string; readonly privateKey: string }> {
  const x509 = await loadLibrary()
  const issuer = new x509.X509Certificate(new NodeCertificate(authority).raw)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  )
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: issuer.subject,
    notBefore: new Date(now - EARLY_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        hosts === undefined ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(hosts === undefined
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
            ),
          ]),
    ],
  })
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: await exportKey(keys.privateKey),
  }
}

function serves(
  certificate: NodeCertificate,
  authority: NodeCertificate,
  hosts: readonly string[],
  now: number,
): boolean {
  return (
    certificate.verify(authority.publicKey) &&
    Date.parse(certificate.validTo) > now + RENEW_DAYS * DAY_MS &&
    hosts.every((host) =>
      isIP(host) === 0
        ? certificate.checkHost(host) !== undefined
        : certificate.checkIP(host) !== undefined,
    )
  )
}

async function generateKeys(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

/** Positive, and not to be guessed. Source: RFC 5280, 4.1.2.2. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** Whole or not at all, whenever the process ends. */
function writeWhole(path: string, text: string, mode: number): void {
  const next = `${path}.${process.pid}`
  writeFileSync(next, text, { mode })
  chmodSync(next, mode)
  renameSync(next, path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

import { TLSSocket, type TlsOptions } from 'node:tls'
import type { Authority } from '../authority.ts'

/** Source: AWS IoT developer guide, protocols: ALPN of devices that bring a certificate. */
const MQTT_PROTOCOLS = ['x-amzn-mqtt-ca', 'mqtt']

/**
 * How the TLS listeners meet clients. A certificate is asked for, and judged above: who has none may still have a token,
 * and who is refused is told so in his own protocol.
 */
export function tlsOptions(authority: Authority): TlsOptions {
  return {
    ...authority.server,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 15_000,
  }
}

/** The same for MQTT, with the protocol names that devices offer; who offers only others is turned away. */
export function mqttTlsOptions(authority: Authority): TlsOptions {
  return {
    ...tlsOptions(authority),
    ALPNCallback: ({ protocols }) => MQTT_PROTOCOLS.find((name) => protocols.includes(name)),
  }
}

/** The certificate that the other side has shown, DER; `undefined` if it has shown none or there is no TLS. */
export function peerCertificate(socket: unknown): Uint8Array | undefined {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined
}

import type { Server } from 'node:net'
import { CoreError } from '../../../core/index.ts'

/**
 * Opens a port. Result: the port, which for 0 is the one that was free.
 * @throws CoreError `port.in_use` that names port and setting; `usage.wrong` for an address that is not ours; other faults
 * as they are.
 */
export function listen(server: Server, host: string, port: number, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(explain(error, `port ${port} on ${host}`, flag) ?? error)
    server.once('error', fail)
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function explain(
  { code }: NodeJS.ErrnoException,
  where: string,
  flag: string,
): CoreError | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return new CoreError(
        'port.in_use',
        `${where} is in use by another program: choose another with --${flag}, or 0 for any that is free`,
      )
    case 'EACCES':
      return new CoreError(
        'port.in_use',
        `${where} needs more rights: choose one above 1023 with --${flag}`,
      )
    case 'EADDRNOTAVAIL':
      return new CoreError('usage.wrong', `${where}: this machine has no such address (--host)`)
    default:
      return undefined
  }
}

import type { Server } from 'node:net'
import { CoreError } from '../../../core/index.ts'

/**
 * Opens a port. Result: the port, which for 0 is the one that was free.
 * @throws CoreError `port.in_use` that names port and setting; other faults as they are.
 */
export function listen(server: Server, host: string, port: number, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new CoreError(
            'port.in_use',
            `port ${port} on ${host} is in use by another program: choose another with --${flag}, or 0 for any that is free`,
          ),
        )
      } else if (error.code === 'EACCES') {
        reject(
          new CoreError(
            'port.in_use',
            `port ${port} on ${host} needs more rights: choose one above 1023 with --${flag}`,
          ),
        )
      } else reject(error)
    }
    server.once('error', fail)
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** What every server of the bench does beside its work: tells its port and its CPU time. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export function reportPort(server: Server): void {
  server.listen(0, '127.0.0.1', () => report((server.address() as AddressInfo).port))
}

export function report(port: number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu: (user + system) / 1e6 })
  })
  process.send?.({ port })
}

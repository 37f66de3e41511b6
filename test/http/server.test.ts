// The end of the server: what is in flight finishes, nothing new begins.
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { ask, type Ground, ground, on } from './ground.ts'

function signal() {
  let give: () => void = () => undefined
  const given = new Promise<void>(resolve => {
    give = resolve
  })
  return { give, given }
}

async function slowServer(shutdownTimeout?: number) {
  const arrived = signal()
  const go = signal()
  const server = await ground({
    ...(shutdownTimeout !== undefined && { shutdownTimeout }),
    routes: () => [
      on('GET', '/slow', async ctx => {
        arrived.give()
        await go.given
        ctx.body = 'finished'
      }),
      on('GET', '/started', async ctx => {
        ctx.respond = false
        ctx.res.writeHead(200)
        ctx.res.write('begun ')
        arrived.give()
        await go.given
        ctx.res.end('finished')
      }),
      on('GET', '/quick', ctx => {
        ctx.body = 'quick'
      }),
    ],
  })
  return { server, arrived, go }
}

function opened(server: Ground): Promise<Socket> {
  return new Promise(resolve => {
    const socket = connect(server.port, '127.0.0.1', () => resolve(socket))
    socket.on('error', () => undefined)
  })
}

const ended = (socket: Socket) => new Promise<void>(resolve => socket.once('close', () => resolve()))

function keptAlive(
  server: Ground,
  agent: Agent,
  path: string,
): Promise<{ text: string; connection?: string | undefined }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, path, agent, headers: { host: 'id.test' } }, response => {
      let text = ''
      response.on('data', chunk => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ text, connection: response.headers.connection }))
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}

describe('listen', () => {
  it('says where it listens, and refuses an address in use', async () => {
    const { server } = await slowServer()
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    await server.close()
  })

  it.each(['/slow', '/started'])('close waits for %s and closes its connection', async path => {
    const { server, arrived, go } = await slowServer()
    const agent = new Agent({ keepAlive: true })
    const answer = keptAlive(server, agent, path)
    await arrived.given
    const closing = server.close()
    go.give()
    expect((await answer).text).toMatch(/finished$/)
    if (path === '/slow') expect((await answer).connection).toBe('close')
    await closing
    agent.destroy()
    await expect(ask(server, { path: '/quick' })).rejects.toThrow()
  })

  it('close ends idle connections, and those on which nothing was ever sent', async () => {
    const { server } = await slowServer()
    const agent = new Agent({ keepAlive: true })
    await keptAlive(server, agent, '/quick')
    const silent = await opened(server)
    const silentEnded = ended(silent)
    await keptAlive(server, agent, '/quick') // the silent connection has been accepted by now
    await server.close()
    await silentEnded
    agent.destroy()
  })

  it('close ends what does not finish in time, and is the same when called twice', async () => {
    const { server, arrived, go } = await slowServer(0)
    const answer = ask(server, { path: '/slow' })
    const failed = expect(answer).rejects.toThrow()
    await arrived.given
    expect(server.close()).toBe(server.close())
    await server.close()
    await failed
    go.give()
  })

  it('does not write a second answer into one that has begun', async () => {
    const { server, arrived, go } = await slowServer()
    const socket = await opened(server)
    let received = ''
    socket.on('data', chunk => {
      received += String(chunk)
    })
    socket.write('GET /started HTTP/1.1\r\nHost: id.test\r\n\r\n')
    await arrived.given
    const end = ended(socket)
    socket.write('GARBAGE\r\n\r\n')
    await end
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1)
    go.give()
    await server.close()
  })
})

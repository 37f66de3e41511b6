/**
 * Load over keep-alive connections, one request at a time on each. It parses just enough of HTTP/1.1 to know where an
 * answer ends, so that its own cost stays small beside the server's.
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** The status line and the headers, as sent. */
  readonly head: string
  readonly body: string
}

export interface Load {
  readonly port: number
  /** Raw requests; the connections take turns through them. */
  readonly requests: readonly Buffer[]
  readonly connections: number
  /** Milliseconds. */
  readonly duration: number
  /** Called with every hundredth answer and with every one that is not the expected status. @throws when it is wrong */
  check(answer: Answer): void
}

const SAMPLE_EVERY = 100
const HEADER_END = Buffer.from('\r\n\r\n')

/** @returns how many requests were answered */
export async function run(load: Load): Promise<number> {
  const until = performance.now() + load.duration
  const counts = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => drive(load, index, until)),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

function drive({ port, requests, connections, check }: Load, index: number, until: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let next = index
    let answered = 0
    let received = Buffer.alloc(0)
    const send = () => {
      const request = requests[next % requests.length]
      next += connections
      if (request) socket.write(request)
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed the connection')))
    socket.on('data', chunk => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const answer = readAnswer(received)
      if (!answer) return
      received = Buffer.alloc(0)
      answered += 1
      try {
        if (answered % SAMPLE_EVERY === 1 || answer.status >= 300) check(answer)
      } catch (error) {
        socket.destroy()
        reject(error)
        return
      }
      if (performance.now() < until) return send()
      socket.removeAllListeners('close')
      socket.destroy()
      resolve(answered)
    })
  })
}

/** Undefined while the answer is not complete. */
function readAnswer(received: Buffer): Answer | undefined {
  const end = received.indexOf(HEADER_END)
  if (end === -1) return undefined
  const head = received.subarray(0, end).toString('latin1')
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  const start = end + HEADER_END.length
  if (received.length < start + length) return undefined
  const body = received.subarray(start, start + length).toString()
  return { status: Number(head.slice(9, 12)), head, body }
}

export interface Connection {
  /** One request after the other. */
  ask(request: Buffer): Promise<Answer>
  close(): void
}

/** For what is not load: a connection on which single answers are looked at. */
export function openConnection(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let received = Buffer.alloc(0)
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk])
    const answer = readAnswer(received)
    if (!answer) return
    received = Buffer.alloc(0)
    waiting?.resolve(answer)
  })
  socket.on('error', error => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')))
  return {
    ask(request) {
      const answer = new Promise<Answer>((resolve, reject) => {
        waiting = { resolve, reject }
      })
      socket.write(request)
      return answer
    },
    close: () => socket.destroy(),
  }
}

/** A raw request. */
export function request(
  method: string,
  path: string,
  { host, headers = {}, body = '' }: { host: string; headers?: Record<string, string>; body?: string },
): Buffer {
  const all = { host, ...headers, ...(body !== '' && { 'content-length': String(Buffer.byteLength(body)) }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

/** JSON posted with a bearer token. */
export function json(path: string, host: string, token: string, body: unknown): Buffer {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return request('POST', path, { host, headers, body: JSON.stringify(body) })
}

/** A form posted with client authentication. */
export function form(
  path: string,
  host: string,
  credentials: string,
  fields: Record<string, string>,
): Buffer {
  return request('POST', path, {
    host,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(fields).toString(),
  })
}

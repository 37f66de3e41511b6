// Debian's Caddy: a process of its own with a Caddyfile of its own.
import {
  checkInstalled,
  isListening,
  type ProxyOptions,
  type RunningProxy,
  runInForeground,
  serverDirectory,
} from './foreground.ts'

const BINARY = '/usr/bin/caddy'

/**
 * @param config the sites of a Caddyfile. Sites are named with scheme and port (`https://localhost:8443`) and have
 * `tls cert.pem key.pem`: Caddy gets no certificates by itself here. Files are named relative to it.
 * @throws with the command to run when Caddy is not installed, and with its own words when it refuses the configuration
 */
export async function startCaddy({ port, config, files = {} }: ProxyOptions): Promise<RunningProxy> {
  checkInstalled(BINARY, 'Caddy', 'caddy')
  const options = ['admin off', 'auto_https off', 'skip_install_trust', 'grace_period 1s']
  const directory = serverDirectory('caddy', {
    ...files,
    Caddyfile: ['{', ...options, '}', config, ''].join('\n'),
  })
  const { path } = directory
  try {
    const caddy = await runInForeground({
      name: 'Caddy',
      binary: '/usr/bin/env',
      args: ['-C', path, BINARY, 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
      env: { HOME: path, XDG_CONFIG_HOME: path, XDG_DATA_HOME: path },
      answers: () => isListening(port),
    })
    return {
      directory: path,
      log: caddy.printed,
      async close() {
        await caddy.end()
        directory.remove()
      },
    }
  } catch (error) {
    directory.remove()
    throw error
  }
}

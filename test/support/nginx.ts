// Debian's nginx: a process of its own with a configuration of its own.
import {
  checkInstalled,
  isListening,
  type ProxyOptions,
  type RunningProxy,
  runInForeground,
  serverDirectory,
} from './foreground.ts'

const BINARY = '/usr/sbin/nginx'
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * @param config what stands inside `http { … }`: one or more `server { … }`. Files are named relative to it.
 * @throws with the command to run when nginx is not installed, and with its own words when it refuses the configuration
 */
export async function startNginx({ port, config, files = {} }: ProxyOptions): Promise<RunningProxy> {
  checkInstalled(BINARY, 'nginx', 'nginx-light')
  const directory = serverDirectory('nginx', {
    ...files,
    'nginx.conf': [
      // Root starts it and hands over to an account without rights; anybody else stays who they are.
      process.getuid?.() === 0 ? 'user www-data;' : '',
      'daemon off;',
      'worker_processes 1;',
      'pid nginx.pid;',
      'error_log stderr info;',
      'events { worker_connections 128; }',
      'http {',
      'access_log off;',
      ...TEMPORARY.map(name => `${name}_temp_path temporary-${name};`),
      config,
      '}',
      '',
    ].join('\n'),
  })
  const args = ['-p', directory.path, '-e', 'stderr', '-c', 'nginx.conf']
  try {
    const nginx = await runInForeground({
      name: 'nginx',
      binary: BINARY,
      args,
      answers: () => isListening(port),
    })
    return {
      directory: directory.path,
      log: nginx.printed,
      async close() {
        await nginx.end()
        directory.remove()
      },
    }
  } catch (error) {
    directory.remove()
    throw error
  }
}

// What an idle connection costs at the least in Node: TLS on both legs, and nothing between them. Prints its port.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:tls';

const [certPath = '', keyPath = '', caPath = '', target = ''] = process.argv.slice(2);
const ca = readFileSync(caPath);
const server = createServer({ cert: readFileSync(certPath), key: readFileSync(keyPath) }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: Number(target), servername: 'localhost', ca });
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
  client.pipe(upstream).pipe(client);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});

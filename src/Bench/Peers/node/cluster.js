// The same service on every core: one worker each behind one port, replaced when it dies.
const cluster = require('node:cluster');
const path = require('node:path');

cluster.setupPrimary({ exec: path.join(__dirname, 'server.js') });

for (let worker = 0; worker < Number(process.env.WORKERS); worker++) {
  cluster.fork();
}

cluster.on('exit', () => cluster.fork());
